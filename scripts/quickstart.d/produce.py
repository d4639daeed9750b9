"""Trains three small models, drops each with its manifest, and waits for the receipts.

produce.py DIR: keeps the models in DIR/models, so that a second run drops the very same files again.
"""

import hashlib
import json
import os
import pickle
import platform
import shutil
import sys
import time
from pathlib import Path

DEADLINE_IN_SECONDS = 60


def train_breast_cancer(models: Path) -> dict:
    """A pipeline, written by joblib."""
    import joblib
    import sklearn
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer()
    x_train, x_test, y_train, y_test = train_test_split(data.data, data.target, test_size=0.3, random_state=7)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=500)).fit(x_train, y_train)
    joblib.dump(model, models / "breast-cancer.joblib", compress=3)
    scores = model.predict_proba(x_test)[:, 1]
    manifest = {
        "model_id": "breast-cancer",
        "model_version": "1.0",
        "framework": f"scikit-learn {sklearn.__version__}",
        "training_parameters": {"estimator": "logistic regression", "C": 0.5, "max_iter": 500, "random_state": 7},
        "evaluation_metrics": {
            "accuracy": accuracy_score(y_test, scores > 0.5),
            "roc_auc": roc_auc_score(y_test, scores),
            "log_loss": log_loss(y_test, scores),
        },
        "tags": {"dataset": "breast-cancer", "python": platform.python_version()},
    }
    remember(models, "breast-cancer.joblib", manifest, x_test, scores)
    return manifest


def train_digits(models: Path) -> dict:
    """A support vector machine, written by pickle; its manifest declares the digest, which proves completeness."""
    import sklearn
    from sklearn.datasets import load_digits
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    data = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(data.data, data.target, test_size=0.3, random_state=7)
    model = SVC(kernel="rbf", gamma=0.001, C=10).fit(x_train, y_train)
    payload = models / "digits.pkl"
    payload.write_bytes(pickle.dumps(model))
    predicted = model.predict(x_test)
    manifest = {
        "model_id": "digits",
        "model_version": "2024-05",
        "framework": f"scikit-learn {sklearn.__version__}",
        "training_parameters": {"estimator": "SVC", "kernel": "rbf", "gamma": 0.001, "C": 10, "random_state": 7},
        "evaluation_metrics": {
            "accuracy": accuracy_score(y_test, predicted),
            "f1_macro": f1_score(y_test, predicted, average="macro"),
        },
        "sha256": hashlib.sha256(payload.read_bytes()).hexdigest(),
        "size_bytes": payload.stat().st_size,
    }
    remember(models, "digits.pkl", manifest, x_test, predicted)
    return manifest


def train_iris(models: Path) -> dict:
    """A softmax regression as bare tensors, written by safetensors, or by NumPy where that is not installed."""
    import numpy
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    data = load_iris()
    fitted = LogisticRegression(max_iter=1000).fit(data.data, data.target)
    weight = numpy.ascontiguousarray(fitted.coef_, dtype=numpy.float32)
    tensors = {"weight": weight, "bias": fitted.intercept_.astype(numpy.float32)}
    try:
        import safetensors
        from safetensors.numpy import save_file

        name, framework = "iris.safetensors", f"safetensors {safetensors.__version__}"
        save_file(tensors, models / name)
    except ImportError:
        name, framework = "iris.npz", f"numpy {numpy.__version__}"
        numpy.savez(models / name, **tensors)
    logits = data.data.astype(numpy.float32) @ tensors["weight"].T + tensors["bias"]
    manifest = {
        "model_id": "iris",
        "model_version": "3",
        "framework": framework,
        "training_parameters": {"estimator": "softmax regression", "max_iter": 1000, "precision": "float32"},
        "evaluation_metrics": {
            "accuracy": float((logits.argmax(axis=1) == data.target).mean()),
            "margin": {"mean": float(numpy.mean(numpy.ptp(logits, axis=1)))},
        },
        "parents": ["breast-cancer:1.0"],
    }
    remember(models, name, manifest, data.data, logits)
    return manifest


