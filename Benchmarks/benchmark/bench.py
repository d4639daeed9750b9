"""What every measurement works with: results, how much is measured, and where."""

import os
import shutil
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from .daemon import BenchmarkError, Daemon

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SMALL = 64 * KIB


class Skipped(Exception):
    """Something cannot be measured here; the message says why."""


@dataclass
class Result:
    """One number. `best` says which way is better; a target is met at equality."""

    key: str
    title: str
    value: float
    unit: str
    best: str = "low"
    target: float | None = None
    # What it is set against where that is measured too, and not promised.
    reference: float | None = None
    remark: str = ""

    @property
    def is_met(self):
        """Nothing where nothing is promised."""
        if self.target is None:
            return None
        return self.value <= self.target if self.best == "low" else self.value >= self.target

    @property
    def is_missed(self):
        return self.is_met is False

    def as_json(self):
        return asdict(self) | {"met": self.is_met}


@dataclass
class Scale:
    """How much is measured."""

    lone: int = 400
    backlog: int = 10_000
    backlog_times: int = 3
    limit: int = 100_000
    limit_times: int = 3
    draining: int = 10_000
    large: int = 4 * GIB
    large_times: int = 3
    together: int = 4
    sparse: int = 100_000_000_000
    sparse_seconds: float = 20
    waiting: int = 100_000
    giant: int = 20 * GIB
    idle_entries: int = 20_000
    idle_seconds: float = 90
    rescans: int = 5
    directories: int = 20_000
    untouched: int = 1_000_000
    rows: int = 1_000_000
    rows_times: int = 5
    inspecting: int = GIB
    peers: int = 300
    peers_large: int = 4 * GIB
    traced: int = 2000


QUICK = Scale(
    lone=100, backlog=2000, backlog_times=1, limit=2000, limit_times=1, draining=1000, large=512 * MIB, large_times=1, together=2,
    sparse_seconds=2, waiting=4000, giant=GIB, idle_entries=2000, idle_seconds=3, rescans=2, directories=1000,
    untouched=20_000, rows=50_000, rows_times=1, inspecting=256 * MIB, peers=20, peers_large=512 * MIB, traced=400)


@dataclass
class Bench:
    """Where and with what is measured."""

    binary: str
    base: str
    scale: Scale
    say: callable
    # On the disk of `base` itself, and not on fresh file systems there.
    in_place: bool = False
    # (name, reason) of what could not be measured.
    skipped: list = field(default_factory=list)

    def daemon(self, name):
        return Daemon(self.binary, f"{self.base}/{name}")

    def skip(self, name, reason):
        self.skipped.append((name, reason))
        self.say(f"{name}: skipped: {reason}")

    @contextmanager
    def fresh(self, name, kind="ext4", size=64 * GIB, inodes=4_000_000, need=2 * GIB):
        """The same on a file system that nobody has used yet; `need` is what it will hold at most.

        ext4 takes minutes to use an inode again: what ran before would slow down what runs next. For others than root, and
        `in_place`, it is a directory.
        """
        free = shutil.disk_usage(self.base).free
        if free < need + 2 * GIB:
            raise Skipped(f"needs {need / GIB + 2:.0f} GiB of room, and there are {free / GIB:.0f}")
        mount = f"{self.base}/{name}"
        os.makedirs(mount)
        if self.in_place or not self.can_mount(kind):
            try:
                yield replace(self, base=mount)
            finally:
                shutil.rmtree(mount, ignore_errors=True)
            return
        with mounted(f"{mount}.image", mount, kind, size, inodes):
            # PostgreSQL runs as somebody else below it.
            os.chmod(mount, 0o755)
            yield replace(self, base=mount)

    def can_mount(self, kind="ext4"):
        return os.geteuid() == 0 and bool(shutil.which(f"mkfs.{kind}")) and bool(shutil.which("losetup"))


# The kernel would go on writing empty inode tables while we measure; in a sparse image they are empty already.
MAKE = {
    "ext4": lambda inodes: ["-F", "-N", str(inodes), "-J", "size=256", "-E", "lazy_itable_init=1,lazy_journal_init=0,nodiscard"],
    "xfs": lambda inodes: ["-K"],
}
OPTIONS = {"ext4": "noinit_itable", "xfs": "defaults"}


