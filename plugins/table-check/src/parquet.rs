//! Reads Parquet column by column, without arrow: the plain values are all that a check needs.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use parquet::{
    basic::{Compression, ConvertedType, LogicalType, TimeUnit},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{
        BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
        Int64Type, Int96Type,
    },
    errors::ParquetError,
    file::{
        reader::{ChunkReader, FileReader, Length},
        serialized_reader::SerializedFileReader,
    },
    schema::types::ColumnDescriptor,
};

use crate::value::Value;

/// Values decoded at a time.
const BATCH: usize = 8192;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Julian day of 1970-01-01, by which the timestamps of old writers are counted.
const JULIAN_EPOCH: i64 = 2_440_588;

/// Why a Parquet file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is damaged, or uses something that the reader does not know.
    #[error("the Parquet file cannot be read: {0}")]
    Parquet(#[from] ParquetError),
    /// The file is compressed by a codec that is not built in.
    #[error(
        "column `{column}` is compressed with {codec}, which is not built in: write the file with snappy, zstd, gzip, \
         lz4 or no compression, such as `df.to_parquet(path, compression=\"zstd\")`"
    )]
    Codec {
        /// The column.
        column: String,
        /// The codec's name.
        codec: String,
    },
    /// A column of the schema holds lists, maps or structs.
    #[error("column `{0}` is nested: only columns of plain values can be checked")]
    Nested(String),
}

/// A Parquet file.
pub struct Table {
    reader: SerializedFileReader<Chunks>,
}

impl Table {
    /// Reads the footer.
    pub fn open(file: File) -> Result<Self, ReadError> {
        let length = file.metadata().map_err(ParquetError::from)?.len();
        let chunks = Chunks { file: Arc::new(Mutex::new(file)), length };
        Ok(Self { reader: SerializedFileReader::new(chunks)? })
    }

    /// Names of the columns; a part of a nested column has its path, joined by points.
    pub fn names(&self) -> Vec<String> {
        self.descriptors().iter().map(|column| column.path().string()).collect()
    }

    /// How each column is stored, in words.
    pub fn stored(&self) -> Vec<String> {
        self.descriptors()
            .iter()
            .map(|column| match column.logical_type_ref() {
                Some(logical) => format!("{} ({logical:?})", column.physical_type()),
                None if column.converted_type() != ConvertedType::NONE => {
                    format!("{} ({})", column.physical_type(), column.converted_type())
                }
                None => column.physical_type().to_string(),
            })
            .collect()
    }

    /// Rows of the table.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Gives every value of the columns that are `wanted` to `see`, with its row number from 1: row group by row group,
    /// and within it column by column, in the order of rows. `done` hears the share of the rows seen so far.
    pub fn read(
        &self,
        wanted: impl Fn(usize) -> bool,
        mut see: impl FnMut(usize, u64, Option<Value<'_>>),
        mut done: impl FnMut(f64),
    ) -> Result<(), ReadError> {
        let descriptors = self.descriptors();
        let mut first_row = 1;
        for index in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(index)?;
            for (position, descriptor) in
                descriptors.iter().enumerate().filter(|(position, _)| wanted(*position))
            {
                let name = descriptor.path().string();
                if descriptor.max_rep_level() > 0 || descriptor.path().parts().len() > 1 {
                    return Err(ReadError::Nested(name));
                }
                let codec = group.metadata().column(position).compression();
                if !is_built_in(codec) {
                    return Err(ReadError::Codec { column: name, codec: format!("{codec:?}") });
                }
                let reader = group.get_column_reader(position)?;
                column(reader, descriptor, first_row, |row, value| see(position, row, value))?;
            }
            first_row += u64::try_from(group.metadata().num_rows()).unwrap_or_default();
            done((first_row - 1) as f64 / self.rows().max(1) as f64);
        }
        Ok(())
    }

    fn descriptors(&self) -> &[Arc<ColumnDescriptor>] {
        self.reader.metadata().file_metadata().schema_descr().columns()
    }
}

fn is_built_in(codec: Compression) -> bool {
    matches!(
        codec,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::LZ4
            | Compression::LZ4_RAW
            | Compression::ZSTD(_)
    )
}

/// What the numbers of a column mean.
#[derive(Clone, Copy)]
enum Meaning {
    Plain,
    Unsigned,
    Date,
    /// Ticks per second.
    Timestamp(i64),
    /// Digits after the point.
    Decimal(i32),
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    match column.logical_type_ref() {
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Timestamp(timestamp)) => {
            return Meaning::Timestamp(match timestamp.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            });
        }
        Some(LogicalType::Decimal(decimal)) => return Meaning::Decimal(decimal.scale),
        Some(LogicalType::Integer(integer)) if !integer.is_signed => return Meaning::Unsigned,
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000),
        ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000),
        ConvertedType::DECIMAL => Meaning::Decimal(column.type_scale()),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            Meaning::Unsigned
        }
        _ => Meaning::Plain,
    }
}

