"""Says what Python's own unpicklers would import from generated and mutated streams, without importing anything.

    oracle.py SEED COUNT FILE

FILE gets one record a stream: u32 length, the stream, u16 count of imports, for each: u8 uses (1 called, 2 created, 4 state set), u16 length
and module, u16 length and name.
"""

import collections
import datetime
import io
import pickle
import random
import resource
import struct
import sys

SEED, COUNT, FILE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
generator = random.Random(SEED)
uses = {}


class Meta(type):
    """A class that nothing was imported for: whatever is done with it only leaves a note."""

    def __call__(cls, *arguments, **keywords):
        uses[cls.key] |= 1
        return object.__new__(cls)


def inert(module, name):
    key = (module, name)
    uses.setdefault(key, 0)

    def new(cls, *arguments, **keywords):
        uses[key] |= 2
        return object.__new__(cls)

    def set_state(self, state):
        uses[key] |= 4

    def nothing(self, *arguments, **keywords):
        return self

    members = {"key": key, "__new__": new, "__setstate__": set_state}
    members |= dict.fromkeys(["append", "extend", "add", "__setitem__", "__call__"], nothing)
    return Meta("Inert", (), members)


class PythonUnpickler(pickle._Unpickler):
    find_class = staticmethod(inert)
    persistent_load = staticmethod(lambda identity: object())


class CUnpickler(pickle.Unpickler):
    find_class = staticmethod(inert)
    persistent_load = staticmethod(lambda identity: object())


def imports(stream):
    uses.clear()
    for unpickler in (PythonUnpickler, CUnpickler):
        for encoding in ("ASCII", "latin1"):
            try:
                unpickler(io.BytesIO(stream), encoding=encoding).load()
            except BaseException:
                pass
    return {key: use for key, use in uses.items() if all(part.isascii() for part in key)}


WORDS = [b"os", b"system", b"collections", b"OrderedDict", b"evil", b"run", b"builtins", b"set", b"numpy", b"ndarray", b"a.b", b"copyreg",
         b"_reconstructor", b"object", b"__builtin__", b"list", b"sklearn.svm._classes", b"SVC", b"x y", b""]


def word():
    return generator.choice(WORDS)


def text_number():
    return generator.choice([b"0", b"1", b"00", b"01", b"12", b"-3", b"0x10", b"1_0", b" 4", b"5\x006", b"7L", b"", b"x"])


def text():
    name = word()
    return generator.choice([
        lambda: b"V" + name + b"\n", lambda: b"S'" + name + b"'\n", lambda: b'S"' + b"".join(b"\\x%02x" % c for c in name) + b'"\n',
        lambda: b"V" + b"".join(b"\\u%04x" % c for c in name) + b"\n", lambda: b"\x8c" + bytes([len(name)]) + name,
        lambda: b"X" + struct.pack("<I", len(name)) + name, lambda: b"U" + bytes([len(name)]) + name,
        lambda: b"T" + struct.pack("<i", len(name)) + name, lambda: b"\x8d" + struct.pack("<Q", len(name)) + name])()


def step():
    index = bytes([generator.randrange(6)])
    return generator.choice([
        text, text, text, lambda: text() + text() + b"\x93", lambda: b"c" + word() + b"\n" + word() + b"\n",
        lambda: b"(" + text() + b"i" + word() + b"\n" + word() + b"\n", lambda: b"(", lambda: b"0", lambda: b"1", lambda: b"2", lambda: b"N",
        lambda: b")", lambda: b"]", lambda: b"}", lambda: b"\x8f", lambda: b"t", lambda: b"l", lambda: b"d", lambda: b"\x91", lambda: b"\x85",
        lambda: b"\x86", lambda: b"\x87", lambda: b"R", lambda: b"R", lambda: b"\x81", lambda: b"\x92", lambda: b"o", lambda: b"b",
        lambda: b"a", lambda: b"e", lambda: b"s", lambda: b"u", lambda: b"\x90", lambda: b"\x94", lambda: b"q" + index, lambda: b"h" + index,
        lambda: b"p" + text_number() + b"\n", lambda: b"g" + text_number() + b"\n", lambda: b"r" + index + b"\0\0\0",
        lambda: b"j" + index + b"\0\0\0", lambda: b"I" + text_number() + b"\n", lambda: b"L" + text_number() + b"\n",
        lambda: b"F" + text_number() + b"\n", lambda: b"K" + index, lambda: b"M" + index * 2, lambda: b"J" + index * 4,
        lambda: b"G" + index * 8, lambda: b"\x8a\x01" + index, lambda: b"\x88", lambda: b"\x89", lambda: b"C\x02ab", lambda: b"B\x02\0\0\0ab",
        lambda: b"P" + word() + b"\n", lambda: b"Q", lambda: b"\x80" + index, lambda: b"\x82" + index, lambda: b"\x97", lambda: b"\x98",
        lambda: b"\x95" + struct.pack("<Q", generator.randrange(40)), lambda: b"c" + word() + b"\n" + word() + b"\n)R",
        lambda: b"c" + word() + b"\n" + word() + b"\n)\x81}b", lambda: b"\x96\x01" + b"\0" * 7 + b"x"])()


class Point:
    def __init__(self):
        self.x, self.y = 1, [2.5, "three"]


VALUES = [Point(), {"a": [1, 2, (3, "x", None)], "b": {1, 2}}, collections.OrderedDict(a=Point()), [datetime.timedelta(1), 1 << 80, b"xyz"],
          collections.Counter("abca"), frozenset([1.5]), bytearray(b"123"), [Point()] * 3, "\u00e9\U0001F600", complex(1, 2)]


def real():
    return pickle.dumps(generator.choice(VALUES), generator.randrange(6))


def program():
    body = b"".join(step() for _ in range(generator.randrange(1, 25)))
    return generator.choice([b"", b"\x80\x02", b"\x80\x04"]) + body + generator.choice([b".", b".", b"0N.", b""])


def mutated(stream):
    data = bytearray(stream)
    for _ in range(generator.randrange(1, 5)):
        at = generator.randrange(len(data) + 1)
        match generator.randrange(6):
            case 0: data[at:at + 1] = bytes([generator.randrange(256)])
            case 1: del data[at:at + generator.randrange(1, 4)]
            case 2: data[at:at] = step()
            case 3: data[at:at] = bytes([generator.randrange(256)])
            case 4: data[at:at] = data[at:at + generator.randrange(1, 20)]
            case 5: data[at:] = real()[generator.randrange(10):]
    return bytes(data)


def field(value):
    data = value.encode()
    return struct.pack("<H", len(data)) + data


with open(FILE, "wb") as file:
    for _ in range(COUNT):
        stream = generator.choice([program, program, lambda: mutated(program()), lambda: mutated(real()), lambda: mutated(real()), real])()
        found = imports(stream)
        file.write(struct.pack("<I", len(stream)) + stream + struct.pack("<H", len(found)))
        for (module, name), use in found.items():
            file.write(bytes([use]) + field(module) + field(name))
