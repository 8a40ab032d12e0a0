use std::sync::Arc;

use ::parquet::{
    basic::{Compression, GzipLevel, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use runner_plugin_sdk::host::take_recorded;
use serde_json::json;

use super::*;

const TABLE: &str = "id,age,plan,joined,score\n1,30,free,2026-01-01,0.5\n2,212,free,2026-01-02,\n3,41,gold,2025-13-01,0.25\n3,,team,2026-01-04,nan\n";

fn schema() -> Value {
    json!({
        "rows": { "min": 5 },
        "columns": {
            "id": { "type": "integer", "required": true, "unique": true },
            "age": { "type": "integer", "range": { "min": 18, "max": 120 } },
            "plan": { "type": "string", "set": ["free", "team"] },
            "joined": { "type": "date" },
            "score": { "type": "number", "required": true },
            "email": { "type": "string" }
        }
    })
}

fn task(table: &[u8], config: &Value) -> (tempfile::TempDir, Task) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    fs::write(&data, table).unwrap();
    let task = Task::new("check")
        .with_input("data", Kind::Dataset, data)
        .with_output("findings", Kind::Report, folder.path().join("findings.json"))
        .with_output("schema", Kind::Any, folder.path().join("schema.yaml"))
        .with_config(config)
        .unwrap();
    (folder, task)
}

#[test]
fn every_broken_rule_is_named_with_row_and_value() {
    let (folder, task) = task(TABLE.as_bytes(), &json!({ "schema": schema() }));
    let failure = TableCheckStep::run(task).unwrap_err();
    let recorded = take_recorded();
    let told: Vec<_> = recorded
        .findings
        .iter()
        .map(|finding| {
            (finding.rule.as_str(), finding.column.as_str(), finding.rows.clone(), finding.examples.concat())
        })
        .collect();
    let expected = [
        ("missing-column", "email", vec![], ""),
        ("rows", "", vec![], ""),
        ("unique", "id", vec![4], "3"),
        ("range", "age", vec![2], "212"),
        ("set", "plan", vec![3], "gold"),
        ("type", "joined", vec![3], "2025-13-01"),
        ("required", "score", vec![2], ""),
        ("type", "score", vec![4], "nan"),
    ];
    assert_eq!(
        told,
        expected.map(|(rule, column, rows, examples)| (rule, column, rows, examples.to_owned()))
    );
    assert_eq!(recorded.metric("rows"), Some(4.0));
    assert_eq!(recorded.metric("columns"), Some(5.0));
    assert_eq!(recorded.metric("schema_errors"), Some(8.0));
    assert_eq!(recorded.sliced_metric("null_share", &[("column", "age")]), Some(0.25));
    assert_eq!(
        failure,
        Failure::Failed(
            "8 rules are broken: column `email`, missing-column: the table has no column `email`; rows: the table has \
             4 rows, not 5 or more; column `id`, unique: 1 of 4 values is repeated (row 4: 3); and 5 more"
                .into()
        )
    );
    let written: Vec<Finding> =
        serde_json::from_slice(&fs::read(folder.path().join("findings.json")).unwrap()).unwrap();
    assert_eq!(written.len(), 8);
}

#[test]
fn a_report_leaves_the_verdict_to_a_gate() {
    let (_folder, task) = task(TABLE.as_bytes(), &json!({ "schema": schema(), "on-error": "report" }));
    assert_eq!(TableCheckStep::run(task), Ok(()));
    assert_eq!(take_recorded().metric("schema_errors"), Some(8.0));
}

#[test]
fn mostly_lets_a_share_of_the_rows_break_a_rule() {
    let column = |mostly: Value| {
        json!({ "schema": { "extra-columns": "allow", "columns": {
            "age": { "type": "integer", "range": { "min": 18, "max": 120 }, "mostly": mostly }
        } } })
    };
    for (mostly, errors) in [(json!(0.6), 0.0), (json!({ "range": 0.6 }), 0.0), (json!(0.7), 1.0)] {
        let (_folder, task) = task(TABLE.as_bytes(), &column(mostly));
        assert_eq!(TableCheckStep::run(task).is_ok(), errors == 0.0);
        assert_eq!(take_recorded().metric("schema_errors"), Some(errors));
    }
}

#[test]
fn statistics_are_judged() {
    use std::fmt::Write as _;
    let mut table = "x\n".to_owned();
    for value in 1..=100 {
        writeln!(table, "{value}").unwrap();
    }
    let check = |rules: Value| {
        let mut column = json!({ "type": "number" });
        column.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let (_folder, task) = task(table.as_bytes(), &json!({ "schema": { "columns": { "x": column } } }));
        let result = TableCheckStep::run(task);
        take_recorded();
        result.map_err(|failure| failure.to_string())
    };
    assert_eq!(
        check(json!({ "mean": { "min": 50.5, "max": 50.5 }, "median": { "min": 50, "max": 50 } })),
        Ok(())
    );
    assert_eq!(
        check(json!({ "quantiles": { "0.99": { "max": 99 }, "0": { "min": 1 }, "1": { "max": 100 } } })),
        Ok(())
    );
    assert_eq!(check(json!({ "monotone": "strictly-increasing", "unique": true })), Ok(()));
    let broken = |message: &str| Err(format!("1 rule is broken: column `x`, {message}"));
    assert_eq!(check(json!({ "mean": { "max": 50 } })), broken("mean: the mean is 50.5, not 50 or less"));
    assert_eq!(
        check(json!({ "median": { "min": 50.5 } })),
        broken("quantile: the 0.5 quantile is below 50.5: 50 of 100 values are")
    );
    assert_eq!(
        check(json!({ "quantiles": { "0.9": { "max": 80 } } })),
        broken("quantile: the 0.9 quantile is above 80: 20 of 100 values are")
    );
    assert_eq!(
        check(json!({ "monotone": "decreasing" })),
        broken("monotone: 99 of 100 values are not decreasing after the value before (row 2: 2)")
    );
}

#[test]
fn what_cannot_be_computed_breaks_its_bound() {
    let schema = |null_share: Value| {
        json!({ "schema": { "columns": {
            "id": { "type": "integer", "unique": true },
            "v": {
                "type": "number", "range": { "min": 0 }, "mean": { "min": 0.1 }, "median": { "max": 5 },
                "quantiles": { "0.9": { "max": 3 } }, "null-share": null_share,
            },
        } } })
    };
    let told = |table: &str, config: &Value| {
        let (_folder, task) = task(table.as_bytes(), config);
        assert!(TableCheckStep::run(task).is_err(), "{table}");
        take_recorded()
    };
    let messages = |recorded: &runner_plugin_sdk::host::Recorded| -> Vec<String> {
        recorded.findings.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect()
    };
    let no_value = [
        "mean: there is no value to take the mean of, which is to be 0.1 or more",
        "quantile: there is no value to take the 0.5 quantile of, which is to be 5 or less",
        "quantile: there is no value to take the 0.9 quantile of, which is to be 3 or less",
    ];
    let empty = told("id,v\n1,\n2,\n", &schema(json!({ "max": 1 })));
    assert_eq!(messages(&empty), no_value);
    assert_eq!(empty.metric("schema_errors"), Some(3.0));
    assert_eq!(empty.sliced_metric("null_share", &[("column", "v")]), Some(1.0));
    // No value of the type is no value.
    let text = told("id,v\n1,x\n2,y\n", &schema(json!({ "max": 1 })));
    assert_eq!(messages(&text)[1..], no_value);

    let header = told("id,v\n", &schema(json!({ "max": 0.1 })));
    let no_row =
        "null-share: there is no row to take the share of missing values of, which is to be 0.1 or less";
    assert_eq!(messages(&header), [&[no_row][..], &no_value[..]].concat());
    assert_eq!(header.metric("schema_errors"), Some(4.0));
    assert_eq!(header.sliced_metric("null_share", &[("column", "v")]), None);
}

#[test]
fn a_table_without_rows_keeps_rules_of_rows() {
    let columns = json!({ "id": { "type": "integer", "required": true, "unique": true } });
    let (_folder, task) = task(b"id\n", &json!({ "schema": { "columns": columns } }));
    assert_eq!(TableCheckStep::run(task), Ok(()));
    assert_eq!(take_recorded().metric("schema_errors"), Some(0.0));
}

#[test]
fn of_many_columns_those_with_the_most_missing_are_measured() {
    let names: Vec<String> = (0..NULL_SHARES + 2).map(|column| format!("c{column}")).collect();
    let mut first = vec!["1"; names.len()];
    let mut second = first.clone();
    // The last column is the worst, the one before it comes next.
    first[names.len() - 1] = "";
    second[names.len() - 1] = "";
    second[names.len() - 2] = "";
    let table = format!("{}\n{}\n{}\n", names.join(","), first.join(","), second.join(","));
    let columns: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({ "type": "integer" }))).collect();
    let (_folder, task) = task(table.as_bytes(), &json!({ "schema": { "columns": columns } }));
    assert_eq!(TableCheckStep::run(task), Ok(()));
    let recorded = take_recorded();
    let share = |column: usize| recorded.sliced_metric("null_share", &[("column", names[column].as_str())]);
    assert_eq!(share(NULL_SHARES + 1), Some(1.0));
    assert_eq!(share(NULL_SHARES), Some(0.5));
    assert_eq!(share(NULL_SHARES - 1), None);
    let [finding] = recorded.findings.as_slice() else { panic!("{:?}", recorded.findings) };
    assert_eq!((finding.rule.as_str(), finding.severity), ("null-share-metric", Severity::Warning));
    assert_eq!(
        finding.message,
        "the metric null_share holds the 5000 columns with the largest shares of missing values; 2 more columns have \
         shares of up to 0.0000 and are left out of it, not of the checks"
    );
}

