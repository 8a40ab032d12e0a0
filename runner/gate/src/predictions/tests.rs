use super::{Format, PredictionsError, read};

fn csv(text: &str) -> Result<super::Predictions, PredictionsError> {
    read(text.as_bytes(), Format::Csv)
}

#[test]
fn errors_name_the_row_and_the_column() {
    for (text, message) in [
        ("id,score\na,1\n", "predictions have no column `label`; they have: id, score"),
        ("id,label\na,1\n", "predictions have no column `score` or `prediction`; they have: id, label"),
        ("label,score\n1,1\n", "predictions have no column `id`; they have: label, score"),
        ("id,label,score,score\na,1,1,1\n", "predictions have two columns `score`"),
        ("id,label,score\na,1,0.5\nb,0,high\n", "row 2: score `high` is not a number"),
        ("id,label,score\na,1,NaN\n", "row 1: score is NaN"),
        ("id,label,score\na,1,inf\n", "row 1: score is inf"),
        ("id,label,score\na,1,0.5\nb,,0.5\n", "row 2: label is missing"),
        ("id,label,prediction\na,x,y\nb,nan,y\n", "row 2: label is `nan`, which reads as missing"),
        ("id,label,prediction\na,1,2\nb,1,NaN\n", "row 2: prediction is NaN or infinite"),
        ("id,label,score,weight\na,1,0.5,-1\n", "row 1: weight is negative"),
        ("id,label,score\na,1,0.5\nb,0,0.5\na,1,0.1\n", "rows 1 and 3 have the same id `a`"),
        ("id,label,score\n", "predictions have no rows"),
        ("", "predictions have no column `id`; they have: "),
    ] {
        assert_eq!(csv(text).unwrap_err().to_string(), message, "{text}");
    }
    let ragged = csv("id,label,score\na,1\n").unwrap_err().to_string();
    assert!(ragged.starts_with("predictions cannot be read: CSV error: record 1"), "{ragged}");
    assert!(read(b"id,label,score\n\xff,1,1\n", Format::Csv).is_err());
}

#[test]
fn reads_what_spreadsheets_write() {
    let predictions =
        csv("\u{feff}id , label,score,city\r\n\"a,1\",true,0.5,\"New York\"\r\nb,False, 1e-3 ,\r\n").unwrap();
    assert_eq!((predictions.rows(), predictions.slice_columns().collect::<Vec<_>>()), (2, vec!["city"]));
    assert!(predictions.binary_labels);
    let slices = predictions.slice_rows(&["city"]).unwrap();
    assert_eq!(slices.iter().map(|slice| slice.values[0].as_str()).collect::<Vec<_>>(), ["", "New York"]);
}

#[test]
fn json_lines_know_their_line() {
    let lines = |text: &str| read(text.as_bytes(), Format::JsonLines);
    let good = "{\"id\":1,\"label\":true,\"score\":0.5,\"r\":null}\n\n{\"id\":2,\"label\":false,\"score\":1,\"r\":\"x\"}";
    assert_eq!(lines(good).unwrap().rows(), 2);
    for (text, message) in [
        ("", "predictions have no rows"),
        ("{\"id\":1,\"label\":1,\"score\":0.5}\n{\"id\":", "predictions cannot be read: line 2"),
        (
            "{\"id\":1,\"label\":1,\"score\":0.5}\n{\"id\":2,\"label\":1,\"score\":0.5,\"x\":1}",
            "predictions cannot be read: line 2: `x` is not in the first row",
        ),
        (
            "{\"id\":1,\"label\":1,\"score\":0.5}\n{\"id\":2,\"label\":null,\"score\":0.5}",
            "row 2: label is missing",
        ),
        ("{\"id\":1,\"label\":1,\"score\":[1]}", "row 1: score is a list or an object"),
        ("{\"id\":1,\"label\":1,\"score\":\"NaN\"}", "row 1: score is NaN"),
        ("{\"id\":1,\"label\":1,\"score\":NaN}", "predictions cannot be read: line 1"),
    ] {
        let error = lines(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn damaged_parquet_is_an_error() {
    let good = include_bytes!("../../tests/golden/tied.parquet");
    assert_eq!(read(good, Format::Parquet).unwrap().rows(), 400);
    assert!(read(b"PAR1", Format::Parquet).is_err());
    for length in (0..good.len()).step_by(97) {
        assert!(read(&good[..length], Format::Parquet).is_err(), "{length}");
    }
    for at in (4..good.len()).step_by(61) {
        let mut damaged = good.to_vec();
        damaged[at] ^= 0x55;
        // Damage in a value may go unseen; what matters is that nothing panics or is unbounded.
        let _ = read(&damaged, Format::Parquet);
    }
}

#[test]
fn formats_go_by_the_end_of_the_name() {
    assert_eq!(Format::of_file_name("out/predictions.CSV"), Some(Format::Csv));
    assert_eq!(Format::of_file_name("p.ndjson"), Some(Format::JsonLines));
    assert_eq!(Format::of_file_name("p.parquet"), Some(Format::Parquet));
    assert_eq!(Format::of_file_name("p.xlsx"), None);
}
