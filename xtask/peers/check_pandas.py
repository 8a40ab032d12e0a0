"""The twelve rules of table.yml, by hand in pandas. Usage: check_pandas.py TABLE.csv"""

import sys

import pandas as pd

t = pd.read_csv(sys.argv[1], parse_dates=["joined", "seen"])
checks = {
    "rows": 900_000 <= len(t) <= 1_100_000,
    "id not null": t["id"].notna().all(),
    "id unique": t["id"].is_unique,
    "id increasing": t["id"].is_monotonic_increasing,
    "age range": t["age"].between(18, 120).all(),
    "balance null share": t["balance"].isna().mean() <= 0.05,
    "income min": (t["income"] >= 0).all(),
    "ratio mean": 0.4 <= t["ratio"].mean() <= 0.6,
    "x1 median": -0.1 <= t["x1"].quantile(0.5) <= 0.1,
    "country set": t["country"].isin(["AT", "BR", "DE", "FR", "IN", "JP", "NG", "US"]).all(),
    "plan set": t["plan"].isin(["free", "basic", "team", "enterprise"]).all(),
    "email pattern": t["email"].str.match(r"^[^@]+@[^@]+\.[a-z]+$").all(),
}
failed = [name for name, held in checks.items() if not held]
print(failed or "all held")
sys.exit(bool(failed))
