"""Loads the models back from the paths that the database names, and compares their answers with the originals'.

consume.py DIR CONNECTION-STRING
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy
import psycopg2


def load(path: str):
    """The loader for a file's extension, which file_path always has when the dropped file had one."""
    match Path(path).suffix:
        case ".joblib":
            return joblib.load(path).predict_proba
        case ".pkl":
            with open(path, "rb") as file:
                return pickle.load(file).predict
        case ".safetensors":
            from safetensors.numpy import load_file

            return softmax_regression(load_file(path))
        case ".npz":
            return softmax_regression(numpy.load(path))
        case suffix:
            sys.exit(f"{path}: no loader for {suffix}")


def softmax_regression(tensors):
    return lambda inputs: inputs.astype(numpy.float32) @ tensors["weight"].T + tensors["bias"]


def main() -> None:
    directory = Path(sys.argv[1])
    with psycopg2.connect(sys.argv[2]) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT model_id, model_version, file_path FROM registry.latest_models"
            " WHERE model_id IN ('breast-cancer', 'digits', 'iris') ORDER BY model_id"
        )
        rows = cursor.fetchall()
    if len(rows) != 3:
        sys.exit(f"Three models were dropped, the registry names {len(rows)}: {rows}")
    for model_id, model_version, path in rows:
        answers = numpy.load(directory / "models" / f"{model_id}.answers.npz")
        outputs = load(path)(answers["inputs"])
        if model_id == "breast-cancer":
            outputs = outputs[:, 1]
        if numpy.array_equal(outputs, answers["outputs"]):
            verdict = "identical to the original's"
        elif numpy.allclose(outputs, answers["outputs"], rtol=1e-5, atol=0):
            # Another build of NumPy adds in another order.
            verdict = "equal to the original's in five digits"
        else:
            sys.exit(f"{model_id} {model_version}, loaded from {path}, answers otherwise than the original.")
        print(f"  {model_id} {model_version}: {len(outputs)} predictions, {verdict}")


main()
