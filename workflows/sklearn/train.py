"""Trains a random forest with scikit-learn on a table, and writes it with what is needed to use it.

    python3 train.py --train train.csv --label label --exclude id texture_group --seed 0 --model forest.joblib

Runs anywhere: in a container step, on the host, in a notebook's terminal. Where RUNNER_METRICS names a file, the metrics
are appended to it, one JSON object a line.
"""

import argparse
import json
import os

import joblib
import pandas
from sklearn.ensemble import RandomForestClassifier


def report(name, value):
    print(f"{name} = {value:.4f}")
    if path := os.environ.get("RUNNER_METRICS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "value": value}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="CSV with a header")
    parser.add_argument("--label", default="label", help="the column to predict, 1 or 0")
    parser.add_argument("--exclude", nargs="*", default=["id"], help="columns that are no features, besides the label")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", required=True, help="where to write the model")
    args = parser.parse_args()

    table = pandas.read_csv(args.train)
    features = [name for name in table.columns if name not in {args.label, *args.exclude}]
    # One thread: a forest of the same seed is the same forest, whatever the machine.
    forest = RandomForestClassifier(args.trees, random_state=args.seed, oob_score=True, n_jobs=1)
    forest.fit(table[features].to_numpy(float), table[args.label])
    print(f"{args.trees} trees on {len(table)} rows with {len(features)} features, seed {args.seed}")
    # Each tree is asked about the rows that it has not seen.
    report("oob_accuracy", forest.oob_score_)
    joblib.dump({"model": forest, "features": features, "label": args.label}, args.model)


if __name__ == "__main__":
    main()
