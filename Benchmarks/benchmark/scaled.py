"""What many files, many directories, many rows and several giants at once cost."""

import os
import shutil
import statistics
import subprocess
import time

from .daemon import BenchmarkError
from .measurements import (
    GIB, MIB, Result, backlog_run, bytes_written, fill, lone_drop, milliseconds, percentile, write_large)


def draining(bench):
    """lone drops while a backlog drains"""
    count = bench.scale.draining
    with bench.fresh("draining") as place:
        daemon = place.daemon("daemon")
        with daemon:
            fill(daemon, "many", count, where=daemon.staging)
            for number in range(count):
                daemon.release(f"many-{number}.bin")
            times = []
            while daemon.count_rows("many") < count:
                times.append(lone_drop(daemon, "beside", len(times)))
            times = milliseconds(times)
            yield Result(
                "draining.median", f"64 KiB while {count:,} drain: median", statistics.median(times), "ms",
                remark=f"{len(times)} drops, one after the other")
            yield Result(
                "draining.p99", f"64 KiB while {count:,} drain: p99", percentile(times, 0.99), "ms", target=1000)
            yield Result(
                "draining.memory", f"64 KiB while {count:,} drain: peak memory", daemon.peak_megabytes(), "MB",
                target=100)


def in_parallel(commands):
    """Seconds that commands take, two at a time."""
    begin = time.perf_counter()
    running = []
    for command in commands:
        if len(running) == 2:
            running.pop(0).wait()
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    for process in running:
        if process.wait() != 0:
            raise BenchmarkError(f"{process.args[0]} failed")
    return time.perf_counter() - begin


def drop_large(daemon, model, count):
    """Drops what lies in staging; returns the seconds until all have rows."""
    begin = time.perf_counter()
    for number in range(count):
        daemon.release(f"{model}-{number}.bin")
    return daemon.wait_for_rows(model, count, patience=900)[-1][0] - begin


def make_large(daemon, model, count, size):
    for number in range(count):
        write_large(f"{daemon.staging}/{model}-{number}.bin", size, number)
        daemon.write_manifest(daemon.staging, f"{model}-{number}.bin", model, number)


def together(bench):
    """several large files at once on the same file system, in the page cache"""
    count, size = bench.scale.together, bench.scale.large
    with bench.daemon("together") as daemon:
        make_large(daemon, "together", count, size)
        paths = [f"{daemon.staging}/together-{number}.bin" for number in range(count)]
        commands = [["openssl", "dgst", "-sha256", path] for path in paths]
        in_parallel(commands)
        reference = in_parallel(commands)
        before = bytes_written(daemon.drop)
        seconds = drop_large(daemon, "together", count)
        written = None if before is None else bytes_written(daemon.drop) - before
        gib = f"{count} x {size / GIB:g} GiB"
        yield Result(
            "together.ratio", f"{gib} ({daemon.take_method()}), against two openssl dgst", reference / seconds, "", "high",
            0.9, remark=f"{count * size / seconds / 1e6:,.0f} MB/s")
        if written is not None:
            yield Result(
                "together.written", f"{gib}: written to the disk", written / 1e6, "MB",
                remark="by everybody on this disk; the files were on it before")
        yield Result("together.memory", f"{gib}: peak memory", daemon.peak_megabytes(), "MB", target=100)


def copying(bench):
    """several large files from another file system, against cp and sync"""
    count, size = bench.scale.together, bench.scale.large
    room = (2 * count + 1) * size + 4 * GIB
    if os.geteuid() != 0 or shutil.disk_usage(bench.base).free < room + count * size:
        bench.say("copying: left out, needs root and room for three copies")
        return
    with bench.fresh("other", size=room) as other:
        daemon = bench.daemon("copying")
        with daemon:
            pass
        drop = f"{other.base}/drop"
        os.makedirs(drop)
        configuration = f"{daemon.directory}/ingot.yaml"
        with open(configuration, encoding="utf-8") as file:
            text = file.read().replace(f'"{daemon.drop}"', f'"{drop}"')
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(text)
        daemon.drop, daemon.staging = drop, f"{other.base}/staging"
        os.makedirs(daemon.staging)
        with daemon:
            make_large(daemon, "copying", count, size)
            target = f"{daemon.directory}/copies"
            os.makedirs(target)
            paths = [f"{daemon.staging}/copying-{number}.bin" for number in range(count)]
            begin = time.perf_counter()
            subprocess.run(["cp", *paths, target], check=True)
            subprocess.run(["sync", "-f", target], check=True)
            reference = time.perf_counter() - begin
            shutil.rmtree(target)
            seconds = drop_large(daemon, "copying", count)
            gib = f"{count} x {size / GIB:g} GiB"
            yield Result(
                "copying.ratio", f"{gib} from another file system ({daemon.take_method()}), against cp and sync",
                reference / seconds, "", "high", 0.95, remark=f"{count * size / seconds / 1e6:,.0f} MB/s")
            yield Result("copying.memory", f"{gib} copied: peak memory", daemon.peak_megabytes(), "MB", target=100)