#[test]
fn no_schema_is_inferred_for_a_name_that_is_twice_there() {
    let (folder, task) = task(b"a,b,a\n1,2,3\n", &json!({ "infer": true }));
    assert_eq!(
        TableCheckStep::run(task),
        Err(Failure::InvalidInput(
            "two columns are named `a`, and a schema can name only one; rename the other".to_owned()
        ))
    );
    assert!(!folder.path().join("schema.yaml").exists());
}

#[test]
fn malformed_csv_is_found_with_its_rows() {
    let (_folder, task) = task(
        b"a,b\n1,2\n1\n\"x\"y,1\n\xFF,1\n3,4\n",
        &json!({ "schema": { "columns": { "a": { "type": "integer" }, "b": { "type": "integer" } } } }),
    );
    let message = TableCheckStep::run(task).unwrap_err().to_string();
    assert_eq!(
        message,
        "3 rules are broken: ragged-row: 1 row has another number of cells than the header (row 2: 1 cell instead of 2); \
         encoding: 1 row has bytes that are not UTF-8 (row 4: \u{FFFD}); quote: 1 row has a quote that is not closed, or \
         text after the closing one (row 3: \"x\"y,1)"
    );
    assert_eq!(take_recorded().metric("rows"), Some(5.0));
}

#[test]
fn columns_that_are_not_named_follow_the_policy() {
    for (policy, errors) in [("deny", 4.0), ("warn", 0.0), ("allow", 0.0)] {
        let schema = json!({ "extra-columns": policy, "columns": { "id": { "type": "integer" } } });
        let (_folder, task) = task(TABLE.as_bytes(), &json!({ "schema": schema }));
        let _ = TableCheckStep::run(task);
        let recorded = take_recorded();
        assert_eq!(recorded.metric("schema_errors"), Some(errors), "{policy}");
        assert_eq!(recorded.findings.len(), if policy == "allow" { 0 } else { 4 });
    }
}

