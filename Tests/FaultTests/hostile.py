#!/usr/bin/env python3
"""A producer that means harm, for HostileTests.swift: everything an unprivileged user can do in a drop directory.

Usage: hostile.py DROP FOREIGN SECONDS SEED BOMB

DROP is a drop directory, FOREIGN a directory with files that are none of its business: `secret.bin`, which it may not
read, and `public.bin`, which it may; BOMB is how many bytes its manifests have that are no manifests. Works until the time is over or it is killed. Needs nothing but the standard library.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import random
import signal
import sys
import threading
import time

# Who holds a lease is told by this signal that somebody else wants the file; its default action would end the attack.
signal.signal(signal.SIGIO, signal.SIG_IGN)

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
F_SETLEASE, F_WRLCK = 1024, 1

drop, foreign, seconds, seed = sys.argv[1].encode(), sys.argv[2].encode(), float(sys.argv[3]), int(sys.argv[4])
bomb_size = int(sys.argv[5])
end = time.monotonic() + seconds
counter = iter(range(1 << 60))


def path(name):
    return os.path.join(drop, name)


def exchange(first, second):
    """renameat2(2) RENAME_EXCHANGE: neither name is ever missing."""
    libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE)


def manifest(name, **more):
    """Writes a manifest for a payload; the daemon may take it away at any moment."""
    document = {"model_id": "hostile/m", "model_version": str(next(counter))} | more
    with open(path(name) + b".manifest.json", "w") as file:
        json.dump(document, file)


def make(kind, name):
    """Makes a thing of a kind under a name in the drop directory."""
    if kind == "file":
        with open(path(name), "wb") as file:
            file.write(os.urandom(random.choice([1, 1000, 200_000])))
    elif kind == "secret link":
        os.symlink(os.path.join(foreign, b"secret.bin"), path(name))
    elif kind == "magic link":
        os.symlink(b"/proc/self/fd/3", path(name))
    elif kind == "loop":
        os.symlink(name, path(name))
    elif kind == "fifo":
        os.mkfifo(path(name))
    elif kind == "directory":
        os.mkdir(path(name))
    elif kind == "directory link":
        os.symlink(foreign, path(name))
    elif kind == "hard link":
        os.link(os.path.join(foreign, b"public.bin"), path(name))


KINDS = ["file", "secret link", "magic link", "loop", "fifo", "directory", "directory link", "hard link"]


def swap_races(dice):
    """Payload, manifest and sub-directory are exchanged for other things at full speed while they are claimed."""
    name = b"swap%d.bin" % dice.randrange(8)
    other = b".swap%d" % next(counter)
    make("file", name)
    make(dice.choice(KINDS), other)
    manifest(name)
    target = path(name) + (b".manifest.json" if dice.random() < 0.3 else b"")
    for _ in range(200):
        exchange(target, path(other))


def directory_races(dice):
    """A sub-directory with pairs in it becomes a link to somewhere else."""
    name = b"sub%d" % dice.randrange(4)
    os.makedirs(path(name), exist_ok=True)
    make("file", name + b"/secret.bin")
    manifest(name + b"/secret.bin")
    link = path(b".link%d" % next(counter))
    os.symlink(foreign, link)
    for _ in range(200):
        exchange(path(name), link)
    os.unlink(link)


def writers(dice):
    """Opens, truncations, mappings and leases that race with the hashing."""
    name = b"written%d.bin" % dice.randrange(8)
    file = os.open(path(name), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        os.write(file, os.urandom(100_000))
        manifest(name)
        what = dice.randrange(4)
        if what == 0:
            os.close(file)
            for _ in range(100):
                file = os.open(path(name), os.O_RDWR | os.O_NONBLOCK)
                os.pwrite(file, os.urandom(10), dice.randrange(100_000))
                os.close(file)
            file = os.open(path(name), os.O_RDONLY)
        elif what == 1:
            for size in (0, 50_000, 100_000, 1):
                os.ftruncate(file, size)
        elif what == 2:
            with mmap.mmap(file, 0) as mapping:
                os.close(file)
                file = os.open("/dev/null", os.O_RDONLY)
                for place in range(0, len(mapping), 4096):
                    mapping[place] = dice.randrange(256)
        else:
            os.close(file)
            file = os.open(path(name), os.O_WRONLY)
            fcntl.fcntl(file, F_SETLEASE, F_WRLCK)
            time.sleep(0.2)
    finally:
        os.close(file)


def big_things(dice):
    """Files that are larger than any disk, and manifests that are no manifests."""
    name = b"big%d.bin" % dice.randrange(4)
    with open(path(name), "wb") as file:
        for size in (2**63 - 1, 2**63 - 4097, 8 << 40):
            try:
                os.ftruncate(file.fileno(), size)
                break
            except OSError:
                continue
    manifest(name)
    bomb = b"bomb%d.bin" % dice.randrange(4)
    make("file", bomb)
    with open(path(bomb) + b".manifest.json", "wb") as file:
        bombs = [b"[" * bomb_size, b'{"a":' * (bomb_size // 5), b"\xff" * 2_000_000, b'{"x":' + b"9" * bomb_size]
        file.write(dice.choice(bombs))


def names(dice):
    """Names of all byte values, the longest ones, and those that would leave a directory or forge a line of a log."""
    forged = b"x\n<0>ingotd: all is well.bin"
    raw = bytes(dice.choice([b for b in range(1, 256) if b != 0x2F]) for _ in range(dice.choice([1, 20, 240])))
    for name in (forged, raw, b"-rf", b"..;", b"$(touch x).bin", "\u202etxt.bin".encode()):
        try:
            make("file", name)
            manifest(name)
        except OSError:
            pass
    for target in ("../../etc/passwd", "/etc/passwd", "..", ".", ".claims", "honest.bin", "a/b", "x\x00y"):
        try:
            manifest(b"named%d" % next(counter), file=target)
        except OSError:
            pass


def times_and_trees(dice):
    """Times that never were, trees that are too deep, many tiny orphans, and a try at the daemon's own places."""
    name = b"time%d.bin" % dice.randrange(4)
    make("file", name)
    os.utime(path(name), ns=(0, dice.choice([-(2**60), 0, 2**62])))
    manifest(name, creation_timestamp=dice.choice(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday"]))
    deep = drop
    for level in range(45):
        deep = os.path.join(deep, b"d")
        try:
            os.mkdir(deep)
        except FileExistsError:
            pass
    for number in range(50):
        make("file", b"orphan%d.bin" % next(counter))
    for place in (b".claims", b"rejected", b"receipts"):
        for attempt in (lambda: os.rename(path(place), path(b"mine")), lambda: os.listdir(path(b".claims"))):
            try:
                attempt()
            except OSError:
                pass


def work(attack, dice):
    """Runs an attack again and again; most of them are interrupted by the daemon, which takes things away."""
    while time.monotonic() < end:
        try:
            attack(dice)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                time.sleep(0.1)
        time.sleep(0.01)


threads = [
    threading.Thread(target=work, args=(attack, random.Random(seed + index)), daemon=True)
    for index, attack in enumerate([swap_races, directory_races, writers, big_things, names, times_and_trees])
]
for thread in threads:
    thread.start()
# Who opens a FIFO that took a file's place waits for ever.
for thread in threads:
    thread.join(max(0, end + 1 - time.monotonic()))
