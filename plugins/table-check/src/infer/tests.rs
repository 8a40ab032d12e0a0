use proptest::prelude::*;

use crate::{
    check::TableCheck,
    csv::{Dialect, Reader},
    infer::{Profile, delimiter},
    schema::parse,
};

fn infer(text: &[u8]) -> String {
    let dialect = Dialect { delimiter: delimiter(text), ..Dialect::default() };
    let mut reader = Reader::new(text, dialect.clone());
    let names = reader.header().unwrap();
    let mut profile = Profile::new(&names, dialect.delimiter);
    while let Some(batch) = reader.next_batch().unwrap() {
        profile.batch(&batch);
    }
    profile.schema("table.csv", reader.rows())
}

/// Messages of what a schema finds wrong with a table.
fn check(schema: &str, text: &[u8]) -> Vec<String> {
    let schema = parse::yaml(schema).unwrap_or_else(|problems| panic!("{problems:?}\n{schema}"));
    let mut reader = Reader::new(text, schema.dialect.clone());
    let names = reader.header().unwrap();
    let mut check = TableCheck::new(&schema, &names, &[]);
    while let Some(batch) = reader.next_batch().unwrap() {
        check.batch(&batch);
    }
    check.finish(reader.rows()).findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_schema_says_what_a_table_is_like() {
    use std::fmt::Write as _;
    let mut text = "id;code;share;plan;when;on;note;gone\n".to_owned();
    for row in 0..100 {
        let plan = ["free", "team"][row % 2];
        let note = if row % 4 == 0 { String::new() } else { format!("note {row}") };
        let share = if row == 7 { "NA".to_owned() } else { format!("0.{row:02}") };
        writeln!(
            text,
            "{};0{row:03};{share};{plan};2026-01-{:02};{};{note};",
            row + 1,
            row % 28 + 1,
            row % 3 == 0
        )
        .unwrap();
    }
    let schema = infer(text.as_bytes());
    let expected = r#"# Inferred from table.csv with 100 rows. Review every line: it says what was seen, widened a
# little, and not what is right.
csv:
  delimiter: ";"
  missing: ["", "NA"]
rows: { min: 1 }
extra-columns: deny
columns:
  id: # 1 to 100, mean 50.500000
    type: integer
    required: true
    unique: true
    range: { min: 0 }
  code:
    type: string
    required: true
    unique: true
    length: { max: 10 }
  share: # 0 to 0.99, mean 0.499293
    type: number
    null-share: { max: 0.03 }
    range: { min: 0, max: 1 }
  plan:
    type: string
    required: true
    set: [free, team]
  when: # 2026-01-01 to 2026-01-28
    type: date
    required: true
    range: { min: "2026-01-01" }
  "on":
    type: boolean
    required: true
  note:
    type: string
    null-share: { max: 0.39 }
    unique: true
    length: { max: 14 }
  gone: # no value seen
    type: string
    null-share: { max: 1 }
"#;
    assert_eq!(schema, expected);
    assert_eq!(check(&schema, text.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_table_without_rows_keeps_its_own_schema() {
    let schema = infer(b"id,v\n");
    assert!(schema.contains("\nrows: { min: 0 }\n"), "{schema}");
    assert_eq!(check(&schema, b"id,v\n"), Vec::<String>::new());
}

#[test]
fn a_bound_that_no_number_can_be_is_left_open() {
    let both = "x,y,z\n1.797e308,0,1e300\n-1.797e308,1.797e308,-1e300\n";
    let schema = infer(both.as_bytes());
    let columns = &schema[schema.find("columns:").unwrap()..];
    assert_eq!(columns.matches("range:").count(), 2, "{schema}");
    assert!(columns.contains("range: { min: 0 }"), "{schema}");
    assert!(!columns.contains("inf") && !columns.contains("NaN"), "{schema}");
    assert_eq!(check(&schema, both.as_bytes()), Vec::<String>::new());
}

#[test]
fn the_delimiter_is_the_one_of_the_header() {
    assert_eq!(delimiter(b"a,b;c\n;;;;"), b',');
    assert_eq!(delimiter(b"a;b;c,d\n"), b';');
    assert_eq!(delimiter(b"a\tb\n"), b'\t');
    assert_eq!(delimiter(b"single\n"), b',');
}

proptest! {
    #[test]
    fn a_table_keeps_its_own_schema(rows in proptest::collection::vec(
        (
            any::<i64>(),
            "[-+]?[0-9]{0,4}(\\.[0-9]{0,3})?(e[0-9]|e-?3[0-9]{2})?",
            "NA|true|FALSE|null|",
            "[a-z#: \"'{\\[\\-]{0,6}",
            "20[0-9]{2}-0[1-9]-[0-3][0-9]( 1[0-9]:00)?",
        ),
        0..80,
    )) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "- number", "flag: #", "", "when"]).unwrap();
        for (id, number, flag, text, when) in &rows {
            writer.write_record([&id.to_string(), number, flag, text, when]).unwrap();
        }
        let table = writer.into_inner().unwrap();
        let schema = infer(&table);
        prop_assert_eq!(check(&schema, &table), Vec::<String>::new(), "{}", schema);
    }
}
