//! One column of a table: numbers or categories, and cells without a value.

use std::{collections::HashMap, io::Read};

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Finite numbers in ascending order.
    Numbers(Vec<f64>),
    /// How often each text occurs.
    Categories(HashMap<String, u64>),
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells that hold a value.
    pub values: Values,
    /// How many cells hold none.
    pub missing: u64,
}

impl Column {
    /// Number of rows, with those that hold no value.
    pub fn rows(&self) -> u64 {
        let present = match &self.values {
            Values::Numbers(numbers) => numbers.len() as u64,
            Values::Categories(counts) => counts.values().sum(),
        };
        present + self.missing
    }
}

/// Why a table cannot be compared. Rows count from 1 without the header.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Not CSV, not UTF-8, or a row with more or fewer cells than the header.
    #[error("not a valid CSV: {0}")]
    Csv(#[from] csv::Error),
    /// Two columns bear the same name.
    #[error("two columns are called `{0}`: every column needs a name of its own")]
    Duplicate(String),
    /// A column is missing.
    #[error("there is no column `{name}`; there are: {present}")]
    Missing {
        /// The column's name.
        name: String,
        /// The columns that are there, as text.
        present: String,
    },
    /// A cell is not a number, though the reference has only numbers there.
    #[error(
        "row {row}, column `{column}`: `{value}` is not a finite number, as every value of the reference is"
    )]
    NotANumber {
        /// Row number.
        row: u64,
        /// Column name.
        column: String,
        /// The cell.
        value: String,
    },
    /// There is a header at most.
    #[error("there are no rows")]
    NoRows,
}

/// How to read the columns of a table.
pub enum Reading<'a> {
    /// All columns but those named; a column of finite numbers only is numeric.
    AllBut(&'a [String]),
    /// The columns named; a column of finite numbers only is numeric.
    Only(&'a [String]),
    /// The columns of a reference, each as what it is there.
    Like(&'a [Column]),
}

/// A column while rows are being read.
struct Growing {
    index: usize,
    name: String,
    numbers: Option<Vec<f64>>,
    /// Counts of texts; only kept where the column may yet turn out to be, or is, categorical.
    categories: Option<HashMap<String, u64>>,
    missing: u64,
}

/// Reads columns of a CSV. Memory grows with the numbers of numeric and the different texts of other columns.
pub fn read(reader: impl Read, reading: &Reading<'_>) -> Result<Vec<Column>, TableError> {
    let mut csv = csv::Reader::from_reader(reader);
    let header: Vec<String> = csv.headers()?.iter().map(ToOwned::to_owned).collect();
    let mut columns = select(&header, reading)?;
    let mut record = csv::StringRecord::new();
    let mut row = 0_u64;
    while csv.read_record(&mut record)? {
        row += 1;
        for column in &mut columns {
            column.add(row, record[column.index].trim())?;
        }
    }
    if row == 0 {
        return Err(TableError::NoRows);
    }
    Ok(columns.into_iter().map(Growing::finish).collect())
}

fn select(header: &[String], reading: &Reading<'_>) -> Result<Vec<Growing>, TableError> {
    for (index, name) in header.iter().enumerate() {
        if header[..index].contains(name) {
            return Err(TableError::Duplicate(name.clone()));
        }
    }
    let find = |name: &String| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| TableError::Missing { name: name.clone(), present: header.join(", ") })
    };
    let open = |index: usize| Growing {
        index,
        name: header[index].clone(),
        numbers: Some(Vec::new()),
        categories: Some(HashMap::new()),
        missing: 0,
    };
    match reading {
        Reading::AllBut(excluded) => {
            let excluded = excluded.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            Ok((0..header.len()).filter(|index| !excluded.contains(index)).map(open).collect())
        }
        Reading::Only(names) => names.iter().map(|name| Ok(open(find(name)?))).collect(),
        Reading::Like(reference) => reference
            .iter()
            .map(|column| {
                let numeric = matches!(column.values, Values::Numbers(_));
                Ok(Growing {
                    numbers: numeric.then(Vec::new),
                    categories: (!numeric).then(HashMap::new),
                    ..open(find(&column.name)?)
                })
            })
            .collect(),
    }
}

impl Growing {
    fn add(&mut self, row: u64, cell: &str) -> Result<(), TableError> {
        if cell.is_empty() {
            self.missing += 1;
            return Ok(());
        }
        if let Some(numbers) = &mut self.numbers {
            match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => numbers.push(value),
                _ if self.categories.is_some() => self.numbers = None,
                _ => {
                    return Err(TableError::NotANumber {
                        row,
                        column: self.name.clone(),
                        value: cell.to_owned(),
                    });
                }
            }
        }
        if let Some(categories) = &mut self.categories {
            match categories.get_mut(cell) {
                Some(count) => *count += 1,
                None => {
                    categories.insert(cell.to_owned(), 1);
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Column {
        let values = match (self.numbers, self.categories) {
            (Some(mut numbers), _) => {
                numbers.sort_by(f64::total_cmp);
                Values::Numbers(numbers)
            }
            (None, categories) => Values::Categories(categories.unwrap_or_default()),
        };
        Column { name: self.name, values, missing: self.missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_numbers_or_categories() {
        let columns = read("a,b\n2,x\n,y\n1,3\n".as_bytes(), &Reading::AllBut(&[])).unwrap();
        assert_eq!(columns[0].values, Values::Numbers(vec![1.0, 2.0]));
        assert_eq!(columns[0].missing, 1);
        assert_eq!(columns[0].rows(), 3);
        let Values::Categories(counts) = &columns[1].values else { unreachable!("x is no number") };
        assert_eq!(counts.len(), 3);
        assert_eq!(columns[1].rows(), 3);
    }

    #[test]
    fn data_is_read_like_the_reference() {
        let reference = read("a,b\n1,x\n2,y\n".as_bytes(), &Reading::AllBut(&[])).unwrap();
        let data = read("b,c,a\n1,0,3\n".as_bytes(), &Reading::Like(&reference)).unwrap();
        assert_eq!(data[0].values, Values::Numbers(vec![3.0]));
        assert_eq!(data[1].values, Values::Categories(HashMap::from([("1".to_owned(), 1)])));
        let error = read("a,b\n1,x\noops,y\n".as_bytes(), &Reading::Like(&reference)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 2, column `a`: `oops` is not a finite number, as every value of the reference is"
        );
        let error = read("a\n1\n".as_bytes(), &Reading::Like(&reference)).unwrap_err();
        assert_eq!(error.to_string(), "there is no column `b`; there are: a");
    }

    #[test]
    fn chosen_columns_must_exist() {
        assert!(matches!(
            read("a\n1\n".as_bytes(), &Reading::Only(&["z".to_owned()])),
            Err(TableError::Missing { .. })
        ));
        assert!(matches!(read("a\n".as_bytes(), &Reading::AllBut(&[])), Err(TableError::NoRows)));
    }
}
