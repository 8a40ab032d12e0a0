"""Writes train.csv and test.csv from the copy of the data inside the scikit-learn package.

    pip install scikit-learn==1.9.1 && python make.py

The result is fixed by SEED: running it again gives the same bytes.
"""

import csv
import pathlib

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

SEED = 7
TEST_ROWS = 171  # of 569: three tenths

HERE = pathlib.Path(__file__).parent


def main():
    data = load_breast_cancer()
    features = [name.replace(" ", "_") for name in data.feature_names]
    texture = data.data[:, features.index("mean_texture")]
    median_texture = numpy.median(texture)
    rows = []
    for index, values in enumerate(data.data):
        row = {"id": index + 1}
        # Shortest decimal that reads back as the same double.
        row.update((name, repr(float(value))) for name, value in zip(features, values))
        row["texture_group"] = "coarse" if texture[index] > median_texture else "fine"
        # scikit-learn encodes malignant as 0; the class to be found is the positive one here.
        row["label"] = 1 - int(data.target[index])
        rows.append(row)
    labels = [row["label"] for row in rows]
    train, test = train_test_split(rows, test_size=TEST_ROWS, stratify=labels, random_state=SEED)
    for name, part in (("train.csv", train), ("test.csv", test)):
        part.sort(key=lambda row: row["id"])
        write(name, part)
        print(name, len(part), "rows,", sum(row["label"] for row in part), "malignant")
    print("median of mean_texture:", median_texture)
    write("broken.csv", damage(test))


def damage(rows):
    """Two mistakes as they happen in life: a word for a number, and a sign too many."""
    rows = [dict(row) for row in rows]
    rows[6]["mean_area"] = "n/a"
    rows[22]["mean_radius"] = "-" + rows[22]["mean_radius"]
    return rows


def write(name, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
