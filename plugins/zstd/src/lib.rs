//! Zstandard in Rust behind the part of the crate `zstd`'s interface that `parquet` calls.
//!
//! `zstd` binds a C library, which a WebAssembly component cannot be built with unless a C compiler for it is at hand;
//! Parquet files are often compressed so. The workspace's `[patch.crates-io]` puts this crate in its place.

/// Whole buffers at a time.
pub mod bulk {
    use std::io::{Cursor, Error, ErrorKind, Result};

    use ruzstd::{
        decoding::FrameDecoder,
        encoding::{CompressionLevel, compress_to_vec},
    };

    /// Compresses; the level is the fastest, whatever was asked for.
    pub struct Compressor<'a>(std::marker::PhantomData<&'a ()>);

    impl Compressor<'_> {
        /// Never fails.
        pub fn new(_level: i32) -> Result<Self> {
            Ok(Self(std::marker::PhantomData))
        }

        /// Appends the compressed `source` at the cursor's position, and returns its length in bytes.
        pub fn compress_to_buffer(
            &mut self,
            source: &[u8],
            target: &mut Cursor<&mut Vec<u8>>,
        ) -> Result<usize> {
            let compressed = compress_to_vec(source, CompressionLevel::Fastest);
            std::io::Write::write_all(target, &compressed)?;
            Ok(compressed.len())
        }
    }

    /// Decompresses.
    pub struct Decompressor<'a>(FrameDecoder, std::marker::PhantomData<&'a ()>);

    impl Decompressor<'_> {
        /// Never fails.
        pub fn new() -> Result<Self> {
            Ok(Self(FrameDecoder::new(), std::marker::PhantomData))
        }

        /// Writes the decompressed `source` at the cursor's position, within the capacity that the buffer has, and
        /// returns its length in bytes.
        pub fn decompress_to_buffer(
            &mut self,
            source: &[u8],
            target: &mut Cursor<&mut Vec<u8>>,
        ) -> Result<usize> {
            let start = usize::try_from(target.position()).map_err(Error::other)?;
            let buffer = &mut **target.get_mut();
            buffer.resize(buffer.capacity().max(start), 0);
            let result = self.0.decode_all(source, &mut buffer[start..]);
            buffer.truncate(start + result.as_ref().copied().unwrap_or(0));
            result.map_err(|error| Error::new(ErrorKind::InvalidData, error))
        }
    }
}

/// Facts about frames.
pub mod zstd_safe {
    /// Size of what a frame holds, where its header says; parquet takes a guess where it is `None`.
    pub fn get_frame_content_size(_frame: &[u8]) -> Result<Option<u64>, std::convert::Infallible> {
        Ok(None)
    }

    /// The most bytes that `size` bytes compress to: each block of 128 KiB may be stored with a header of three.
    pub fn compress_bound(size: usize) -> usize {
        size + size / (128 * 1024) * 3 + 64
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::bulk::{Compressor, Decompressor};

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(text in proptest::collection::vec(0_u8..4, 0..4000)) {
            let mut packed = Vec::new();
            Compressor::new(3).unwrap().compress_to_buffer(&text, &mut Cursor::new(&mut packed)).unwrap();
            let mut plain = b"before".to_vec();
            plain.reserve(text.len());
            let mut cursor = Cursor::new(&mut plain);
            cursor.set_position(6);
            let length = Decompressor::new().unwrap().decompress_to_buffer(&packed, &mut cursor).unwrap();
            prop_assert_eq!(length, text.len());
            prop_assert_eq!(&plain[6..], &text[..]);
            prop_assert_eq!(&plain[..6], b"before");
        }

        #[test]
        fn garbage_is_refused(garbage: Vec<u8>) {
            let mut plain = Vec::with_capacity(100);
            let _ = Decompressor::new().unwrap().decompress_to_buffer(&garbage, &mut Cursor::new(&mut plain));
        }
    }
}