fn column(
    reader: ColumnReader,
    descriptor: &ColumnDescriptor,
    first_row: u64,
    mut see: impl FnMut(u64, Option<Value<'_>>),
) -> Result<(), ReadError> {
    let nullable = descriptor.max_def_level();
    let meaning = meaning(descriptor);
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            values::<BoolType>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| Value::Boolean(*value)));
            })
        }
        ColumnReader::Int32ColumnReader(reader) => {
            values::<Int32Type>(reader, nullable, first_row, |row, value| {
                let wide = |value: i32| match meaning {
                    Meaning::Unsigned => i64::from(value.cast_unsigned()),
                    _ => i64::from(value),
                };
                see(row, value.map(|value| whole(wide(*value), meaning)));
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            values::<Int64Type>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| whole(*value, meaning)));
            })
        }
        ColumnReader::Int96ColumnReader(reader) => {
            values::<Int96Type>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| Value::Timestamp(old_timestamp(value.data()))));
            })
        }
        ColumnReader::FloatColumnReader(reader) => {
            values::<FloatType>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| Value::Number(f64::from(*value))));
            })
        }
        ColumnReader::DoubleColumnReader(reader) => {
            values::<DoubleType>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| Value::Number(*value)));
            })
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            values::<ByteArrayType>(reader, nullable, first_row, |row, value| {
                see(row, value.map(|value| bytes(value.data(), meaning)));
            })
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let half = matches!(descriptor.logical_type_ref(), Some(LogicalType::Float16));
            values::<FixedLenByteArrayType>(reader, nullable, first_row, |row, value| {
                see(
                    row,
                    value.map(
                        |value| if half { half_float(value.data()) } else { bytes(value.data(), meaning) },
                    ),
                );
            })
        }
    }
}

/// Pairs values with their rows: a definition level below the highest is a missing value.
fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    nullable: i16,
    first_row: u64,
    mut see: impl FnMut(u64, Option<&T::T>),
) -> Result<(), ReadError> {
    let mut row = first_row;
    let (mut levels, mut buffer) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        buffer.clear();
        let (records, ..) = reader.read_records(BATCH, Some(&mut levels), None, &mut buffer)?;
        if records == 0 {
            return Ok(());
        }
        let mut present = buffer.iter();
        for record in 0..records {
            let missing = nullable > 0 && levels.get(record).is_some_and(|level| *level < nullable);
            see(row, if missing { None } else { present.next() });
            row += 1;
        }
    }
}

fn whole(value: i64, meaning: Meaning) -> Value<'static> {
    match meaning {
        // A 64-bit unsigned number beyond the signed ones is a number all the same.
        Meaning::Unsigned if value < 0 => Value::Number(value.cast_unsigned() as f64),
        Meaning::Plain | Meaning::Unsigned => Value::Integer(value),
        Meaning::Date => Value::Date(value),
        Meaning::Timestamp(ticks) if ticks > 1_000_000 => {
            Value::Timestamp(value.div_euclid(ticks / 1_000_000))
        }
        Meaning::Timestamp(ticks) => Value::Timestamp(value.saturating_mul(1_000_000 / ticks)),
        Meaning::Decimal(scale) => Value::Number(value as f64 / 10_f64.powi(scale)),
    }
}

fn bytes(data: &[u8], meaning: Meaning) -> Value<'_> {
    let Meaning::Decimal(scale) = meaning else { return Value::Text(data) };
    // Big-endian two's complement of any width; what 128 bits do not hold becomes the nearest number.
    let negative = data.first().is_some_and(|byte| byte & 0x80 != 0);
    let magnitude = data
        .iter()
        .fold(0.0, |sum: f64, byte| sum.mul_add(256.0, f64::from(if negative { !byte } else { *byte })));
    let unscaled = if negative { -(magnitude + 1.0) } else { magnitude };
    Value::Number(unscaled / 10_f64.powi(scale))
}

/// IEEE 754 binary16, little-endian.
fn half_float(data: &[u8]) -> Value<'_> {
    let &[low, high] = data else { return Value::Text(data) };
    let bits = u16::from_le_bytes([low, high]);
    let fraction = f64::from(bits & 0x3FF);
    let magnitude = match (bits >> 10) & 0x1F {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2_f64.powi(i32::from(exponent) - 15),
    };
    Value::Number(if bits & 0x8000 == 0 { magnitude } else { -magnitude })
}

/// Nanoseconds of the day and a Julian day, as Impala and old Spark wrote them.
fn old_timestamp(words: &[u32]) -> i64 {
    let &[low, high, day] = words else { return 0 };
    let nanos = (i64::from(high) << 32) | i64::from(low);
    (i64::from(day) - JULIAN_EPOCH) * MICROS_PER_DAY + nanos / 1000
}

/// A file that several readers share: `File::try_clone`, which parquet's own reader of files calls, does not exist in
/// WASI. Each reader seeks to its own place before it reads.
struct Chunks {
    file: Arc<Mutex<File>>,
    length: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = io::BufReader<At>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(io::BufReader::new(At { file: Arc::clone(&self.file), position: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("a column reaches beyond the end of the file".into()));
        }
        let mut buffer = vec![0; length];
        At { file: Arc::clone(&self.file), position: start }.read_exact(&mut buffer)?;
        Ok(buffer.into())
    }
}

/// A place in a shared file.
struct At {
    file: Arc<Mutex<File>>,
    position: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.position))?;
        let count = file.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

/// Whether a file's first bytes are Parquet's.
pub fn is_parquet(start: &[u8]) -> bool {
    start.starts_with(b"PAR1")
}
