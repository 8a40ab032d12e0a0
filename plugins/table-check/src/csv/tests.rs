use proptest::prelude::*;

use super::*;

type Rows = Vec<(u64, Vec<String>)>;

fn read(text: &[u8], dialect: Dialect) -> Result<(Vec<String>, Rows, Vec<Fault>), ReadError> {
    let mut reader = Reader::with_chunk(text, dialect, 5);
    let header = reader.header()?;
    let (mut rows, mut faults) = (Rows::new(), Vec::new());
    while let Some(batch) = reader.next_batch()? {
        let start = rows.len();
        rows.extend(batch.rows.iter().map(|row| (*row, Vec::new())));
        for column in 0..header.len() {
            for (index, (row, text)) in batch.column(column).enumerate() {
                assert_eq!(rows[start + index].0, row);
                rows[start + index].1.push(String::from_utf8(text.to_vec()).unwrap());
            }
        }
        faults.extend_from_slice(batch.faults);
    }
    assert_eq!(reader.rows(), (rows.len() + faults.len()) as u64);
    Ok((header, rows, faults))
}

fn plain(text: &str) -> (Rows, Vec<Fault>) {
    let (_, rows, faults) = read(text.as_bytes(), Dialect::default()).unwrap();
    (rows, faults)
}

fn row(number: u64, cells: &[&str]) -> (u64, Vec<String>) {
    (number, cells.iter().map(|cell| (*cell).to_owned()).collect())
}

#[test]
fn lines_end_in_any_way_or_not_at_all() {
    for text in
        ["a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "\u{FEFF}a,b\n\n1,2\n\r\n3,4\n\n"]
    {
        let (header, rows, faults) = read(text.as_bytes(), Dialect::default()).unwrap();
        assert_eq!(header, ["a", "b"], "{text:?}");
        assert_eq!(rows, [row(1, &["1", "2"]), row(2, &["3", "4"])], "{text:?}");
        assert_eq!(faults, [], "{text:?}");
    }
}

#[test]
fn quotes_hold_delimiters_line_breaks_and_quotes() {
    let (rows, faults) = plain("a,b\n\"x,y\",\"1\n2\"\n\"say \"\"hi\"\"\",\"\"\n\"\"\"\",it\"s\n");
    assert_eq!(rows, [row(1, &["x,y", "1\n2"]), row(2, &["say \"hi\"", ""]), row(3, &["\"", "it\"s"])]);
    assert_eq!(faults, []);
}

#[test]
fn a_quoted_empty_cell_is_a_row_and_a_blank_line_is_none() {
    let (rows, _) = plain("a\n\"\"\n\nx\n");
    assert_eq!(rows, [row(1, &[""]), row(2, &["x"])]);
}

#[test]
fn ragged_rows_are_told_and_passed_over() {
    let (rows, faults) = plain("a,b\n1\n1,2\n1,2,3\n3,4\n");
    assert_eq!(rows, [row(2, &["1", "2"]), row(4, &["3", "4"])]);
    let told: Vec<_> =
        faults.iter().map(|fault| (fault.row, fault.kind.clone(), fault.example.as_str())).collect();
    assert_eq!(
        told,
        [(1, FaultKind::Ragged { found: 1 }, "1"), (3, FaultKind::Ragged { found: 3 }, "1,2,3")]
    );
}

#[test]
fn text_after_a_quote_is_told_and_reading_goes_on() {
    let (rows, faults) = plain("a,b\n\"x\"y,2\n3,4\n");
    assert_eq!(rows, [row(2, &["3", "4"])]);
    assert_eq!((faults[0].row, faults[0].kind.clone()), (1, FaultKind::TextAfterQuote));
}

#[test]
fn a_quote_that_never_closes_is_told() {
    let (rows, faults) = plain("a,b\n1,2\n\"x,2\n3,4\n");
    assert_eq!(rows, [row(1, &["1", "2"])]);
    assert_eq!((faults.len(), faults[0].row, faults[0].kind.clone()), (1, 2, FaultKind::UnterminatedQuote));
}

#[test]
fn a_record_beyond_the_limit_ends_the_reading() {
    let mut text = b"a,b\n1,2\n\"".to_vec();
    text.resize(LONGEST_RECORD + (2 << 20), b'x');
    let mut reader = Reader::new(text.as_slice(), Dialect::default());
    reader.header().unwrap();
    let mut faults = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        faults.extend_from_slice(batch.faults);
    }
    assert_eq!((faults.len(), faults[0].row, faults[0].kind.clone()), (1, 2, FaultKind::UnterminatedQuote));
}

