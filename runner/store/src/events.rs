//! Reading the events of a run, also of one that was killed while it wrote.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::{error::StorageError, run_error::RunError};

/// The events of a run in the order they were recorded, one at a time.
///
/// A last line that is cut (no line end, or not JSON) is what a kill in the middle of a write leaves: it is left out, and
/// [`Events::cut`] says so. A line that cannot be read with more after it is an error.
#[derive(Debug)]
pub struct Events<T> {
    reader: BufReader<File>,
    path: PathBuf,
    line: Vec<u8>,
    number: u64,
    cut: bool,
    ended: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Events<T> {
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let file = File::open(path).map_err(StorageError::at("read", path))?;
        Ok(Self {
            reader: BufReader::with_capacity(1 << 16, file),
            path: path.to_path_buf(),
            line: Vec::new(),
            number: 0,
            cut: false,
            ended: false,
            of: PhantomData,
        })
    }

    /// Whether the last line was cut and left out. Known once the iterator has ended.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.cut
    }

    fn read(&mut self) -> Result<Option<T>, RunError> {
        let path = &self.path;
        loop {
            self.line.clear();
            let count =
                self.reader.read_until(b'\n', &mut self.line).map_err(StorageError::at("read", path))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            let Some(line) = self.line.strip_suffix(b"\n") else {
                self.cut = true;
                return Ok(None);
            };
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(event) => return Ok(Some(event)),
                Err(source) => {
                    let rest = self.reader.fill_buf().map_err(StorageError::at("read", path))?;
                    if rest.is_empty() {
                        self.cut = true;
                        return Ok(None);
                    }
                    return Err(RunError::Event { path: path.clone(), line: self.number, source });
                }
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for Events<T> {
    type Item = Result<T, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let event = self.read().transpose();
        // After damage there is no telling what the following lines mean.
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}