# --- Many ------------------------------------------------------------------------------------------------------------

# As many rows as a registry has after a year, with the shapes of real ones.
ROWS = """
INSERT INTO registry.blobs (sha256, store_id, size_bytes, stored_at)
    SELECT encode(sha256(number::text::bytea), 'hex'), (SELECT store_id FROM registry.stores), 65536, now()
    FROM generate_series(1, {count}) AS number;
INSERT INTO registry.models (model_id, model_version, creation_timestamp, training_parameters, evaluation_metrics,
    file_path, sha256, size_bytes, manifest, manifest_sha256, store_id, submission_id, registered_at, source_name, submitted_uid, drop_path,
    host, proof, seq)
    SELECT 'old-' || number % 1000, number::text, now(), '{{"epochs": 30}}', '{{"auc": 0.9}}',
        '/store/' || number, encode(sha256(number::text::bytea), 'hex'), 65536, '{{}}',
        encode(sha256('{{}}'), 'hex'),
        (SELECT store_id FROM registry.stores), gen_random_uuid(), now(), 'old.bin', 0, '/drop', 'here', 'lease',
        nextval('registry.models_seq')
    FROM generate_series(1, {count}) AS number;
INSERT INTO registry.submissions (submission_id, outcome, model_id, model_version, sha256, recorded_at, source_name, drop_path,
    host)
    SELECT submission_id, 'registered', model_id, model_version, sha256, registered_at, source_name, drop_path, host
    FROM registry.models;
ANALYZE;
"""


def make_blobs(store, count):
    """Empty files under the names of blobs: what costs is the directories."""
    program = (
        "import hashlib, os, sys\n"
        "for number in range(1, int(sys.argv[2]) + 1):\n"
        "    name = hashlib.sha256(str(number).encode()).hexdigest()\n"
        "    os.close(os.open(f'{sys.argv[1]}/sha256/{name[:2]}/{name}', os.O_CREAT | os.O_WRONLY, 0o440))\n")
    subprocess.run(["python3", "-c", program, store, str(count)], check=True)
    os.sync()


def rows(bench):
    """the backlog with a full registry and a full store, and the start with nothing to do"""
    count, backlog = bench.scale.rows, bench.scale.backlog
    with bench.fresh("empty") as place:
        empty = backlog_run(place, "daemon", backlog).since_ready
    with bench.fresh("full", inodes=count + 4_000_000) as place:
        daemon = place.daemon("daemon")
        with daemon:
            made = subprocess.run(
                [f"{daemon.directory}/psql", "-Xqv", "ON_ERROR_STOP=1", "-c", ROWS.format(count=count)],
                capture_output=True, text=True, check=False)
            if made.returncode != 0:
                raise BenchmarkError(made.stderr.strip())
            make_blobs(f"{daemon.directory}/store", count)
        with daemon:
            started = daemon.ready - daemon.started
        full = backlog_run(place, "daemon", backlog).since_ready
    title = f"{count:,} rows and blobs in place"
    yield Result(
        "rows.ratio", f"{title}: backlog of {backlog:,} against an empty one", full / empty, "", "high", 0.9,
        remark=f"{full:,.0f} against {empty:,.0f} files/s")
    yield Result(
        "rows.start", f"{title}: start with an empty drop directory", started, "s", target=1,
        remark="to READY, PostgreSQL's start included")


