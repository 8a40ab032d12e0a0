"""The twelve rules of table.yml in polars, lazily and streaming. Usage: check_polars.py TABLE.csv"""

import sys

import polars as pl

c = pl.col
checks = (
    pl.scan_csv(sys.argv[1], try_parse_dates=True)
    .select(
        rows=pl.len().is_between(900_000, 1_100_000),
        id_not_null=c("id").is_not_null().all(),
        id_unique=c("id").n_unique() == pl.len(),
        id_increasing=(c("id").diff().drop_nulls() > 0).all(),
        age_range=c("age").is_between(18, 120).all(),
        balance_null_share=c("balance").is_null().mean() <= 0.05,
        income_min=(c("income") >= 0).all(),
        ratio_mean=c("ratio").mean().is_between(0.4, 0.6),
        x1_median=c("x1").median().is_between(-0.1, 0.1),
        country_set=c("country").is_in(["AT", "BR", "DE", "FR", "IN", "JP", "NG", "US"]).all(),
        plan_set=c("plan").is_in(["free", "basic", "team", "enterprise"]).all(),
        email_pattern=c("email").str.contains(r"^[^@]+@[^@]+\.[a-z]+$").all(),
    )
    .collect(engine="streaming")
)
failed = [name for name in checks.columns if not checks[name][0]]
print(failed or "all held")
sys.exit(bool(failed))
