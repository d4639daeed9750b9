"""What is measured. Each measurement starts a daemon of its own in a directory of its own, and yields results."""

import os
import shutil
import signal
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from .daemon import BenchmarkError, Daemon

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SMALL = 64 * KIB


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
    def is_missed(self):
        if self.target is None:
            return False
        return self.value > self.target if self.best == "low" else self.value < self.target

    def as_json(self):
        return asdict(self) | {"missed": self.is_missed}


@dataclass
class Scale:
    """How much is measured."""

    lone: int = 400
    backlog: int = 10_000
    backlog_times: int = 3
    large: int = 4 * GIB
    large_times: int = 3
    sparse: int = 100_000_000_000
    sparse_seconds: float = 20
    waiting: int = 100_000
    giant: int = 20 * GIB
    idle_entries: int = 20_000
    idle_seconds: float = 60
    rescans: int = 5
    traced: int = 2000
    limit: int = 100_000
    draining: int = 10_000
    together: int = 4
    peers: int = 300
    peers_large: int = 4 * GIB
    rows: int = 1_000_000
    directories: int = 20_000
    untouched: int = 1_000_000


QUICK = Scale(
    lone=100, backlog=2000, backlog_times=1, large=512 * MIB, large_times=1, sparse_seconds=2, waiting=4000, giant=GIB,
    idle_entries=2000, idle_seconds=2, rescans=2, traced=400, limit=2000,
    draining=1000, together=2, peers=30, peers_large=256 * MIB, rows=50_000, directories=1000, untouched=20_000)


