//! A CSV reader for tables of gigabytes: cells as slices of one buffer, a batch of rows at a time, column by column.
//!
//! It follows RFC 4180 and what the world writes: LF and CRLF, a byte order mark, quotes inside unquoted cells as
//! themselves, blank lines skipped. A record that cannot be read is a [`Fault`] with its row, and reading goes on.

use std::io::{self, Read};

use self::marks::Marks;

mod marks;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// A longer record is taken for a quote that never closes.
pub const LONGEST_RECORD: usize = 16 << 20;
/// How much of a faulty record is shown, in bytes.
const EXAMPLE: usize = 60;

/// How cells are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: u8,
    /// Around cells that hold a delimiter, a quote (doubled) or a line break; `None` if nothing quotes.
    pub quote: Option<u8>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"') }
    }
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no header.
    #[error("the file is empty: a CSV file starts with a line of column names")]
    Empty,
    /// The header cannot be split into names.
    #[error("the header is malformed: {0}")]
    Header(String),
    /// The header is no text.
    #[error("the header is not UTF-8: convert the file to UTF-8")]
    HeaderEncoding,
    /// The file starts with the byte order mark of UTF-16.
    #[error("the file is UTF-16: convert it to UTF-8")]
    Utf16,
}

/// What keeps a record from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It has another number of cells than the header.
    Ragged {
        /// Cells in the record.
        found: usize,
    },
    /// Its bytes are no UTF-8.
    InvalidUtf8,
    /// Something other than a delimiter or a line break follows a closing quote.
    TextAfterQuote,
    /// A quote is not closed before the end of the file, or within [`LONGEST_RECORD`]. Nothing after it is read.
    UnterminatedQuote,
}

/// A record that cannot be read. It counts as a row, and none of its cells is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Row number, from 1 without the header.
    pub row: u64,
    /// Start of the record.
    pub example: String,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    start: u32,
    end: u32,
}

/// Complete rows, all of the header's width.
pub struct Batch<'a> {
    text: &'a [u8],
    cells: &'a [Cell],
    columns: usize,
    /// Row numbers, from 1 without the header, in order.
    pub rows: &'a [u64],
    /// Records between them that could not be read.
    pub faults: &'a [Fault],
}

impl<'a> Batch<'a> {
    /// Row number and text of every cell of a column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = (u64, &'a [u8])> {
        let text = self.text;
        let cells = self.cells.get(column..).unwrap_or_default();
        self.rows
            .iter()
            .zip(cells.iter().step_by(self.columns.max(1)))
            .map(move |(row, cell)| (*row, &text[cell.start as usize..cell.end as usize]))
    }
}

