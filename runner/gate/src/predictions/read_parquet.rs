//! Reads predictions from Parquet, column by column, without Arrow.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::{
    basic::Type as Physical,
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
};

use super::{Predictions, PredictionsError, read::Columns};

/// Rows decoded at once.
const BATCH: usize = 8192;

pub(super) fn read(bytes: &[u8]) -> Result<Predictions, PredictionsError> {
    // The file comes from a step, which may be hostile; a decoder that panics on damage must not end the run.
    catch_unwind(AssertUnwindSafe(|| read_columns(bytes)))
        .unwrap_or_else(|_| Err(PredictionsError::Malformed("the Parquet file is damaged".to_owned())))
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn malformed(error: impl ToString) -> PredictionsError {
    PredictionsError::Malformed(error.to_string())
}

fn read_columns(bytes: &[u8]) -> Result<Predictions, PredictionsError> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(malformed)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut names = Vec::new();
    for column in schema.columns() {
        if column.path().parts().len() > 1 || column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err(PredictionsError::Malformed(format!(
                "column `{}` is nested",
                column.path().string()
            )));
        }
        if column.physical_type() == Physical::INT96
            || column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY
        {
            let kind = column.physical_type();
            return Err(PredictionsError::Malformed(format!("column `{}` is of type {kind}", column.name())));
        }
        names.push(column.name().to_owned());
    }
    let mut columns = Columns::new(&names)?;
    let mut first_row = 1;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(malformed)?;
        let rows = usize::try_from(group.metadata().num_rows()).map_err(malformed)?;
        for (column, name) in names.iter().enumerate() {
            let optional = schema.column(column).max_def_level() == 1;
            let into = Target { columns: &mut columns, column, first_row, rows, optional };
            match group.get_column_reader(column).map_err(malformed)? {
                ColumnReader::BoolColumnReader(from) => into.fill(from, |c, i, v| c.push(i, &v.to_string())),
                ColumnReader::Int32ColumnReader(from) => into.fill(from, |c, i, v| c.push(i, &v.to_string())),
                ColumnReader::Int64ColumnReader(from) => into.fill(from, |c, i, v| c.push(i, &v.to_string())),
                ColumnReader::FloatColumnReader(from) => {
                    into.fill(from, |c, i, v| c.push_number(i, f64::from(*v)))
                }
                ColumnReader::DoubleColumnReader(from) => into.fill(from, |c, i, v| c.push_number(i, *v)),
                ColumnReader::ByteArrayColumnReader(from) => into.fill(from, |c, i, v| match v.as_utf8() {
                    Ok(text) => c.push(i, text),
                    Err(_) => Err(c.cell(i, "is not UTF-8 text")),
                }),
                ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                    Err(PredictionsError::Malformed(format!("column `{name}` has an unknown type")))
                }
            }?;
        }
        first_row += rows;
    }
    columns.finish()
}

/// One column of one row group, to be filled.
struct Target<'a> {
    columns: &'a mut Columns,
    column: usize,
    first_row: usize,
    rows: usize,
    optional: bool,
}

impl Target<'_> {
    fn fill<T: DataType>(
        self,
        mut from: ColumnReaderImpl<T>,
        mut push: impl FnMut(&mut Columns, usize, &T::T) -> Result<(), PredictionsError>,
    ) -> Result<(), PredictionsError> {
        let (mut values, mut levels): (Vec<T::T>, Vec<i16>) = (Vec::new(), Vec::new());
        let mut done = 0;
        while done < self.rows {
            values.clear();
            levels.clear();
            let wanted = BATCH.min(self.rows - done);
            let (records, _, _) =
                from.read_records(wanted, Some(&mut levels), None, &mut values).map_err(malformed)?;
            if records == 0 {
                return Err(PredictionsError::Malformed("a column is shorter than its row group".to_owned()));
            }
            let mut present = values.iter();
            for i in 0..records {
                self.columns.set_row(self.first_row + done + i)?;
                let value = if !self.optional || levels.get(i) == Some(&1) { present.next() } else { None };
                match value {
                    Some(value) => push(self.columns, self.column, value)?,
                    None => self.columns.push(self.column, "")?,
                }
            }
            done += records;
        }
        Ok(())
    }
}