class Bench:
    """Where and with what is measured."""

    def __init__(self, binary, base, scale, say):
        self.binary = binary
        self.base = base
        self.scale = scale
        self.say = say

    def daemon(self, name):
        return Daemon(self.binary, f"{self.base}/{name}")

    @contextmanager
    def fresh(self, name, size=64 * GIB, inodes=4_000_000):
        """The same on an ext4 that nobody has used yet, on a loop device; for others than root, a directory.

        ext4 takes minutes to use an inode again: what ran before would slow down what runs next.
        """
        mount = f"{self.base}/{name}"
        os.makedirs(mount)
        if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
            yield Bench(self.binary, mount, self.scale, self.say)
            return
        image = f"{mount}.image"
        with open(image, "wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-N", str(inodes), image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        try:
            # PostgreSQL runs as somebody else below it.
            os.chmod(mount, 0o755)
            yield Bench(self.binary, mount, self.scale, self.say)
        finally:
            subprocess.run(["umount", mount], check=True)
            os.unlink(image)


def percentile(values, share):
    """The nearest rank: with 400 values, p99 is the fifth largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(values):
    return [value * 1e3 for value in values]


def lone_drop(daemon, model, number):
    """One small pair; returns the seconds from the last rename until another connection than the daemon's sees its row."""
    name = f"{model}-{number}.bin"
    daemon.write_pair(daemon.staging, name, model, number, SMALL)
    begin = daemon.release(name)
    return daemon.wait_for_row(model, number) - begin


def fill(daemon, model, count, where=None, size=SMALL):
    """Pairs, written out, so that what is measured later is not the write-back of their making."""
    for number in range(count):
        daemon.write_pair(where or daemon.drop, f"{model}-{number}.bin", model, number, size)
    os.sync()


# --- 1 ---------------------------------------------------------------------------------------------------------------


def lone(bench):
    """lone drop of 64 KiB into an idle daemon"""
    with bench.daemon("lone") as daemon:
        for number in range(20):
            lone_drop(daemon, "warm-up", number)
        times = []
        for number in range(bench.scale.lone):
            time.sleep(0.03)
            times.append(lone_drop(daemon, "lone", number))
        times = milliseconds(times)
        remark = f"{len(times)} drops, last rename to row"
        yield Result("lone.median", "64 KiB alone: median", statistics.median(times), "ms", target=5, remark=remark)
        yield Result("lone.p90", "64 KiB alone: p90", percentile(times, 0.9), "ms")
        yield Result("lone.p99", "64 KiB alone: p99", percentile(times, 0.99), "ms", target=20)
        yield Result("lone.max", "64 KiB alone: worst", max(times), "ms")
        yield Result("lone.memory", "64 KiB alone: peak memory", daemon.peak_megabytes(), "MB", target=100)


def bytes_written(path):
    """What the disk below a path has written since the machine started; nothing where there is no single disk."""
    device = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat", encoding="ascii") as file:
            return int(file.read().split()[6]) * 512
    except OSError:
        return None


def wal_bytes(daemon):
    """How much write-ahead log PostgreSQL has written."""
    return daemon.psql.number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


# --- 2 ---------------------------------------------------------------------------------------------------------------


def per_second(samples, begin):
    """How many rows came in each second since `begin`, the last, shorter one as its rate."""
    rates, second, before = [], 1, 0.0
    last_time, last_rows = samples[-1][0] - begin, samples[-1][1]
    points = [(0.0, 0)] + [(max(0.0, moment - begin), rows) for moment, rows in samples]
    while second - 1 < last_time:
        edge = min(float(second), last_time)
        rows = next(
            (a[1] + (b[1] - a[1]) * (edge - a[0]) / (b[0] - a[0])
             for a, b in zip(points, points[1:]) if a[0] <= edge <= b[0] and b[0] > a[0]), last_rows)
        length = edge - (second - 1)
        if length > 0.2:
            rates.append(round((rows - before) / length))
        before = rows
        second += 1
    return rates


@dataclass
class BacklogRun:
    """What one start with a backlog showed."""

    since_ready: float
    since_start: float
    until_ready: float
    rates: list
    cpu: float
    group: float
    wal: float
    written: float | None
    memory: float

    @property
    def flatness(self):
        return min(self.rates) / statistics.median(self.rates)


def backlog_run(bench, name, count):
    """Fills a drop directory, starts the daemon, and watches the rows come."""
    with bench.daemon(name):
        # The first start makes the database; what is measured is a start like any other.
        pass
    daemon = bench.daemon(name)
    fill(daemon, "backlog", count)
    written = bytes_written(daemon.drop)
    with daemon:
        wal = wal_bytes(daemon)
        cpu = daemon.cpu_seconds()
        samples = daemon.wait_for_rows("backlog", count)
        end = samples[-1][0]
        return BacklogRun(
            since_ready=count / (end - daemon.ready), since_start=count / (end - daemon.started),
            until_ready=daemon.ready - daemon.started, rates=per_second(samples, daemon.ready),
            cpu=(daemon.cpu_seconds() - cpu) / count * 1e6,
            group=count / daemon.psql.number("SELECT count(DISTINCT registered_at) FROM registry.models"),
            wal=(wal_bytes(daemon) - wal) / count / 1000,
            written=None if written is None else (bytes_written(daemon.drop) - written) / count / 1000,
            memory=daemon.peak_megabytes())


def backlog(bench):
    """a backlog of 64 KiB files that waits at start-up"""
    runs = []
    for number in range(bench.scale.backlog_times):
        with bench.fresh(f"backlog-{number}") as place:
            runs.append(backlog_run(place, "daemon", bench.scale.backlog))
    runs.sort(key=lambda run: run.since_ready)
    run = runs[len(runs) // 2]
    title = f"{bench.scale.backlog:,} x 64 KiB"
    yield Result(
        "backlog.ready", f"{title}, from READY", run.since_ready, "files/s", "high", 4000,
        remark=f"median of {len(runs)}: " + " ".join(f"{run.since_ready:,.0f}" for run in runs))
    yield Result(
        "backlog.start", f"{title}, from process start", run.since_start, "files/s", "high",
        remark=f"READY after {run.until_ready:.2f} s, PostgreSQL's start included")
    yield Result(
        "backlog.flatness", "backlog: slowest second / median", run.flatness, "", "high",
        remark="each second: " + " ".join(map(str, run.rates)))
    yield Result("backlog.cpu", "backlog: CPU time of ingotd", run.cpu, "us/file")
    yield Result("backlog.group", "backlog: files in one transaction", run.group, "files", "high")
    if run.written is not None:
        yield Result(
            "backlog.written", "backlog: written to the disk", run.written, "kB/file",
            remark=f"the payloads were there before; PostgreSQL's log: {run.wal:.1f} kB; others' writes included")
    yield Result(
        "backlog.memory", "backlog: peak memory", max(run.memory for run in runs), "MB", target=100)


# --- 3 ---------------------------------------------------------------------------------------------------------------


def write_large(path, size, number):
    """Real bytes, different every time, on disk and in the page cache."""
    block = os.urandom(16 * MIB)
    with open(path, "wb") as file:
        file.write(number.to_bytes(8, "little"))
        written = 8
        while written < size:
            written += file.write(block[:size - written])
        file.flush()
        os.fsync(file.fileno())


def openssl_seconds(path):
    begin = time.perf_counter()
    subprocess.run(["openssl", "dgst", "-sha256", path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def large_file(bench, daemon, key, title, target):
    """One large file after the other: openssl just before, then the drop."""
    size = bench.scale.large
    ratios, rates, references = [], [], []
    for number in range(bench.scale.large_times):
        name = f"large-{number}.bin"
        path = f"{daemon.staging}/{name}"
        write_large(path, size, number)
        daemon.write_manifest(daemon.staging, name, "large", number)
        openssl_seconds(path)
        before = openssl_seconds(path)
        begin = daemon.release(name)
        seconds = daemon.wait_for_row("large", number, patience=300, pause=0.005) - begin
        stored = daemon.psql.query(f"SELECT file_path FROM registry.models WHERE model_version = '{number}'")[0][0]
        # Once more behind it, now from the store: a machine that others use is not equally fast all the time.
        openssl_seconds(stored)
        reference = (before + openssl_seconds(stored)) / 2
        ratios.append(reference / seconds)
        rates.append(size / seconds / 1e6)
        references.append(size / reference / 1e6)
        for twin in (stored, stored.removesuffix(".bin")):
            if os.path.exists(twin):
                os.unlink(twin)
    gib = f"{size / GIB:g} GiB"
    yield Result(
        f"{key}.ratio", f"{gib} {title}, against openssl dgst", statistics.median(ratios), "", "high", target,
        remark=f"median of {len(ratios)}: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    yield Result(
        f"{key}.rate", f"{gib} {title}: drop to row", statistics.median(rates), "MB/s", "high",
        reference=statistics.median(references), remark="reference: openssl dgst -sha256 FILE")
    yield Result(f"{key}.memory", f"{gib} {title}: peak memory", daemon.peak_megabytes(), "MB", target=100)


def large(bench):
    """one large file on the same file system, in the page cache"""
    with bench.daemon("large") as daemon:
        take = daemon.take_method()
        yield from large_file(bench, daemon, "large", f"in page cache ({take})", 0.8)


def clone(bench):
    """the same on XFS on a loop device, where files are cloned (as root; not in the default set)"""
    if os.geteuid() != 0 or not shutil.which("mkfs.xfs"):
        bench.say("clone: left out, needs root and mkfs.xfs")
        return
    image, mount = f"{bench.base}/xfs.image", f"{bench.base}/xfs"
    with open(image, "wb") as file:
        file.truncate(2 * bench.scale.large + 4 * GIB)
    subprocess.run(["mkfs.xfs", "-q", image], check=True)
    os.makedirs(mount)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        with Daemon(bench.binary, f"{mount}/clone") as daemon:
            take = daemon.take_method()
            yield from large_file(bench, daemon, "clone", f"on XFS ({take})", None)
    finally:
        subprocess.run(["umount", mount], check=True)
        os.unlink(image)


# --- 4 ---------------------------------------------------------------------------------------------------------------


def make_sparse(daemon, name, model, size):
    with open(f"{daemon.staging}/{name}", "wb") as file:
        file.truncate(size)
    daemon.write_manifest(daemon.staging, name, model, 1)


def sparse(bench):
    """memory while a sparse file of 100 GB is hashed, for a bounded time"""
    with bench.daemon("sparse") as daemon:
        make_sparse(daemon, "sparse.bin", "sparse", bench.scale.sparse)
        daemon.release("sparse.bin")
        end = time.monotonic() + bench.scale.sparse_seconds
        while time.monotonic() < end and not daemon.has_row("sparse", 1):
            time.sleep(0.5)
        yield Result(
            "sparse.memory", f"{bench.scale.sparse / 1e9:g} GB sparse: peak memory", daemon.peak_megabytes(), "MB",
            target=100, remark=f"hashed for {bench.scale.sparse_seconds:g} s, then stopped")
        begin = time.perf_counter()
        process = daemon.process
        process.send_signal(signal.SIGINT)
        process.wait(60)
        yield Result(
            "sparse.stop", "stop in the middle of it", time.perf_counter() - begin, "s",
            remark="PostgreSQL's stop included")


def waiting(bench):
    """memory with many drops that wait for their other half"""
    count = bench.scale.waiting
    daemon = bench.daemon("waiting")
    for number in range(count // 2):
        with open(f"{daemon.drop}/payload-{number}.bin", "wb") as file:
            file.write(b"x")
        daemon.write_manifest(daemon.drop, f"manifest-{number}.bin", "waiting", number)
    begin = time.perf_counter()
    with daemon:
        # Everybody has been told what is missing.
        daemon.wait_for_receipts(count // 2 * 2, 900)
        seconds = time.perf_counter() - begin
        yield Result(
            "waiting.memory", f"{count:,} drops that wait: peak memory", daemon.peak_megabytes(), "MB", target=100,
            remark="half of them payloads without a manifest, half manifests without a payload")
        yield Result(
            "waiting.told", f"{count:,} drops that wait: all told", seconds, "s",
            remark="from process start to the last receipt; told 10 s after the last change at the earliest")
        times = milliseconds(lone_drop(daemon, "among", number) for number in range(bench.scale.lone // 4))
        yield Result(
            "waiting.median", f"64 KiB among {count:,} that wait: median", statistics.median(times), "ms",
            remark=f"{len(times)} drops")
        yield Result("waiting.p99", f"64 KiB among {count:,} that wait: p99", percentile(times, 0.99), "ms")


# --- 5 ---------------------------------------------------------------------------------------------------------------


def giant(bench):
    """small drops while a giant file is hashed"""
    size = bench.scale.giant
    with bench.daemon("giant") as daemon:
        for number in range(10):
            lone_drop(daemon, "warm-up", number)
        make_sparse(daemon, "giant.bin", "giant", size)
        reference = f"{daemon.directory}/reference"
        with open(reference, "wb") as file:
            file.truncate(GIB)
        reference_rate = GIB / openssl_seconds(reference) / 1e6
        begin = daemon.release("giant.bin")
        end = None
        times = []
        while end is None:
            for number in range(len(times), len(times) + 10):
                times.append(lone_drop(daemon, "beside", number))
                time.sleep(0.01)
            if daemon.has_row("giant", 1):
                end = time.perf_counter()
            elif time.perf_counter() - begin > 600:
                raise BenchmarkError(f"the giant has no row: {daemon.log_tail()}")
        # The last ten may have come after it.
        times = milliseconds(times[:-10] or times)
        gib = f"{size / GIB:g} GiB"
        yield Result(
            "giant.median", f"64 KiB beside {gib}: median", statistics.median(times), "ms",
            remark=f"{len(times)} drops while a sparse file was hashed")
        yield Result("giant.p99", f"64 KiB beside {gib}: p99", percentile(times, 0.99), "ms", target=50)
        yield Result("giant.max", f"64 KiB beside {gib}: worst", max(times), "ms")
        yield Result(
            "giant.rate", f"{gib} sparse meanwhile", size / (end - begin) / 1e6, "MB/s", "high",
            reference=reference_rate, remark="reference: openssl alone on 1 GiB of holes (the kernel fills them)")
        yield Result("giant.memory", f"{gib} sparse, whole: peak memory", daemon.peak_megabytes(), "MB", target=100)


# --- 6 ---------------------------------------------------------------------------------------------------------------


def lane_nanoseconds(lane):
    """What a thread has spent on a processor."""
    with open(f"{lane}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def rescan_seconds(daemon, lane):
    """SIGHUP lists everything anew. Returns the surveying thread's CPU time, and the time until it rests again."""
    before = lane_nanoseconds(lane)
    begin = last_change = time.perf_counter()
    daemon.process.send_signal(signal.SIGHUP)
    spent = before
    while time.perf_counter() - last_change < 0.5:
        time.sleep(0.01)
        now = lane_nanoseconds(lane)
        # Anything less is a look at the clock.
        if now - spent > 200_000:
            spent, last_change = now, time.perf_counter()
    return (spent - before) / 1e9, last_change - begin


def idle(bench):
    """an idle daemon with a full drop directory"""
    count = bench.scale.idle_entries
    daemon = bench.daemon("idle")
    for number in range(count):
        with open(f"{daemon.drop}/payload-{number}.bin", "wb") as file:
            file.write(b"x")
    with daemon:
        daemon.wait_for_receipts(count, 600)
        # A listing of the start may still be under way.
        time.sleep(2)
        cpu = daemon.cpu_seconds()
        time.sleep(bench.scale.idle_seconds)
        cpu = daemon.cpu_seconds() - cpu
        yield Result(
            "idle.cpu", f"idle, {count:,} entries: CPU time", cpu / bench.scale.idle_seconds * 60, "s/min",
            remark=f"of ingotd over {bench.scale.idle_seconds:g} s, with what listings fell into it (one a minute)")
        lane = daemon.lane("survey")
        rescans = [rescan_seconds(daemon, lane) for _ in range(bench.scale.rescans)]
        yield Result(
            "idle.rescan", f"rescan of {count:,} entries", statistics.median(wall for _, wall in rescans) * 1e3, "ms",
            target=150,
            remark=f"CPU time {statistics.median(cpu for cpu, _ in rescans) * 1e3:.0f} ms, median of {len(rescans)}")
        yield Result("idle.memory", f"idle, {count:,} entries: peak memory", daemon.peak_megabytes(), "MB", target=100)


# --- Calls -----------------------------------------------------------------------------------------------------------


class Counter:
    """perf-stat(1) on a process: counts without slowing it down, so that groups form as they do."""

    EVENTS = {
        "raw_syscalls:sys_enter": "calls", "syscalls:sys_enter_fsync": "fsync",
        "syscalls:sys_enter_fdatasync": "fdatasync", "syscalls:sys_enter_syncfs": "syncfs",
    }

    def __init__(self, pid):
        self.process = subprocess.Popen(
            ["perf", "stat", "-x,", "-e", ",".join(self.EVENTS), "-p", str(pid)], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        # perf says nothing when it has attached.
        time.sleep(1)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, text = self.process.communicate(timeout=20)
        counts = {}
        for line in text.splitlines():
            fields = line.split(",")
            if len(fields) > 2 and fields[2] in self.EVENTS and fields[0].isdigit():
                counts[self.EVENTS[fields[2]]] = int(fields[0])
        return counts


def calls(bench):
    """system calls and syncs for each submission, counted by perf (not in the default set)"""
    if not shutil.which("perf"):
        bench.say("calls: left out, needs perf")
        return
    count = bench.scale.traced
    with bench.daemon("calls") as daemon:
        fill(daemon, "many", count, where=daemon.staging)
        lone_drop(daemon, "warm-up", 0)
        counter = Counter(daemon.pid)
        for number in range(count):
            daemon.release(f"many-{number}.bin")
        daemon.wait_for_rows("many", count)
        time.sleep(0.5)
        many = counter.stop()
        if "calls" not in many:
            bench.say("calls: left out, perf cannot count system calls here")
            return
        groups = daemon.psql.number(
            "SELECT count(DISTINCT registered_at) FROM registry.models WHERE model_id = 'many'")
        counter = Counter(daemon.pid)
        for number in range(100):
            lone_drop(daemon, "single", number)
        single = counter.stop()
        for key, title, counts, submissions in (
                ("many", f"{count:,} at once", many, count), ("single", "one after the other", single, 100)):
            yield Result(f"calls.{key}", f"system calls a submission, {title}", counts["calls"] / submissions, "calls")
            names = ("fsync", "fdatasync", "syncfs")
            yield Result(
                f"calls.{key}.syncs", f"syncs a submission, {title}",
                sum(counts.get(name, 0) for name in names) / submissions, "syncs",
                remark=", ".join(f"{counts.get(name, 0)} {name}" for name in names)
                + (f", {groups:.0f} transactions" if key == "many" else ""))
