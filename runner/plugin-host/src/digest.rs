//! SHA-256 in lower-case hex.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
};

use sha2::{Digest as _, Sha256};

/// Digest of bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Digest of a prefix and a file, without holding the file in memory.
pub(crate) fn of_file(prefix: &str, file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new_with_prefix(prefix);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Digest of a prefix and bytes.
pub(crate) fn of_prefixed(prefix: &str, bytes: &[u8]) -> String {
    hex(&Sha256::new_with_prefix(prefix).chain_update(bytes).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_fips_180_4() {
        assert_eq!(of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(of_prefixed("a", b"bc"), of(b"abc"));
    }
}