@contextmanager
def mounted(image, mount, kind, size, inodes):
    """A new file system in a sparse image, on a loop device that goes past the page cache: nothing is cached twice."""
    device = None
    try:
        with open(image, "wb") as file:
            file.truncate(size)
        subprocess.run([f"mkfs.{kind}", "-q", *MAKE[kind](inodes), image], check=True)
        device = subprocess.run(
            ["losetup", "--find", "--show", "--direct-io=on", image], check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run(["mount", "-o", OPTIONS[kind], device, mount], check=True)
        try:
            yield
        finally:
            unmount(mount)
    finally:
        if device:
            subprocess.run(["losetup", "-d", device], check=False)
        if os.path.exists(image):
            os.unlink(image)


def unmount(mount):
    """A process that was just ended may still be in it."""
    for _ in range(50):
        if subprocess.run(["umount", mount], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise BenchmarkError(f"{mount} cannot be unmounted: something still works in it")


# --- Numbers ---------------------------------------------------------------------------------------------------------


def percentile(values, share):
    """The nearest rank: with 400 values, p99 is the fifth largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(values):
    return [value * 1e3 for value in values]


def bytes_written(path):
    """What the disk below a path has been given to write so far; nothing where there is no single disk."""
    device = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat", encoding="ascii") as file:
            return int(file.read().split()[6]) * 512
    except OSError:
        return None


def memory(daemon, key, title, target=100):
    """The daemon's peak, and apart from it that of the processes that look inside files."""
    yield Result(f"{key}.memory", f"{title}: peak memory", daemon.peak_megabytes(), "MB", target=target)
    peaks = daemon.worker_peaks()
    if peaks:
        yield Result(
            f"{key}.memory.workers", f"{title}: peak memory of inspect workers", sum(peaks), "MB",
            remark=f"sum of {len(peaks)}, each {max(peaks):.0f} MB at most; with the daemon, and shared pages counted once, "
            f"{daemon.shared_megabytes():.0f} MB at the end")


# --- Drops -----------------------------------------------------------------------------------------------------------


def lone_drop(daemon, model, number):
    """One small pair; returns the seconds from the last rename until another connection than the daemon's sees its row."""
    name = f"{model}-{number}.bin"
    daemon.write_pair(daemon.staging, name, model, number, SMALL)
    begin = daemon.release(name)
    return daemon.wait_for_row(model, number) - begin


def fill(daemon, model, count, where=None, size=SMALL):
    """Pairs, written out, so that what is measured later is not the write-back of their making."""
    where = where or daemon.drop
    for number in range(count):
        daemon.write_pair(where, f"{model}-{number}.bin", model, number, size)
    subprocess.run(["sync", "-f", where], check=True)


def write_large(path, size, number, head=b""):
    """Real bytes, different every time, on disk and in the page cache."""
    block = os.urandom(16 * MIB)
    with open(path, "wb") as file:
        written = file.write(head or number.to_bytes(8, "little"))
        while written < size:
            written += file.write(block[:size - written])
        file.flush()
        os.fsync(file.fileno())


def openssl_seconds(path):
    begin = time.perf_counter()
    subprocess.run(["openssl", "dgst", "-sha256", path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def drops_beside(daemon, model, interval, is_over):
    """Drops small pairs at a fixed pace until `is_over`, whether the ones before have rows or not.

    Returns the seconds of each. One after the other would hide a long wait: nobody would drop anything meanwhile.
    """
    released, seen, over = {}, {}, threading.Event()

    def release():
        while not over.is_set():
            number = len(released)
            daemon.write_pair(daemon.staging, f"{model}-{number}.bin", model, number, SMALL)
            released[number] = daemon.release(f"{model}-{number}.bin")
            over.wait(interval)

    producer = threading.Thread(target=release)
    producer.start()
    try:
        last, look = 0, 0.0
        end = time.perf_counter() + 900
        while producer.is_alive() or len(seen) < len(released):
            rows = daemon.psql.query(
                f"SELECT model_version, seq FROM registry.models WHERE model_id = '{model}' AND seq > {last}")
            now = time.perf_counter()
            for version, sequence in rows:
                seen[int(version)] = now
                last = max(last, int(sequence))
            if now > look:
                look = now + 0.1
                if is_over():
                    over.set()
            if now > end:
                raise BenchmarkError(f"{len(released) - len(seen)} drops have no row: {daemon.log_tail()}")
            time.sleep(0.0005)
    finally:
        over.set()
        producer.join()
    return [seen[number] - released[number] for number in released]


# --- Backlogs --------------------------------------------------------------------------------------------------------


def rate_between(points, begin, end):
    """Rows a second between two moments, by straight lines between samples."""
    def rows_at(moment):
        for (time_before, before), (time_after, after) in zip(points, points[1:]):
            if time_before <= moment <= time_after and time_after > time_before:
                return before + (after - before) * (moment - time_before) / (time_after - time_before)
        return points[-1][1]
    return (rows_at(end) - rows_at(begin)) / (end - begin)


@dataclass
class BacklogRun:
    """What one start with a backlog showed."""

    since_ready: float
    since_start: float
    until_ready: float
    # (seconds since READY, rows)
    points: list
    cpu: float
    group: float
    wal: float
    written: float | None
    memory: list

    @property
    def is_long(self):
        """Long enough that a group more or less makes no difference between parts of it."""
        return self.points[-1][0] >= 5

    @property
    def tenths(self):
        """Rows a second in each tenth of the time."""
        length = self.points[-1][0]
        return [rate_between(self.points, length * tenth / 10, length * (tenth + 1) / 10) for tenth in range(10)]

    @property
    def flatness(self):
        """The slowest tenth of the time against the whole."""
        return min(self.tenths) / statistics.mean(self.tenths)

    @property
    def last_to_first(self):
        """The last quarter of the time against the first."""
        length = self.points[-1][0]
        return rate_between(self.points, length * 3 / 4, length) / rate_between(self.points, 0, length / 4)


def backlog_run(bench, name, count, key="backlog", title="backlog", model="backlog"):
    """Fills a drop directory, starts the daemon, and watches the rows of a model come that has none yet."""
    with bench.daemon(name):
        # The first start makes the database; what is measured is a start like any other.
        pass
    daemon = bench.daemon(name)
    fill(daemon, model, count)
    written = bytes_written(daemon.drop)
    with daemon:
        wal = daemon.wal_bytes()
        cpu = daemon.cpu_seconds()
        samples = daemon.wait_for_rows(model, count)
        end = samples[-1][0]
        return BacklogRun(
            since_ready=count / (end - daemon.ready), since_start=count / (end - daemon.started),
            until_ready=daemon.ready - daemon.started,
            points=[(0.0, 0)] + [(max(0.0, moment - daemon.ready), rows) for moment, rows in samples],
            cpu=(daemon.cpu_seconds() - cpu) / count * 1e6,
            group=count / daemon.psql.number(
                f"SELECT count(DISTINCT registered_at) FROM registry.models WHERE model_id = '{model}'"),
            wal=(daemon.wal_bytes() - wal) / count / 1000,
            written=None if written is None else (bytes_written(daemon.drop) - written) / count / 1000,
            memory=list(memory(daemon, key, title)))
