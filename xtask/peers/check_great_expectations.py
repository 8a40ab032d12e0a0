"""The twelve rules of table.yml as Great Expectations. Usage: check_great_expectations.py TABLE.csv"""

import sys

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

suite = gx.ExpectationSuite(
    name="table",
    expectations=[
        gxe.ExpectTableRowCountToBeBetween(min_value=900_000, max_value=1_100_000),
        gxe.ExpectColumnValuesToNotBeNull(column="id"),
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnValuesToBeIncreasing(column="id"),
        gxe.ExpectColumnValuesToBeBetween(column="age", min_value=18, max_value=120),
        gxe.ExpectColumnValuesToNotBeNull(column="balance", mostly=0.95),
        gxe.ExpectColumnValuesToBeBetween(column="income", min_value=0),
        gxe.ExpectColumnMeanToBeBetween(column="ratio", min_value=0.4, max_value=0.6),
        gxe.ExpectColumnMedianToBeBetween(column="x1", min_value=-0.1, max_value=0.1),
        gxe.ExpectColumnValuesToBeInSet(
            column="country", value_set=["AT", "BR", "DE", "FR", "IN", "JP", "NG", "US"]
        ),
        gxe.ExpectColumnValuesToBeInSet(column="plan", value_set=["free", "basic", "team", "enterprise"]),
        gxe.ExpectColumnValuesToMatchRegex(column="email", regex=r"^[^@]+@[^@]+\.[a-z]+$"),
    ],
)
context = gx.get_context(mode="ephemeral")
batch = (
    context.data_sources.add_pandas("pandas")
    .add_dataframe_asset("table")
    .add_batch_definition_whole_dataframe("whole")
    .get_batch({"dataframe": pd.read_csv(sys.argv[1])})
)
result = batch.validate(suite)
print("all held" if result.success else [r.expectation_config.type for r in result.results if not r.success])
sys.exit(not result.success)
