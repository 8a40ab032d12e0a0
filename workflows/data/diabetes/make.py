"""Writes train.csv and test.csv from the copy of the data inside the scikit-learn package.

    pip install scikit-learn==1.9.1 && python make.py

The result is fixed by SEED: running it again gives the same bytes.
"""

import csv
import pathlib

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

SEED = 7
TEST_ROWS = 132  # of 442: three tenths

# What the ten columns hold, in the order of the source.
FEATURES = [
    "age",
    "sex",
    "body_mass_index",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "glucose",
]

HERE = pathlib.Path(__file__).parent


def main():
    # The measured values; scikit-learn's default scales them.
    data = load_diabetes(scaled=False)
    rows = []
    for index, values in enumerate(data.data):
        row = {"id": index + 1}
        row.update((name, repr(float(value))) for name, value in zip(FEATURES, values))
        # The source codes the sex as 1 and 2 without saying which is which.
        row["sex_group"] = f"sex_{int(values[1])}"
        row["progression"] = repr(float(data.target[index]))
        rows.append(row)
    train, test = train_test_split(rows, test_size=TEST_ROWS, random_state=SEED)
    for name, part in (("train.csv", train), ("test.csv", test)):
        with open(HERE / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(part, key=lambda row: row["id"]))
        print(name, len(part), "rows")


if __name__ == "__main__":
    main()