def directories(bench):
    """many watched directories, and many files that nobody has finished"""
    count = bench.scale.directories
    with bench.fresh("directories") as place:
        daemon = place.daemon("daemon")
        for number in range(count):
            os.makedirs(f"{daemon.drop}/{number // 200}/{number % 200}")
        with daemon:
            yield Result(
                "directories.start", f"{count:,} watched directories: READY after", daemon.ready - daemon.started, "s",
                remark="PostgreSQL's start included")
            time.sleep(2)
            yield Result(
                "directories.memory", f"{count:,} watched directories: peak memory", daemon.peak_megabytes(), "MB",
                target=150)
    count = bench.scale.untouched
    with bench.fresh("untouched", inodes=2 * count + 1_000_000) as place:
        daemon = place.daemon("daemon")
        for number in range(count):
            os.close(os.open(f"{daemon.drop}/payload-{number}.bin", os.O_CREAT | os.O_WRONLY, 0o644))
        with daemon:
            yield Result(
                "untouched.start", f"{count:,} waiting files: READY after", daemon.ready - daemon.started, "s",
                remark="PostgreSQL's start included")
            lane = daemon.lane("survey")
            before, rest = -1, 0
            while rest < 3:
                time.sleep(1)
                with open(f"{lane}/schedstat", encoding="ascii") as file:
                    spent = int(file.read().split()[0])
                rest = rest + 1 if spent - before < 100_000_000 else 0
                before = spent
            times = milliseconds(lone_drop(daemon, "among", number) for number in range(bench.scale.lone // 10))
            yield Result(
                "untouched.median", f"64 KiB among {count:,} waiting files: median", statistics.median(times), "ms")
            yield Result(
                "untouched.memory", f"{count:,} waiting files: peak memory", daemon.peak_megabytes(), "MB", target=150)


# --- The look inside -------------------------------------------------------------------------------------------------


def worker_seconds(daemon):
    """CPU time of the processes that look inside files."""
    total = 0.0
    children = subprocess.run(["pgrep", "-P", str(daemon.pid)], capture_output=True, text=True, check=False).stdout
    for child in children.split():
        with open(f"/proc/{child}/cmdline", "rb") as file:
            if b"inspect-worker" not in file.read():
                continue
        with open(f"/proc/{child}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def write_joblib(path, size):
    """What joblib.dump writes of one array of float64: a pickle with the array's bytes behind its wrapper."""
    count = size // 8
    wrapper = (
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x13joblib.numpy_pickle\x94\x8c\x11NumpyArrayWrapper\x94\x93\x94)\x81\x94}\x94("
        b"\x8c\x08subclass\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94\x8c\x05shape\x94J"
        + count.to_bytes(4, "little")
        + b"\x85\x94\x8c\x05order\x94\x8c\x01C\x94\x8c\x05dtype\x94h\x06\x8c\x05dtype\x94\x93\x94\x8c\x02f8\x94\x89\x88\x87\x94R\x94(K\x03"
        b"\x8c\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94b\x8c\x0aallow_mmap\x94\x89ub")
    wrapper = wrapper[:3] + (len(wrapper) - 11).to_bytes(8, "little") + wrapper[11:]
    block = os.urandom(16 * MIB)
    with open(path, "wb") as file:
        file.write(wrapper)
        written = 0
        while written < count * 8:
            written += file.write(block[:count * 8 - written])
        file.write(b".")


def inspecting(bench):
    """what the look inside costs, against hashing the same file"""
    size = min(bench.scale.large, GIB)
    with bench.daemon("inspecting") as daemon:
        write_joblib(f"{daemon.staging}/array.joblib", size)
        daemon.write_manifest(daemon.staging, "array.joblib", "array", 1)
        lone_drop(daemon, "warm-up", 0)
        before, hashing = worker_seconds(daemon), daemon.cpu_seconds()
        daemon.release("array.joblib")
        daemon.wait_for_row("array", 1, patience=300, pause=0.01)
        looking, hashing = worker_seconds(daemon) - before, daemon.cpu_seconds() - hashing
        verdict = daemon.psql.query("SELECT format, safety FROM registry.models WHERE model_id = 'array'")[0]
        yield Result(
            "inspecting.ratio", f"a joblib file of {size / GIB:g} GiB: CPU of the look inside, against taking it",
            looking / hashing, "", "low", 0.1, remark=f"{looking * 1e3:.0f} of {hashing * 1e3:.0f} ms; {' '.join(verdict)}")