/// Reads a CSV file in batches.
pub struct Reader<R> {
    source: R,
    dialect: Dialect,
    marks: Marks,
    buffer: Vec<u8>,
    /// Length of the buffer until a record is longer.
    chunk: usize,
    /// Bytes of the buffer that hold data.
    filled: usize,
    /// Bytes of the buffer that are done with.
    done: usize,
    at_end: bool,
    started: bool,
    positions: Vec<u32>,
    cells: Vec<Cell>,
    rows: Vec<u64>,
    faults: Vec<Fault>,
    /// Cells of the current record that hold doubled quotes.
    escaped: Vec<usize>,
    columns: usize,
    row: u64,
    read: u64,
}

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(source: R, dialect: Dialect) -> Self {
        Self::with_chunk(source, dialect, CHUNK)
    }

    fn with_chunk(source: R, dialect: Dialect, chunk: usize) -> Self {
        Self {
            source,
            marks: Marks::new(dialect.delimiter, dialect.quote),
            dialect,
            buffer: vec![0; chunk],
            chunk,
            filled: 0,
            done: 0,
            at_end: false,
            started: false,
            positions: Vec::new(),
            cells: Vec::new(),
            rows: Vec::new(),
            faults: Vec::new(),
            escaped: Vec::new(),
            columns: 0,
            row: 0,
            read: 0,
        }
    }

    /// Reads the names of the columns. Call it once, first.
    pub fn header(&mut self) -> Result<Vec<String>, ReadError> {
        self.read_records(true)?;
        if let Some(fault) = self.faults.first() {
            return Err(ReadError::Header(fault.example.clone()));
        }
        let texts: Vec<&[u8]> =
            self.cells.iter().map(|cell| &self.buffer[cell.start as usize..cell.end as usize]).collect();
        let names = texts
            .into_iter()
            .map(|text| String::from_utf8(text.to_vec()).map_err(|_| ReadError::HeaderEncoding))
            .collect::<Result<Vec<_>, _>>()?;
        if names.is_empty() {
            return Err(ReadError::Empty);
        }
        self.columns = names.len();
        self.row = 0;
        Ok(names)
    }

    /// Reads the next rows; `None` at the end. A batch may hold faults and no rows.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, ReadError> {
        self.read_records(false)?;
        if self.rows.is_empty() && self.faults.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch {
            text: &self.buffer,
            cells: &self.cells,
            columns: self.columns,
            rows: &self.rows,
            faults: &self.faults,
        }))
    }

    /// Records seen so far, with the faulty ones and without the header.
    pub fn rows(&self) -> u64 {
        self.row
    }

    /// Bytes read from the file so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Reads at least one record, unless the end is reached; with `header`, exactly one of any width.
    fn read_records(&mut self, header: bool) -> Result<(), ReadError> {
        self.cells.clear();
        self.rows.clear();
        self.faults.clear();
        // Bytes after the header are still in the buffer.
        let mut fresh = self.done == 0 || self.filled - self.done < self.chunk / 2;
        loop {
            if fresh {
                self.fill()?;
            }
            let before = self.done;
            self.walk(header);
            if header && !self.cells.is_empty() || !self.rows.is_empty() || !self.faults.is_empty() {
                break;
            }
            if self.done >= self.filled && self.at_end {
                break;
            }
            if self.done == before && !self.at_end && self.filled == self.buffer.len() && before == 0 {
                if self.buffer.len() >= LONGEST_RECORD {
                    self.row += 1;
                    self.fault(FaultKind::UnterminatedQuote, 0);
                    self.done = self.filled;
                    self.at_end = true;
                    break;
                }
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            fresh = true;
        }
        if !header && std::str::from_utf8(&self.buffer[..self.done]).is_err() {
            self.drop_rows_that_are_no_text();
        }
        Ok(())
    }

    /// Moves what is not done with to the front, and reads until the buffer is full or the file ends.
    fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.copy_within(self.done..self.filled, 0);
        self.filled -= self.done;
        self.done = 0;
        while !self.at_end && self.filled < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.at_end = true,
                Ok(count) => {
                    self.filled += count;
                    self.read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !self.started {
            self.started = true;
            let text = &self.buffer[..self.filled];
            if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) {
                return Err(ReadError::Utf16);
            }
            if text.starts_with(&[0xEF, 0xBB, 0xBF]) {
                self.done = 3;
            }
        }
        Ok(())
    }

    /// Turns the buffer into cells, up to the last complete record.
    fn walk(&mut self, header: bool) {
        let base = self.done;
        self.positions.clear();
        self.marks.find(&self.buffer[base..self.filled], &mut self.positions);
        let positions = std::mem::take(&mut self.positions);
        let mut record =
            Record { start: base, field: base, first_cell: self.cells.len(), quoted: None, fault: None };
        let mut next = 0;
        while let Some(&position) = positions.get(next) {
            next += 1;
            let at = base + position as usize;
            let byte = self.buffer[at];
            if byte == self.dialect.delimiter {
                self.cell(&mut record, at);
            } else if byte == b'\n' {
                let carriage_return = at > record.field && self.buffer[at - 1] == b'\r';
                self.cell(&mut record, at - usize::from(carriage_return));
                self.end_record(&mut record, at + 1, header);
                if header && !self.cells.is_empty() {
                    break;
                }
            } else if at == record.field && record.quoted.is_none() {
                match self.quoted(&positions[next..], base, at + 1) {
                    Quoted::Closed { end, marks, escaped } => {
                        next += marks;
                        if self.after_quote(end + 1) {
                            record.quoted = Some((at + 1, end));
                            if escaped {
                                self.escaped.push(self.cells.len());
                            }
                        } else {
                            record.fault = Some(FaultKind::TextAfterQuote);
                        }
                    }
                    Quoted::Open if self.at_end => {
                        self.row += 1;
                        self.cells.truncate(record.first_cell);
                        self.fault(FaultKind::UnterminatedQuote, record.start);
                        self.done = self.filled;
                        record.start = self.filled;
                        break;
                    }
                    Quoted::Open => break,
                }
            }
        }
        let header_read = header && !self.cells.is_empty() && record.first_cell == self.cells.len();
        if next >= positions.len() && self.at_end && record.start < self.filled && !header_read {
            // The last record has no line break.
            self.cell(&mut record, self.filled);
            self.end_record(&mut record, self.filled, header);
        }
        // A record that is not complete is walked again with more of the file.
        self.cells.truncate(record.first_cell);
        self.escaped.clear();
        self.positions = positions;
    }

    #[expect(clippy::cast_possible_truncation, reason = "the buffer is bounded by LONGEST_RECORD")]
    fn cell(&mut self, record: &mut Record, end: usize) {
        let (start, stop) = record.quoted.take().unwrap_or((record.field, end));
        self.cells.push(Cell { start: start as u32, end: stop as u32 });
        record.field = end + 1;
    }

    /// Takes a complete record in, or leaves a fault in its place.
    fn end_record(&mut self, record: &mut Record, end: usize, header: bool) {
        let found = self.cells.len() - record.first_cell;
        let blank = found == 1 && self.cells.last().is_some_and(|cell| cell.start == cell.end)
            // A quoted empty cell starts after its quote.
            && self.cells.last().is_some_and(|cell| cell.start as usize == record.start);
        if blank {
            self.cells.truncate(record.first_cell);
        } else {
            self.row += 1;
            let ragged = (found != self.columns && !header).then_some(FaultKind::Ragged { found });
            if let Some(kind) = record.fault.take().or(ragged) {
                self.cells.truncate(record.first_cell);
                self.fault(kind, record.start);
            } else {
                self.unescape();
                self.rows.push(self.row);
            }
        }
        self.escaped.clear();
        self.done = end;
        *record = Record { start: end, field: end, first_cell: self.cells.len(), quoted: None, fault: None };
    }

    /// Finds the quote that closes the cell starting at `start`.
    fn quoted(&self, positions: &[u32], base: usize, start: usize) -> Quoted {
        let quote = self.dialect.quote.unwrap_or_default();
        let mut escaped = false;
        let mut index = 0;
        while let Some(&position) = positions.get(index) {
            index += 1;
            let at = base + position as usize;
            if self.buffer[at] != quote || at < start {
                continue;
            }
            if at + 1 >= self.filled && !self.at_end {
                return Quoted::Open;
            }
            if at + 1 < self.filled && self.buffer[at + 1] == quote {
                escaped = true;
                index += 1;
                continue;
            }
            return Quoted::Closed { end: at, marks: index, escaped };
        }
        Quoted::Open
    }

    /// Whether a cell may end where a quote has just closed.
    fn after_quote(&self, at: usize) -> bool {
        match self.buffer[at..self.filled] {
            [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..] => true,
            [byte, ..] => byte == self.dialect.delimiter,
        }
    }

    /// Halves the doubled quotes of the current record, in place: the text only shrinks.
    #[expect(clippy::cast_possible_truncation, reason = "the buffer is bounded by LONGEST_RECORD")]
    fn unescape(&mut self) {
        let quote = self.dialect.quote.unwrap_or_default();
        for index in self.escaped.drain(..) {
            let Some(cell) = self.cells.get_mut(index) else { continue };
            let (mut from, end) = (cell.start as usize, cell.end as usize);
            let mut to = from;
            while from < end {
                let byte = self.buffer[from];
                self.buffer[to] = byte;
                to += 1;
                from += if byte == quote { 2 } else { 1 };
            }
            cell.end = to as u32;
        }
    }

    fn fault(&mut self, kind: FaultKind, start: usize) {
        let end = self.filled.min(start + EXAMPLE);
        let text = String::from_utf8_lossy(&self.buffer[start..end]);
        let example = text.lines().next().unwrap_or_default().to_owned();
        self.faults.push(Fault { kind, row: self.row, example });
    }

    /// Finds the rows that are no UTF-8: rare, so the whole batch is known to hold one before it is looked for.
    fn drop_rows_that_are_no_text(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let rows = std::mem::take(&mut self.rows);
        for (row, cells) in rows.into_iter().zip(cells.chunks(self.columns.max(1))) {
            let bad = cells.iter().find_map(|cell| {
                let text = &self.buffer[cell.start as usize..cell.end as usize];
                std::str::from_utf8(text).is_err().then(|| String::from_utf8_lossy(text).into_owned())
            });
            if let Some(example) = bad {
                self.faults.push(Fault { kind: FaultKind::InvalidUtf8, row, example });
            } else {
                self.rows.push(row);
                self.cells.extend_from_slice(cells);
            }
        }
        self.faults.sort_by_key(|fault| fault.row);
    }
}

/// The record being walked.
struct Record {
    start: usize,
    field: usize,
    first_cell: usize,
    /// Where the text of a quoted cell lies, until the cell ends.
    quoted: Option<(usize, usize)>,
    fault: Option<FaultKind>,
}

enum Quoted {
    Closed {
        end: usize,
        /// Marks inside the cell, with the closing quote.
        marks: usize,
        escaped: bool,
    },
    Open,
}

#[cfg(test)]
mod tests;
