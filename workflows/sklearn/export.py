"""Turns a model that train.py wrote into ONNX, which needs no Python to be used.

    python3 export.py --model forest.joblib --onnx model.onnx

The names of the features go with the model, so that whoever scores with it cannot mix up the columns.
"""

import argparse
import json

import joblib
import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="what train.py wrote; loading it runs code, so trust it")
    parser.add_argument("--onnx", required=True, help="where to write the ONNX model")
    args = parser.parse_args()

    trained = joblib.load(args.model)
    document = to_onnx(
        trained["model"],
        name="forest",
        initial_types=[("features", FloatTensorType([None, len(trained["features"])]))],
        # A plain table of probabilities, not a list of dictionaries.
        options={"zipmap": False},
        target_opset=15,
    )
    facts = {
        "runner.features": json.dumps(trained["features"]),
        "runner.label": trained["label"],
        "runner.task": "binary-classification",
        "runner.positive": "1",
        "runner.negative": "0",
    }
    onnx.helper.set_model_props(document, facts)
    onnx.checker.check_model(document, full_check=True)
    with open(args.onnx, "wb") as file:
        file.write(document.SerializeToString(deterministic=True))
    print(f"{args.onnx}: {len(trained['features'])} features, {document.ByteSize()} bytes")


if __name__ == "__main__":
    main()
