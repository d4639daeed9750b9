"""What is measured. Each measurement starts a daemon of its own in a directory of its own, and yields results."""

import os
import signal
import statistics
import shutil
import subprocess
import time

from .bench import (
    GIB, Result, Skipped, backlog_run, fill, lone_drop, memory, milliseconds, openssl_seconds, percentile,
    write_large)
from .daemon import BenchmarkError, kilobytes


# --- 1 ---------------------------------------------------------------------------------------------------------------


def lone(bench):
    """lone drop of 64 KiB into an idle daemon"""
    with bench.fresh("lone") as place, place.daemon("daemon") as daemon:
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
        yield from memory(daemon, "lone", "64 KiB alone")


# --- 2 ---------------------------------------------------------------------------------------------------------------


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
        "backlog.ready", f"{title}, from READY", run.since_ready, "files/s", "high",
        remark=f"median of {len(runs)}: " + " ".join(f"{run.since_ready:,.0f}" for run in runs))
    yield Result(
        "backlog.start", f"{title}, from process start", run.since_start, "files/s", "high",
        remark=f"READY after {run.until_ready:.2f} s, PostgreSQL's start included")
    if run.is_long:
        yield Result(
            "backlog.flatness", "backlog: slowest tenth / mean", run.flatness, "", "high",
            remark="files/s in each tenth: " + " ".join(f"{rate:.0f}" for rate in run.tenths))
    yield Result("backlog.cpu", "backlog: CPU time of ingotd", run.cpu, "us/file")
    yield Result("backlog.group", "backlog: files in one transaction", run.group, "files", "high")
    if run.written is not None:
        yield Result(
            "backlog.written", "backlog: written to the disk", run.written, "kB/file",
            remark=f"the payloads were there before; PostgreSQL's log: {run.wal:.1f} kB" +
            ("; others' writes included" if bench.in_place else ""))
    yield from run.memory


# --- 3 ---------------------------------------------------------------------------------------------------------------


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
    yield from memory(daemon, key, f"{gib} {title}")


def large(bench):
    """one large file after the other, in the page cache (not in the default set)"""
    with bench.fresh("large", need=2 * bench.scale.large) as place, place.daemon("daemon") as daemon:
        take = daemon.take_method()
        yield from large_file(bench, daemon, "large", f"in page cache ({take})", 0.9)


# --- 4 ---------------------------------------------------------------------------------------------------------------


def make_sparse(daemon, name, model, size):
    with open(f"{daemon.staging}/{name}", "wb") as file:
        file.truncate(size)
    daemon.write_manifest(daemon.staging, name, model, 1)


