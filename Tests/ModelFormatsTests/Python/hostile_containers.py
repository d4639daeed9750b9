"""Writes files that hide a pickle in containers into a directory; nothing in here is ever loaded.

A file is named `number-name.VERDICTS`: every letter is a verdict that is right for it, D dangerous, U unscannable, K unknown imports,
S safe, N no code. Only Python's own library is needed.
"""

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import sys
import tarfile
import warnings
import zipfile
import zlib

warnings.simplefilter("ignore")
OUT = sys.argv[1]
PAYLOAD = b"cos\nsystem\nVecho pwn\n\x85R"
EVIL = b"\x80\x02" + PAYLOAD + b"."
GOOD = b"\x80\x02}q\x00X\x01\x00\x00\x00aK\x01s."


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)


def zipped(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def patched(data, changes):
    data = bytearray(data)
    for offset, value in changes.items():
        data[offset : offset + len(value)] = value
    return bytes(data)


def central(data):
    return data.index(b"PK\x01\x02")


# PyTorch's zip.
def storage(key, kind="FloatStorage", count=4):
    return (b"(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\nX" + struct.pack("<I", len(key)) + key.encode()
            + b"X\x03\x00\x00\x00cpuK" + bytes([count]) + b"tQ")


TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage("0") + b"K\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
TORCH = [("m/data.pkl", b"\x80\x02" + TENSOR + b"."), ("m/byteorder", b"little"), ("m/data/0", b"\0" * 16), ("m/version", b"3\n")]

write("34-torch-zip.S", zipped(TORCH))
write("34-torch-zip-payload.D", zipped([("m/data.pkl", EVIL)] + TORCH[1:]))
write("34-torch-storage-size.U", zipped([TORCH[0], TORCH[1], ("m/data/0", b"\0" * 12), TORCH[3]]))
write("34-torch-storage-missing.U", zipped([TORCH[0], TORCH[1], TORCH[3]]))
write("36-payload-in-storage.D", zipped(TORCH[:2] + [("m/data/0", EVIL[:16].ljust(16, b"."))] + TORCH[3:]))
write("36-payload-in-text.D", zipped(TORCH + [("m/readme.txt", PAYLOAD + b".")]))
write("36-payload-in-json.D", zipped(TORCH + [("config.json", EVIL)], zipfile.ZIP_DEFLATED))
write("37-upper-case.D", zipped([("m/DATA.PKL", EVIL)]))
one = zipped([("m/data.pkl", EVIL)])
clean = zipped([("m/data.pkl", GOOD)])
write("35-bad-checksum.DU", patched(one, {central(one) + 16: b"\1\2\3\4", 14: b"\1\2\3\4"}))
write("35-bad-checksum-clean.U", patched(clean, {central(clean) + 16: b"\1\2\3\4", 14: b"\1\2\3\4"}))
write("35-encrypted.DU", patched(one, {central(one) + 8: b"\1\0", 6: b"\1\0"}))
write("35-masked-clean.U", patched(clean, {central(clean) + 8: b"\0\x20"}))
write("35-patch-flag-clean.U", patched(clean, {central(clean) + 8: b"\x20\0"}))
write("35-two-names.DU", patched(one, {30: b"x"}))
write("35-two-names-clean.U", patched(clean, {30: b"x"}))
write("37-prefix.D", b"GIF89a" + one)
write("37-prefix-clean.U", b"GIF89a" + clean)
write("37-two-archives.D", one + clean)
write("37-two-archives-other.D", clean + one)
local = zipped([("hidden.pkl", EVIL)])
local = local[: central(local)]
body, directory = clean[: central(clean)], clean[central(clean) :]
end = directory.index(b"PK\x05\x06")
shift = struct.pack("<I", len(body) + len(local))
write("37-local-only.D", body + local + patched(directory, {end + 16: shift}))
write("37-duplicate-first.D", zipped([("m/data.pkl", EVIL), ("m/data.pkl", GOOD)]))
write("37-duplicate-last.D", zipped([("m/data.pkl", GOOD), ("m/data.pkl", EVIL)]))
write("37-duplicate-clean.U", zipped([("m/data.pkl", GOOD), ("m/Data.pkl", GOOD)]))
write("37-name-outside.U", zipped([("../data.pkl", GOOD)]))
write("37-no-directory.D", one[: central(one)])
write("37-no-directory-clean.U", clean[: central(clean)])
write("37-gap.U", patched(body + b"GAP!" + directory, {len(body) + 4 + end + 16: struct.pack("<I", len(body) + 4)}))
write("37-comment.D", patched(clean, {len(clean) - 2: struct.pack("<H", len(one))}) + one)
write("38-bzip2-member.D", zipped([("m/data.pkl", EVIL)], zipfile.ZIP_BZIP2))
write("38-lzma-member.U", zipped([("m/data.pkl", EVIL)], zipfile.ZIP_LZMA))
write("38-zstd-member.DU", patched(one, {8: b"\x5d\0", central(one) + 10: b"\x5d\0"}))
write("38-size-lies.DU", patched(one, {central(one) + 24: b"\1\0\0\0", 22: b"\1\0\0\0"}))
packed = zipped([("m/data.pkl", EVIL + b"N" * 100)], zipfile.ZIP_DEFLATED)
write("38-two-methods.DU", patched(packed, {central(packed) + 10: b"\0\0"}))
write("38-two-methods-other.DU", patched(packed, {8: b"\0\0"}))
write("39-zip-in-zip.D", zipped([("a.bin", zipped([("b.bin", one)]))], zipfile.ZIP_DEFLATED))
write("39-zip-in-gzip.D", gzip.compress(one))
deep = EVIL
for _ in range(7):
    deep = zipped([("x", deep)])
write("39-too-deep.DU", deep)
write("40-bomb-ratio.U", zipped([(f"m{i}", b"\0" * 30_000_000) for i in range(3)], zipfile.ZIP_DEFLATED))
bomb = zipped([("m0", b"\0" * 1000), ("m1", b"\0" * 1000)])
write("40-overlap.U", patched(bomb, {bomb.rindex(b"PK\x01\x02") + 42: b"\0\0\0\0"}))
write("40-many-entries.UN", patched(clean, {len(clean) - 12: b"\xff\xff\xff\xff"}))
write("40-zip64-huge.U", zipped([]) and (
    b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1 << 63, 1 << 63, 1 << 63, 1 << 63)
    + b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1) + b"PK\x05\x06" + b"\0\0\0\0" + b"\xff" * 12 + b"\0\0"))
