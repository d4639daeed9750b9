"""Writes model files and look-alikes into a directory, with nothing but Python's own library; none is ever loaded."""

import gzip
import hashlib
import io
import json
import os
import pickle
import struct
import sys
import zipfile

OUT = sys.argv[1]


def write(name, data):
    path = os.path.join(os.fsencode(OUT), name if isinstance(name, bytes) else name.encode())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return data


def zipped(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# Pickles.
EVIL = b"\x80\x02cos\nsystem\nVecho pwn\n\x85R."
plain = write("plain.pkl", pickle.dumps({"weights": [1.0, 2.0]}))
write("evil.pkl", EVIL)
write("unknown.pkl", b"\x80\x02cmy_package.models\nScorer\n)\x81.")
write("many.pkl", b"\x80\x02" + b"".join(b"cmy_package.m%d\nScorer\n0" % i for i in range(1500)) + b"N.")
write(b"odd\xff\nname.pkl", plain)
write("tree/inner/evil.bin", EVIL)
write("tree/plain.pkl", plain)
write("tree/plain.pkl.manifest.json", json.dumps({"model_id": "a", "model_version": "1"}).encode())
write("tree/orphan.bin.manifest.json", json.dumps({"model_id": "b", "model_version": 2.5}).encode())

# safetensors.
header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
tensors = struct.pack("<Q", len(header)) + header + b"\0" * 16
write("whole.safetensors", tensors)
write("truncated.safetensors", tensors[:-3])
write("tensors.safetensors.gz", gzip.compress(tensors))
write("tensors.zip", zipped({"model.safetensors": tensors}, zipfile.ZIP_DEFLATED))
write("cut.zip", zipped({"model.safetensors": tensors[:-3], "readme.txt": b"x"}))
write("wrong.safetensors", plain)
write("both.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
write("both-and-zip.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + zipped({"a": EVIL}))


# Keras 3.
def keras(layer, extra=None, **members):
    layers = [{"class_name": "InputLayer", "module": "keras.layers", "config": {}}, layer]
    config = {"class_name": "Sequential", "module": "keras", "config": {"name": "net", "layers": layers}} | (extra or {})
    parts = {"metadata.json": json.dumps({"keras_version": "3.5.0", "date_saved": "2026-01-01@00:00:00"})}
    parts["config.json"] = members.get("config", json.dumps(config))
    return zipped({name: part for name, part in parts.items() if name not in members.get("without", ())} | members.get("more", {}))


dense = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 3}}
code = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": {"class_name": "__lambda__", "config": {}}}}
write("clean.keras", keras(dense))
write("lambda.keras", keras(code))
write("lambda-late.keras", keras(code, config=json.dumps({"zz": 1, "class_name": "Model", "config": {"layers": [code]}}), without=["metadata.json"]))
late = json.dumps({"zz": 1, "class_name": "Model", "config": {"layers": [code]}}).replace('"zz": 1', '"zz": 1, "zz": 2')
write("lambda-twice.keras", keras(code, config=late, without=["metadata.json"]))
write("lambda-utf16.keras", keras(code, config=late.encode("utf-16"), without=["metadata.json"]))
write("broken.keras", keras(dense, config="{\"class_name\": "))
write("pickle-inside.keras", keras(dense, more={"assets/x": EVIL}))
write("config.zip", zipped({"config.json": json.dumps({"hidden_size": 3}), "vocab.txt": b"a b"}))


# skops.
def skops(content, loader="ObjectNode", module="sklearn.linear_model._logistic", name="LogisticRegression"):
    root = {"__class__": name, "__module__": module, "__loader__": loader, "content": content, "protocol": 2, "_skops_version": "0.11"}
    return zipped({"schema.json": json.dumps(root)})


def node(loader, module, name, **rest):
    return {"__class__": name, "__module__": module, "__loader__": loader} | rest


write("clean.skops", skops(node("DictNode", "builtins", "dict", content={
    "C": node("JsonNode", "builtins", "float", content="1.0"), "seed": node("JsonNode", "builtins", "NoneType", content="null")})))
write("method.skops", skops(node("MethodNode", "builtins", "dict", content={})))
write("foreign.skops", skops({}, module="my_package", name="Scorer"))
write("system.skops", skops(node("FunctionNode", "os", "system", content={})))
write("twice.skops", zipped({"schema.json": b'{"__class__": "dict", "__class__": "eval", "__module__": "builtins"}'}))
write("pickle.skops", EVIL)


# R.
def integer(value):
    return struct.pack(">i", value)


rds = b"X\n" + integer(3) + integer(0x40201) + integer(0x30500) + integer(5) + b"UTF-8" + integer(13) + integer(2) + integer(1) + integer(2)
promise = rds[:23] + integer(5) + integer(254) * 2
write("numbers.rds", gzip.compress(rds))
write("plain.rds", rds)
write("promise.rds", gzip.compress(promise))
write("cut.rds", gzip.compress(rds[:-2]))

# TensorFlow Lite with labels behind it, as its metadata tools append them.
lite = struct.pack("<I", 16) + b"TFL3" + struct.pack("<HHHHiI", 6, 8, 4, 0, 8, 3)
for name, members in {"labels": {"labels.txt": "dog\ncat\n"}, "evil": {"labels.txt": EVIL}}.items():
    path = os.path.join(OUT, f"{name}.tflite")
    write(f"{name}.tflite", lite)
    with zipfile.ZipFile(path, "a") as archive:
        for member, data in members.items():
            archive.writestr(member, data)

# Manifests.
good = {"model_id": "fraud", "model_version": "7", "sha256": hashlib.sha256(plain).hexdigest(), "size_bytes": len(plain), "format": "pickle"}
for name, manifest in {
    "good": good, "digest": good | {"sha256": "0" * 64}, "size": good | {"size_bytes": 1}, "format": good | {"format": "onnx"},
    "word": good | {"format": "our own thing"}, "near": good | {"metrics": {"auc": 1}},
}.items():
    write(f"m/{name}.pkl", plain)
    write(f"m/{name}.pkl.manifest.json", json.dumps(manifest).encode())
write("m/syntax.pkl", plain)
write("m/syntax.pkl.manifest.json", b'{"model_id": "x",\n  "model_version": }')
write("m/yaml.pkl", plain)
write("m/yaml.pkl.manifest.yaml", b"model_id: a/b\nmodel_version: '3'\n")

os.mkfifo(os.path.join(OUT, "fifo"))
os.symlink("plain.pkl", os.path.join(OUT, "link"))
os.symlink("../evil.pkl", os.path.join(OUT, "tree", "link-to-evil"))
os.mkfifo(os.path.join(OUT, "tree", "fifo"))
