//! The identity of bytes.

use std::{fmt, io, io::Read, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Bytes read at a time while hashing and copying.
const BUFFER: usize = 1 << 20;

/// Whether a digest names the bytes of one file, or the listing of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// One file.
    File,
    /// A folder: the object is its [listing](crate::tree).
    Tree,
}

/// The SHA-256 of an object, written `sha256:<64 hex>` for a file and `sha256-tree:<64 hex>` for a folder.
///
/// The kind is part of the text, so that a file that merely looks like the listing of a folder is never taken for one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    kind: ObjectKind,
    sha256: [u8; 32],
}

/// The text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{text}` is not a digest")]
#[diagnostic(
    code(store::bad_digest),
    help("a digest is `sha256:` or `sha256-tree:` and 64 lower-case hexadecimal digits")
)]
pub struct BadDigest {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl Digest {
    /// Digest of a file with these bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { kind: ObjectKind::File, sha256: Sha256::digest(bytes).into() }
    }

    /// A digest computed elsewhere.
    #[must_use]
    pub const fn from_sha256(kind: ObjectKind, sha256: [u8; 32]) -> Self {
        Self { kind, sha256 }
    }

    /// File or folder.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.sha256
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
            .map(char::from)
            .collect()
    }

    /// The reverse of [`Digest::hex`].
    pub(crate) fn from_hex(kind: ObjectKind, hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut sha256 = [0; 32];
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self { kind, sha256 })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.kind {
            ObjectKind::File => "sha256",
            ObjectKind::Tree => "sha256-tree",
        };
        write!(f, "{prefix}:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let parsed = match text.split_once(':') {
            Some(("sha256", hex)) => Self::from_hex(ObjectKind::File, hex),
            Some(("sha256-tree", hex)) => Self::from_hex(ObjectKind::Tree, hex),
            _ => None,
        };
        parsed.ok_or_else(|| BadDigest { text: text.chars().take(100).collect() })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads to the end in pieces of up to 1 MiB, hashes, and hands each piece to `piece`.
///
/// `size_hint` keeps the buffer of a small file small; reading goes on beyond it. Returns the SHA-256 and the bytes read.
pub(crate) fn hash_pieces(
    reader: &mut impl Read,
    size_hint: u64,
    mut piece: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<([u8; 32], u64)> {
    // One byte more than expected, so that the read that finds the end needs no larger buffer.
    let wanted = usize::try_from(size_hint).unwrap_or(BUFFER).saturating_add(1);
    let mut buffer = vec![0; wanted.clamp(512, BUFFER)];
    let mut hasher = Sha256::new();
    let mut size = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().into(), size)),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                piece(&buffer[..count])?;
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-4 examples.
        assert_eq!(
            Digest::of_bytes(b"abc").to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Digest::of_bytes(b"").hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn text_that_is_no_digest() {
        let hex = Digest::of_bytes(b"").hex();
        for text in [
            String::new(),
            hex.clone(),
            format!("md5:{hex}"),
            format!("sha256:{}", &hex[1..]),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:../../{}", &hex[6..]),
            format!("sha256:{}é", &hex[2..]),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_and_back(sha256: [u8; 32], tree: bool) {
            let kind = if tree { ObjectKind::Tree } else { ObjectKind::File };
            let digest = Digest::from_sha256(kind, sha256);
            proptest::prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        }

        #[test]
        fn pieces_hash_like_the_whole(bytes: Vec<u8>, hint in 0_u64..4096) {
            let mut seen = Vec::new();
            let (sha256, size) = hash_pieces(&mut bytes.as_slice(), hint, |piece| {
                seen.extend_from_slice(piece);
                Ok(())
            }).unwrap();
            proptest::prop_assert_eq!(&seen, &bytes);
            proptest::prop_assert_eq!(size, bytes.len() as u64);
            proptest::prop_assert_eq!(Digest::from_sha256(ObjectKind::File, sha256), Digest::of_bytes(&bytes));
        }
    }
}
