"""Runs the scripts of workflows/sklearn outside any container, and compares with what a run of workflows/sklearn.yml made.

    runner report latest --format json > report.json && python outside.py .

Per seed: the exported model is the same, byte for byte, and the predictions are what onnxruntime and scikit-learn itself say.
Tolerance: 1e-6, as the model calculates in single precision. Exit code 0 if all agree.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import joblib
import numpy
import onnxruntime
import pandas

TOLERANCE = 1e-6


def stored(workspace, artifact):
    digest = artifact["digest"].removeprefix("sha256:")
    return workspace / ".runner/objects/sha256" / digest[:2] / digest


def artifacts(workspace, record):
    """Paths in the store by step, such as `export[seed=0]`."""
    found = {}
    for stage in record["stages"]:
        for step in stage["steps"]:
            for artifact in step["artifacts"]:
                found[step["id"] if "id" in step else step["name"], artifact["output"]] = stored(workspace, artifact)
    return found


def main():
    workspace = pathlib.Path(sys.argv[1])
    record = json.loads((workspace / "report.json").read_text(encoding="utf-8"))
    found = artifacts(workspace, record)
    scripts = workspace / "workflows/sklearn"
    data = workspace / "workflows/data/breast-cancer"
    test = pandas.read_csv(data / "test.csv")
    seeds = 0
    for seed in (0, 1, 2):
        cell = f"[seed={seed}]"
        with tempfile.TemporaryDirectory() as folder:
            forest, model = f"{folder}/forest.joblib", f"{folder}/model.onnx"
            python = sys.executable
            train = [python, scripts / "train.py", "--train", data / "train.csv", "--label", "label"]
            train += ["--exclude", "id", "texture_group", "--trees", "101", "--seed", str(seed), "--model", forest]
            subprocess.run(train, check=True)
            subprocess.run([python, scripts / "export.py", "--model", forest, "--onnx", model], check=True)
            outside = pathlib.Path(model).read_bytes()
            trained = joblib.load(forest)
        inside = found[f"export{cell}", "model"].read_bytes()
        if inside != outside:
            sys.exit(f"seed {seed}: the model from the container has {len(inside)} bytes, the one from outside {len(outside)}, and they differ")

        predictions = pandas.read_csv(found[f"score{cell}", "predictions"])
        if list(predictions["id"].astype(str)) != list(test["id"].astype(str)):
            sys.exit(f"seed {seed}: the predictions are not of the rows of test.csv")
        features = test[trained["features"]].to_numpy(float)
        session = onnxruntime.InferenceSession(outside, providers=["CPUExecutionProvider"])
        (by_onnx,) = session.run(["probabilities"], {"features": features.astype(numpy.float32)})
        by_sklearn = trained["model"].predict_proba(features)[:, 1]
        for name, expected in (("onnxruntime", by_onnx[:, 1]), ("scikit-learn", by_sklearn)):
            distance = float(numpy.abs(predictions["score"].to_numpy(float) - expected).max())
            print(f"seed {seed}: off from {name} by {distance:.1e}")
            if not distance <= TOLERANCE:
                sys.exit(f"seed {seed}: the predictions differ from those of {name}")
        seeds += 1
    print(f"{seeds} seeds agree")


if __name__ == "__main__":
    main()