#[test]
fn the_schema_may_be_a_file_but_not_twice() {
    let (folder, task) = task(TABLE.as_bytes(), &json!({ "on-error": "report" }));
    let path = folder.path().join("given.yaml");
    fs::write(&path, "columns:\n  id: { type: integer, rangee: 1 }\n  age: { type: text }\n").unwrap();
    let with_file = task.clone().with_input("schema", Kind::Any, &path);
    let message = TableCheckStep::run(with_file).unwrap_err().to_string();
    assert!(message.contains("columns.id: unknown key `rangee`"), "{message}");
    assert!(message.contains("columns.age.type: expected one of integer"), "{message}");
    let twice = task.clone().with_config(&json!({ "schema": schema() })).unwrap().with_input(
        "schema",
        Kind::Any,
        &path,
    );
    assert!(matches!(TableCheckStep::run(twice), Err(Failure::InvalidConfig(_))));
    assert!(matches!(TableCheckStep::run(task), Err(Failure::InvalidConfig(_))));
}

#[test]
fn an_inferred_schema_holds_for_its_table() {
    let table = "id,age,plan\n1,30,free\n2,21,team\n3,,free\n";
    let (folder, inferring) = task(table.as_bytes(), &json!({ "infer": true }));
    TableCheckStep::run(inferring.clone()).unwrap();
    let checking = inferring.with_config(&json!({})).unwrap().with_input(
        "schema",
        Kind::Any,
        folder.path().join("schema.yaml"),
    );
    assert_eq!(TableCheckStep::run(checking), Ok(()));
}