#[test]
fn a_long_record_within_the_limit_is_read() {
    let long = "y".repeat(3 << 20);
    let (rows, faults) = plain(&format!("a,b\n1,2\n\"{long}\n\",4\n5,6\n"));
    assert_eq!(rows[1].1[0].len(), long.len() + 1);
    assert_eq!((rows.len(), rows[2].clone(), faults.len()), (3, row(3, &["5", "6"]), 0));
}

#[test]
fn bytes_that_are_no_text_cost_their_row_only() {
    let (_, rows, faults) = read(b"a,b\n1,2\n\xFF,2\n3,4\n", Dialect::default()).unwrap();
    assert_eq!(rows, [row(1, &["1", "2"]), row(3, &["3", "4"])]);
    assert_eq!((faults[0].row, faults[0].kind.clone()), (2, FaultKind::InvalidUtf8));
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(matches!(read(b"", Dialect::default()), Err(ReadError::Empty)));
    assert!(matches!(read(b"\n\n", Dialect::default()), Err(ReadError::Empty)));
    assert!(matches!(read(b"\xFF\xFEa\0", Dialect::default()), Err(ReadError::Utf16)));
    assert!(matches!(read(b"a,\xFF\n", Dialect::default()), Err(ReadError::HeaderEncoding)));
    assert!(matches!(read(b"\"a\"b,c\n", Dialect::default()), Err(ReadError::Header(_))));
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for text in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        assert_eq!(plain(text), (vec![], vec![]), "{text:?}");
    }
}

#[test]
fn other_dialects_are_read() {
    let tabs = Dialect { delimiter: b'\t', quote: None };
    let (_, rows, _) = read(b"a\tb\n\"1\t,2\"\n", tabs).unwrap();
    assert_eq!(rows, [row(1, &["\"1", ",2\""])]);
    let single = Dialect { delimiter: b';', quote: Some(b'\'') };
    let (_, rows, _) = read(b"a;b\n'1;''';\"2\n", single).unwrap();
    assert_eq!(rows, [row(1, &["1;'", "\"2"])]);
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_is_read_back(
        cells in proptest::collection::vec(proptest::collection::vec("[ab\",\n\r é]{0,4}", 3), 0..30),
        crlf: bool,
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        writer.write_record(["x", "y", "z"]).unwrap();
        for record in &cells {
            writer.write_record(record).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let (_, rows, faults) = read(&text, Dialect::default()).unwrap();
        prop_assert_eq!(faults, vec![]);
        prop_assert_eq!(rows.into_iter().map(|(_, cells)| cells).collect::<Vec<_>>(), cells);
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in proptest::collection::vec(
        prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200,
    )) {
        let _ = read(&text, Dialect::default());
    }

    #[test]
    fn boundaries_change_nothing(text in "[ab\",\n\r]{0,80}", step in 1_usize..9) {
        let all = |step| {
            let mut reader = Reader::with_chunk(text.as_bytes(), Dialect::default(), step);
            let Ok(header) = reader.header() else { return (vec![], vec![], vec![]) };
            let (mut rows, mut faults) = (Vec::new(), Vec::new());
            while let Some(batch) = reader.next_batch().unwrap() {
                rows.extend(batch.column(0).map(|(row, text)| (row, text.to_vec())));
                faults.extend_from_slice(batch.faults);
            }
            (header, rows, faults)
        };
        prop_assert_eq!(all(step), all(CHUNK));
    }
}