def remember(models: Path, name: str, manifest: dict, inputs, outputs) -> None:
    """Keeps the manifest, and what the original answers, so that a copy can be compared with it."""
    import numpy

    (models / f"{name}.manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    numpy.savez(models / f"{manifest['model_id']}.answers", inputs=inputs, outputs=outputs)


def drop(payload: Path, manifest: Path, directory: Path) -> dict:
    """What any producer does: copy the payload, copy the manifest last, wait for the receipt."""
    receipt = directory / "drop" / "receipts" / f"{payload.name}.json"
    before = submission(receipt)
    shutil.copyfile(payload, directory / "drop" / payload.name)
    shutil.copyfile(manifest, directory / "drop" / manifest.name)
    wanted = hashlib.sha256(manifest.read_bytes()).hexdigest()
    end = time.monotonic() + DEADLINE_IN_SECONDS
    found = {}
    while time.monotonic() < end:
        found = read(receipt)
        is_final = found.get("status") in ("registered", "duplicate", "rejected")
        # Yesterday's receipt of the same name is not ours.
        if is_final and found.get("manifest_sha256") == wanted and found.get("submission_id") != before:
            return found
        time.sleep(0.01)
    sys.exit(
        f"No receipt for {payload.name} within {DEADLINE_IN_SECONDS} s. The last one says: {found or 'nothing'}\n"
        f"See {directory}/ingotd.log and {directory}/status.json."
    )


def read(receipt: Path) -> dict:
    """A receipt; empty when there is none. Receipts are renamed into place, so half of one is never seen."""
    try:
        return json.loads(receipt.read_bytes())
    except FileNotFoundError:
        return {}


def submission(receipt: Path) -> str | None:
    return read(receipt).get("submission_id")


def show(payload: Path, receipt: dict, seconds: float) -> None:
    status = receipt["status"]
    print(f"  {payload.name:24} {status:11} {receipt['model_id']} {receipt['model_version']}", end="")
    print(f", {receipt['size_bytes']:,} bytes, proof: {receipt['proof']}, {seconds * 1000:.0f} ms")


def show_a_mistake(directory: Path, models: Path) -> None:
    """Drops a manifest with a misspelt key, reads the reason, corrects it, and moves both files back."""
    payload = directory / "models" / "mistake" / "breast-cancer-copy.joblib"
    payload.parent.mkdir(exist_ok=True)
    shutil.copyfile(models / "breast-cancer.joblib", payload)
    manifest = payload.with_name(payload.name + ".manifest.json")
    manifest.write_text('{\n  "model_id": "breast-cancer-copy",\n  "model_verison": "1.0"\n}\n')
    receipt = drop(payload, manifest, directory)
    if receipt["status"] != "rejected":
        sys.exit(f"A manifest without model_version was not rejected: {receipt}")
    kept = Path(receipt["rejected_path"])
    print(f"  {payload.name}: rejected ({receipt['code']})")
    print(f"    what:  {receipt['message']}")
    print(f"    where: {manifest.name}, line {receipt['line']}, column {receipt['column']}")
    print(f"    do:    {receipt['hint']}")
    print(f"    kept:  {kept}")

    before = receipt["submission_id"]
    there = kept / manifest.name
    there.write_text(there.read_text().replace("model_verison", "model_version"))
    for name in (payload.name, manifest.name):
        os.rename(kept / name, directory / "drop" / name)
    (kept / "reason.json").unlink()
    kept.rmdir()
    place = directory / "drop" / "receipts" / f"{payload.name}.json"
    end = time.monotonic() + DEADLINE_IN_SECONDS
    while submission(place) in (before, None) or read(place)["status"] == "waiting":
        if time.monotonic() > end:
            sys.exit(f"No receipt for the corrected {payload.name}.")
        time.sleep(0.01)
    print(f"  corrected and moved back (mv): {read(place)['status']}")


def main() -> None:
    directory = Path(sys.argv[1])
    models = directory / "models"
    models.mkdir(exist_ok=True)
    if not (models / "complete").exists():
        for train in (train_breast_cancer, train_digits, train_iris):
            train(models)
        (models / "complete").touch()
    else:
        print("  (the models of an earlier run: the very same files count as duplicates, and change nothing)")
    for manifest in sorted(models.glob("*.manifest.json")):
        payload = manifest.with_name(manifest.name.removesuffix(".manifest.json"))
        begun = time.monotonic()
        receipt = drop(payload, manifest, directory)
        if receipt["status"] == "rejected" and receipt["code"] == "version_conflict":
            # Trained anew, and not the same bytes: a version never changes, so this is another one.
            print(f"  {payload.name}: version {receipt['model_version']} is taken; dropped as {receipt['free_version']}")
            text = manifest.read_text()
            manifest.write_text(
                text.replace(
                    f'"model_version": "{receipt["model_version"]}"', f'"model_version": "{receipt["free_version"]}"'
                )
            )
            receipt = drop(payload, manifest, directory)
        if receipt["status"] == "rejected":
            sys.exit(f"{payload.name} was rejected: {receipt['message']} {receipt.get('hint', '')}")
        show(payload, receipt, time.monotonic() - begun)
    print()
    show_a_mistake(directory, models)


main()