/// A Parquet file of two row groups with an id, a nullable number, a text and a day.
fn parquet_file(path: &Path, compression: Compression) {
    let message = "message table { required int64 id; optional double score; required binary plan (UTF8); required int32 day (DATE); }";
    let schema = Arc::new(parse_message_type(message).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    for start in [0_i64, 3] {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[start + 1, start + 2, start + 3], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[0.5, 1.5], Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let plans = ["free", "team", "free"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&plans, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[0, 11_016, 20_000], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn parquet_is_checked_whatever_its_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let schema = parse::schema(&json!({
        "columns": {
            "id": { "type": "integer", "monotone": "strictly-increasing" },
            "score": { "type": "number", "range": { "max": 1 } },
            "plan": { "type": "string", "set": ["free"] },
            "day": { "type": "date", "range": { "min": "1970-01-01", "max": "2000-02-29" } }
        }
    }))
    .unwrap();
    for codec in codecs {
        let file = tempfile::NamedTempFile::new().unwrap();
        parquet_file(file.path(), codec);
        let report = check(file.path(), &schema).unwrap();
        assert_eq!((report.rows, report.columns), (6, 4));
        assert_eq!(report.null_shares[1].1.to_bits(), (1.0_f64 / 3.0).to_bits());
        let told: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (finding.column.as_str(), finding.rows.clone(), finding.examples.join(" ")))
            .collect();
        assert_eq!(
            told,
            [
                ("score", vec![3, 6], "1.5 1.5".to_owned()),
                ("plan", vec![2, 5], "team team".to_owned()),
                ("day", vec![3, 6], "2024-10-04 2024-10-04".to_owned()),
            ],
            "{codec:?}"
        );
        let inferred = parse::yaml(&infer(file.path()).unwrap()).unwrap();
        assert_eq!(check(file.path(), &inferred).unwrap().errors(), 0);
    }
}

#[test]
fn another_stored_type_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    parquet_file(file.path(), Compression::UNCOMPRESSED);
    let schema =
        parse::schema(&json!({ "extra-columns": "allow", "columns": { "plan": { "type": "integer" } } }))
            .unwrap();
    let report = check(file.path(), &schema).unwrap();
    assert_eq!(report.findings[0].message, "6 of 6 values are no integer (stored as BYTE_ARRAY (UTF8))");
}

#[test]
fn a_damaged_parquet_file_is_no_table() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), b"PAR1 and nothing else PAR1").unwrap();
    let schema = parse::schema(&json!({ "columns": { "a": { "type": "integer" } } })).unwrap();
    assert!(matches!(check(file.path(), &schema), Err(Failure::InvalidInput(_))));
}