write("66-torch-package.D", zipped([("p/.data/extern_modules", b""), ("p/m.py", b"import os"), ("p/model/model.pkl", GOOD)]))
write("66-handler.K", zipped([("handler.py", b"import os"), ("MAR-INF/MANIFEST.json", b"{}"), ("model.pkl", GOOD)]))

# PyTorch before 1.6.
MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
HEAD = MAGIC + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
OBJECT = b"\x80\x02" + TENSOR.replace(b"K\x04tQ", b"K\x04NtQ") + b"."
KEYS = pickle.dumps(["0"], 2)
RAW = struct.pack("<q", 4) + b"\0" * 16
write("42-legacy.S", HEAD + OBJECT + KEYS + RAW)
write("42-legacy-object.D", HEAD + EVIL + KEYS + RAW)
write("42-legacy-keys.D", HEAD + OBJECT + EVIL + RAW)
write("42-legacy-sysinfo.D", MAGIC + pickle.dumps(1001, 2) + EVIL + OBJECT + KEYS + RAW)
write("42-legacy-computed-magic.D", b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R." + HEAD + EVIL)
write("43-legacy-trailing.DU", HEAD + OBJECT + KEYS + RAW + EVIL)
write("43-legacy-storage-lies.U", HEAD + OBJECT + KEYS + struct.pack("<q", 5) + b"\0" * 20)
write("43-legacy-truncated.U", HEAD + OBJECT + KEYS + RAW[:-3])


def tarred(members, mode="w", **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


ENTRY = b"\x80\x02X\x01\0\0\x000X\x03\0\0\0cpuctorch\nFloatStorage\n\x87."
OLD = [
    ("sys_info", pickle.dumps({}, 2)), ("pickle", GOOD), ("tensors", pickle.dumps(0, 2)),
    ("storages", pickle.dumps(1, 2) + ENTRY + RAW + pickle.dumps([], 2)),
]
write("45-tar.S", tarred(OLD))
write("45-tar-pickle.D", tarred([OLD[0], ("pickle", EVIL)] + OLD[2:]))
write("45-tar-storages.D", tarred(OLD[:3] + [("storages", pickle.dumps(1, 2) + EVIL + RAW)]))
write("45-tar-gz.D", gzip.compress(tarred([("pickle", EVIL)])))
write("45-tar-long-name.D", tarred([("d/" * 90 + "x.pkl", EVIL)], format=tarfile.GNU_FORMAT))
write("45-tar-pax.D", tarred([("d/" * 90 + "\u00e9.pkl", EVIL)], format=tarfile.PAX_FORMAT))
tar = tarred([("a.pkl", GOOD)])
lying = bytearray(tar)
lying[124:136] = b"77777777777\0"
lying[148:156] = b"%06o\0 " % (sum(lying[:148]) + 8 * 32 + sum(lying[156:512]))
write("45-tar-size-lies.U", bytes(lying))
write("45-tar-trailing.DU", tar + EVIL)

# joblib's compressions, and pickles behind them.
def zfile(data):
    return (b"ZF" + hex(len(data)).encode()).ljust(21) + zlib.compress(data)


for name, pack in {
    "zlib": zlib.compress, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE), "zfile": zfile,
    "double-gzip": lambda data: gzip.compress(gzip.compress(data)),
}.items():
    write(f"46-{name}.D", pack(EVIL))
    write(f"46-{name}-clean.S", pack(GOOD))
    if name != "zfile":
        write(f"46-{name}-truncated.DU", pack(EVIL + os.urandom(200_000))[:-50_000])
wide = lzma.compress(EVIL, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20}])
write("46-lzma-greedy.U", wide[:1] + struct.pack("<I", 1 << 30) + wide[5:])
write("46-gzip-two.D", gzip.compress(GOOD) + gzip.compress(EVIL))
write("46-gzip-trailing.DU", gzip.compress(GOOD) + EVIL)
write("46-gzip-payload-then-damage.D", gzip.compress(EVIL + os.urandom(500_000))[:-400_000] + b"\xff" * 400_000)