def sparse(bench):
    """memory while a sparse file of 100 GB is hashed, for a bounded time"""
    with bench.fresh("sparse") as place, place.daemon("daemon") as daemon:
        make_sparse(daemon, "sparse.bin", "sparse", bench.scale.sparse)
        daemon.release("sparse.bin")
        end = time.monotonic() + bench.scale.sparse_seconds
        while time.monotonic() < end and not daemon.has_row("sparse", 1):
            time.sleep(0.5)
        yield from memory(daemon, "sparse", f"{bench.scale.sparse / 1e9:g} GB sparse")
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
    with bench.fresh("waiting") as place:
        daemon = place.daemon("daemon")
        for number in range(count // 2):
            with open(f"{daemon.drop}/payload-{number}.bin", "wb") as file:
                file.write(b"x")
            daemon.write_manifest(daemon.drop, f"manifest-{number}.bin", "waiting", number)
        begin = time.perf_counter()
        with daemon:
            # Everybody has been told what is missing.
            daemon.wait_for_receipts(count // 2 * 2, 900)
            seconds = time.perf_counter() - begin
            title = f"{count:,} drops that wait"
            yield Result(
                "waiting.told", f"{title}: all told", seconds, "s",
                remark="payloads and manifests, half each; from process start to the last receipt; told 10 s after the last "
                "change at the earliest")
            times = milliseconds(lone_drop(daemon, "among", number) for number in range(bench.scale.lone // 4))
            yield Result(
                "waiting.median", f"64 KiB among {count:,} that wait: median", statistics.median(times), "ms",
                remark=f"{len(times)} drops")
            yield Result("waiting.p99", f"64 KiB among {count:,} that wait: p99", percentile(times, 0.99), "ms")
            yield from memory(daemon, "waiting", title)


# --- 5 ---------------------------------------------------------------------------------------------------------------


def giant(bench):
    """small drops while a giant file is hashed"""
    size = bench.scale.giant
    with bench.fresh("giant") as place, place.daemon("daemon") as daemon:
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
        yield Result("giant.p99", f"64 KiB beside {gib}: p99", percentile(times, 0.99), "ms", target=1000)
        yield Result("giant.max", f"64 KiB beside {gib}: worst", max(times), "ms")
        yield Result(
            "giant.rate", f"{gib} sparse meanwhile", size / (end - begin) / 1e6, "MB/s", "high",
            reference=reference_rate, remark="reference: openssl alone on 1 GiB of holes (the kernel fills them)")
        yield from memory(daemon, "giant", f"{gib} sparse, whole")


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


# A listing is what keeps the surveying thread on a processor for longer than this, in nanoseconds.
LISTING = 5_000_000


def activity(daemon):
    """Nanoseconds on a processor, and how often it was woken, of each thread of the daemon and of its workers."""
    found = {}
    for pid in (daemon.pid, *daemon.workers()):
        for thread in os.listdir(f"/proc/{pid}/task"):
            path = f"/proc/{pid}/task/{thread}"
            try:
                with open(f"{path}/comm", encoding="utf-8") as file:
                    name = file.read().strip() if pid == daemon.pid else "inspect-worker"
                found[thread] = (name, lane_nanoseconds(path), kilobytes(f"{path}/status", "voluntary_ctxt_switches"))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def quiet_seconds(daemon, seconds):
    """Watches an idle daemon second by second.

    Returns for the seconds without a rescan how many there were, their CPU time, and the wake-ups of each kind of thread.
    """
    count, spent, wakes = 0, 0, {}
    before = activity(daemon)
    for _ in range(max(1, round(seconds))):
        time.sleep(1)
        now = activity(daemon)
        changes = [
            (name, nanoseconds - before[thread][1], woken - before[thread][2])
            for thread, (name, nanoseconds, woken) in now.items() if thread in before]
        before = now
        if any(name == "survey" and nanoseconds > LISTING for name, nanoseconds, _ in changes):
            continue
        count += 1
        spent += sum(nanoseconds for _, nanoseconds, _ in changes)
        for name, _, woken in changes:
            wakes[name] = wakes.get(name, 0) + woken
    if not count:
        raise BenchmarkError(f"the daemon was not idle for one of {seconds:g} s")
    return count, spent / 1e9, wakes


def idle(bench):
    """an idle daemon with a full drop directory"""
    count = bench.scale.idle_entries
    with bench.fresh("idle") as place:
        daemon = place.daemon("daemon")
        for number in range(count):
            with open(f"{daemon.drop}/payload-{number}.bin", "wb") as file:
                file.write(b"x")
        with daemon:
            daemon.wait_for_receipts(count, 600)
            # A listing of the start may still be under way.
            time.sleep(2)
            title = f"idle, {count:,} entries"
            cpu = daemon.cpu_seconds()
            seconds, spent, wakes = quiet_seconds(daemon, bench.scale.idle_seconds)
            cpu = daemon.cpu_seconds() - cpu
            yield Result(
                "idle.quiet", f"{title}: CPU between rescans", spent / seconds * 100, "%", target=0.1,
                remark=f"of one core, workers included, over {seconds} s")
            yield Result(
                "idle.wakes", f"{title}: wake-ups between rescans", sum(wakes.values()) / seconds, "/s",
                remark="a minute: " + (", ".join(
                    f"{name} {number / seconds * 60:.0f}" for name, number in sorted(wakes.items()) if number) or "none"))
            yield Result(
                "idle.cpu", f"{title}: CPU, rescans included", cpu / bench.scale.idle_seconds * 60, "s/min",
                remark=f"of ingotd over {bench.scale.idle_seconds:g} s, with what rescans fell into it (one a minute)")
            lane = daemon.lane("survey")
            rescans = [rescan_seconds(daemon, lane) for _ in range(bench.scale.rescans)]
            yield Result(
                "idle.rescan", f"rescan of {count:,} entries", statistics.median(wall for _, wall in rescans) * 1e3, "ms",
                target=150,
                remark=f"CPU time {statistics.median(cpu for cpu, _ in rescans) * 1e3:.0f} ms, median of {len(rescans)}")
            yield from memory(daemon, "idle", title)


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
        raise Skipped("needs perf")
    count = bench.scale.traced
    with bench.fresh("calls") as place, place.daemon("daemon") as daemon:
        fill(daemon, "many", count, where=daemon.staging)
        lone_drop(daemon, "warm-up", 0)
        counter = Counter(daemon.pid)
        for number in range(count):
            daemon.release(f"many-{number}.bin")
        daemon.wait_for_rows("many", count)
        time.sleep(0.5)
        many = counter.stop()
        if "calls" not in many:
            raise Skipped("perf cannot count system calls here")
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