# joblib's arrays in the middle of pickles.
WRAPPER = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81"


def state(shape=b"K\x04\x85", kind=b"f8", dtype=None, alignment=b"N"):
    dtype = dtype or b"cnumpy\ndtype\nX" + struct.pack("<I", len(kind)) + kind + b"\x89\x88\x87R"
    return (b"}(X\x08\0\0\0subclasscnumpy\nndarray\nX\x05\0\0\0shape" + shape + b"X\x05\0\0\0orderX\x01\0\0\0CX\x05\0\0\0dtype" + dtype
            + b"X\x1b\0\0\0numpy_array_alignment_bytes" + alignment + b"ub")


def array(raw, **options):
    return WRAPPER + state(**options) + raw


ZEROS = b"\0" * 32
write("47-array.S", b"\x80\x03]" + array(ZEROS) + b"a.")
write("47-after-array.D", b"\x80\x03" + array(ZEROS) + b"0" + PAYLOAD + b".")
write("47-after-stop-like-array.D", b"\x80\x03" + array(b"." * 32) + b"0" + PAYLOAD + b".")
write("47-object-array.D", b"\x80\x03" + array(EVIL, kind=b"O8") + b".")
write("47-object-array-clean.S", b"\x80\x03" + array(GOOD, kind=b"O8") + b".")
write("47-after-object-array.D", b"\x80\x03" + array(GOOD, kind=b"O8") + b"0" + PAYLOAD + b".")
for name, options in {
    "big-shape": {"shape": b"K\x05\x85"}, "small-shape": {"shape": b"K\x03\x85"}, "negative": {"shape": b"J\xff\xff\xff\xff\x85"},
    "huge": {"shape": b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87"}, "float": {"shape": b"G@\x10\0\0\0\0\0\0\x85"},
    "text-shape": {"shape": b"I04\n\x85"}, "alignment": {"alignment": b"K\x10"},
    "computed-dtype": {"dtype": b"cnumpy\ndtype\ncbuiltins\nstr\nX\2\0\0\0f8\x85R\x85R"},
}.items():
    write(f"48-{name}.{'S' if name == 'alignment' else 'DU'}", b"\x80\x03]" + array(ZEROS, **options) + b"a.")
write("48-padding.U", b"\x80\x03]" + array(b"\xff" + ZEROS, alignment=b"K\x10") + b"a.")
decoy = b"0" + PAYLOAD + b"."
write("49-decoy.D", b"\x80\x03" + array(decoy.ljust(32, b".")) + b".")
write("50-old-joblib.K", b"\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}(X\x08\0\0\0filenameX\x0b\0\0\0../../x.npyub.")


# numpy.
def npy(header, data, version=1):
    header = header.encode() + b" " * (-(len(header) + (10 if version == 1 else 12) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


PLAIN = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
write("51-npy.N", npy(PLAIN, b"\0" * 16))
write("51-npy-object.D", npy(PLAIN.replace("<f8", "|O"), EVIL))
write("51-npy-field.D", npy("{'descr': [('a', '<f8'), ('b', [('c', '|O')])], 'fortran_order': False, 'shape': (1,)}", EVIL))
write("51-npy-v3.D", npy(PLAIN.replace("<f8", "|O"), EVIL, 3))
write("51-npy-none.D", EVIL)
write("51-npz.D", zipped([("a.npy", npy(PLAIN.replace("<f8", "|O"), EVIL))], zipfile.ZIP_DEFLATED))
write("51-npy-spaces.U", b"\x93NUMPY\2\0" + struct.pack("<I", 10_000_000) + PLAIN.encode().ljust(10_000_000))
write("51-npy-no-literal.U", npy("{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (2,)}", b"\0" * 16))
write("51-npy-short.U", npy(PLAIN, b"\0" * 15))
write("51-npy-long.U", npy(PLAIN, b"\0" * 16) + EVIL)
write("51-npy-overflow.U", npy(PLAIN.replace("(2,)", f"({1 << 40}, {1 << 40})"), b"\0" * 16))

# What nobody looks into, and files that are two things at once.
write("52-7z.U", b"7z\xbc\xaf'\x1c" + b"\0" * 100)
write("52-rar.U", b"Rar!\x1a\x07\x01\0" + b"\0" * 100)
write("52-zstd.U", b"\x28\xb5\x2f\xfd" + b"\0" * 100)
write("52-xz-in-zip.D", zipped([("x", lzma.compress(EVIL))]))
write("53-npy-zip.D", npy(PLAIN, b"\0" * 16) + one)
write("53-pickle-BZ.D", b"BZh9\x00" + b"x" * 0x39685A + b"0" + PAYLOAD + b".")
write("53-pickle-zip.DU", GOOD + clean)
write("53-gguf-zip.D", b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + one)
write("53-zip-stored-in-zip.N", zipped([("a.npz", zipped([("b.npy", npy(PLAIN, b"\0" * 16))])), ("z", b"z")]))
write("53-zip-stored-in-zip-payload.D", zipped([("a.npz", zipped([("b.npy", npy(PLAIN.replace("<f8", "|O"), EVIL))])), ("z", b"z")]))
write("49-decoy-without-description.D", b"\x80\x03" + WRAPPER + b"}b0" + PAYLOAD + b".")
