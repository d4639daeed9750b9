"""What many files, many directories, many rows and several giants at once cost."""

import json
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import replace

from .bench import (
    GIB, MIB, Result, Skipped, backlog_run, bytes_written, drops_beside, fill, lone_drop, memory, milliseconds, percentile,
    write_large)
from .daemon import BenchmarkError, kilobytes


def draining(bench):
    """lone drops while a backlog drains"""
    count = bench.scale.draining
    with bench.fresh("draining") as place:
        daemon = place.daemon("daemon")
        with daemon:
            fill(daemon, "many", count, where=daemon.staging)
            for number in range(count):
                daemon.release(f"many-{number}.bin")
            times = milliseconds(
                drops_beside(daemon, "beside", 0.01, lambda: daemon.count_rows("many") >= count))
            yield Result(
                "draining.median", f"64 KiB while {count:,} drain: median", statistics.median(times), "ms",
                remark=f"{len(times)} drops, one every 10 ms")
            yield Result(
                "draining.p99", f"64 KiB while {count:,} drain: p99", percentile(times, 0.99), "ms", target=1000)
            yield from memory(daemon, "draining", f"64 KiB while {count:,} drain")


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


def together_on(bench, key, kind):
    """Large files at once, against two of openssl at a time, on a fresh file system of one kind."""
    count, size = bench.scale.together, bench.scale.large
    with bench.fresh(key, kind=kind, need=count * size + GIB) as place, place.daemon("daemon") as daemon:
        make_large(daemon, key, count, size)
        staged = [["openssl", "dgst", "-sha256", f"{daemon.staging}/{key}-{number}.bin"] for number in range(count)]
        # The first brings into the page cache what writing did not leave there.
        in_parallel(staged)
        reference = in_parallel(staged)
        before = bytes_written(daemon.drop)
        seconds = drop_large(daemon, key, count)
        written = None if before is None else bytes_written(daemon.drop) - before
        # Once more behind it: a machine that others use is not equally fast all the time. A clone has nothing in the cache.
        take = daemon.take_method()
        if take != "clone":
            stored = daemon.psql.query(f"SELECT file_path FROM registry.models WHERE model_id = '{key}'")
            reference = (reference + in_parallel([["openssl", "dgst", "-sha256", path] for path, in stored])) / 2
        title = f"{count} x {size / GIB:g} GiB, {'XFS' if kind == 'xfs' else 'same file system'} ({take})"
        yield Result(
            f"{key}.ratio", f"{title}, against two openssl dgst", reference / seconds, "", "high", 0.9,
            remark=f"{count * size / seconds / 1e6:,.0f} MB/s against {count * size / reference / 1e6:,.0f}")
        if written is not None:
            yield Result(
                f"{key}.written", f"{title}: written to the disk", written / (count * size) * 100, "%",
                target=None if bench.in_place else 1,
                remark=f"of the payload: {written / 1e3:,.0f} kB, PostgreSQL's included" +
                (", and those of everybody on this disk" if bench.in_place else ""))
        yield from memory(daemon, key, title)


def together(bench):
    """several large files at once on the same file system, in the page cache"""
    yield from together_on(bench, "together", "ext4")


def clone(bench):
    """the same on XFS, where files are cloned"""
    if not bench.can_mount("xfs") or bench.in_place:
        raise Skipped("needs root, mkfs.xfs, leave to mount, and no --in-place")
    yield from together_on(bench, "clone", "xfs")


def drop_elsewhere(daemon, base):
    """Gives a daemon a drop directory on another file system than its store's."""
    drop = f"{base}/drop"
    os.makedirs(drop)
    configuration = f"{daemon.directory}/ingot.yaml"
    with open(configuration, encoding="utf-8") as file:
        text = file.read().replace(f'"{daemon.drop}"', f'"{drop}"')
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(text)
    daemon.drop, daemon.staging = drop, f"{base}/staging"
    os.makedirs(daemon.staging)


def copy_seconds(paths, target):
    """What cp and sync take; the copies are gone afterwards."""
    os.makedirs(target)
    begin = time.perf_counter()
    subprocess.run(["cp", *paths, target], check=True)
    subprocess.run(["sync", "-f", target], check=True)
    seconds = time.perf_counter() - begin
    shutil.rmtree(target)
    # The image gives back its room, so that the next copy finds what the first one found.
    subprocess.run(["fstrim", os.path.dirname(target)], capture_output=True, check=False)
    return seconds


def copying(bench):
    """several large files from another file system, against cp and sync"""
    if not bench.can_mount():
        raise Skipped("needs root and leave to mount a second file system")
    count, size = bench.scale.together, bench.scale.large
    elsewhere = replace(bench, in_place=False)
    with elsewhere.fresh("drops", need=2 * count * size + 2 * GIB) as other, bench.fresh("store", need=0) as place:
        daemon = place.daemon("daemon")
        with daemon:
            pass
        drop_elsewhere(daemon, other.base)
        with daemon:
            make_large(daemon, "copying", count, size)
            sources = [f"{daemon.staging}/copying-{number}.bin" for number in range(count)]
            # Twice: a disk that others use is not equally fast all the time. Afterwards the sources are gone.
            copies = [copy_seconds(sources, f"{place.base}/copies") for _ in range(2)]
            reference = statistics.mean(copies)
            seconds = drop_large(daemon, "copying", count)
            title = f"{count} x {size / GIB:g} GiB from another file system ({daemon.take_method()})"
            yield Result(
                "copying.ratio", f"{title}, against cp and sync", reference / seconds, "", "high", 0.95,
                remark=f"{count * size / seconds / 1e6:,.0f} MB/s against "
                + " and ".join(f"{count * size / copy / 1e6:,.0f}" for copy in copies))
            yield from memory(daemon, "copying", title)


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
    title = f"{count:,} rows and blobs in place"
    empty, full = [], []
    with bench.fresh("full", inodes=count + 4_000_000, need=10 * GIB) as place:
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
        # In turn, because what else a machine does changes by the minute.
        for number in range(bench.scale.rows_times):
            with bench.fresh(f"empty-{number}") as other:
                empty.append(backlog_run(other, "daemon", backlog))
            full.append(backlog_run(place, "daemon", backlog, "rows", title, model=f"backlog-{number}"))
    ratios = [run.since_ready / before.since_ready for run, before in zip(full, empty)]
    yield Result(
        "rows.ratio", f"{title}: backlog of {backlog:,} against an empty one", statistics.median(ratios), "", "high", 0.9,
        remark="files/s: " + ", ".join(
            f"{run.since_ready:,.0f} against {before.since_ready:,.0f}" for run, before in zip(full, empty)))
    yield Result(
        "rows.start", f"{title}: start with an empty drop directory", started, "s", target=1,
        remark=f"to READY, PostgreSQL's start included; {empty[-1].until_ready:.2f} s with an empty registry and a backlog")
    yield from full[-1].memory


def wait_until_rested(daemon):
    """The surveying thread has listed everything."""
    lane = daemon.lane("survey")
    before, rest = -1, 0
    while rest < 3:
        time.sleep(1)
        with open(f"{lane}/schedstat", encoding="ascii") as file:
            spent = int(file.read().split()[0])
        rest = rest + 1 if spent - before < 100_000_000 else 0
        before = spent


def directories(bench):
    """many watched directories"""
    count = bench.scale.directories
    title = f"{count:,} watched directories"
    with bench.fresh("directories") as place:
        daemon = place.daemon("daemon")
        with daemon:
            # The first start makes the database.
            pass
        for number in range(count):
            os.makedirs(f"{daemon.drop}/{number // 200}/{number % 200}")
        with daemon:
            yield Result(
                "directories.start", f"{title}: READY after", daemon.ready - daemon.started, "s",
                remark="PostgreSQL's start included")
            wait_until_rested(daemon)
            name = f"{count // 400}/{count % 200}"
            yield Result(
                "directories.first", f"{title}: 64 KiB into one of them", drop_into(daemon, name) * 1e3, "ms")
            yield from memory(daemon, "directories", title, target=150)


def drop_into(daemon, directory):
    """Seconds until the row of a pair that is dropped into a sub-directory."""
    daemon.write_pair(daemon.staging, "deep.bin", "deep", 1, 64 << 10)
    os.rename(f"{daemon.staging}/deep.bin", f"{daemon.drop}/{directory}/deep.bin")
    begin = time.perf_counter()
    os.rename(f"{daemon.staging}/deep.bin.manifest.json", f"{daemon.drop}/{directory}/deep.bin.manifest.json")
    return daemon.wait_for_row("deep", 1) - begin


def untouched(bench):
    """many files that nobody has finished"""
    count = bench.scale.untouched
    title = f"{count:,} waiting files"
    with bench.fresh("untouched", inodes=2 * count + 1_000_000, need=4 * GIB) as place:
        daemon = place.daemon("daemon")
        with daemon:
            pass
        for number in range(count):
            os.close(os.open(f"{daemon.drop}/payload-{number}.bin", os.O_CREAT | os.O_WRONLY, 0o644))
        with daemon:
            yield Result(
                "untouched.start", f"{title}: READY after", daemon.ready - daemon.started, "s",
                remark="PostgreSQL's start included")
            wait_until_rested(daemon)
            times = milliseconds(lone_drop(daemon, "among", number) for number in range(bench.scale.lone // 10))
            yield Result(
                "untouched.median", f"64 KiB among {count:,} waiting files: median", statistics.median(times), "ms",
                remark=f"{len(times)} drops")
            yield from memory(daemon, "untouched", title, target=150)


# --- The look inside -------------------------------------------------------------------------------------------------


def worker_work(daemon):
    """CPU seconds, and bytes read, of the processes that look inside files."""
    seconds, read = 0.0, 0
    for pid in daemon.workers():
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            seconds += int(file.read().split()[0]) / 1e9
        read += kilobytes(f"/proc/{pid}/io", "rchar")
    return seconds, read


def openssl_cpu(path):
    """CPU seconds of `openssl dgst -sha256` on a file in the page cache."""
    before = os.times()
    subprocess.run(["openssl", "dgst", "-sha256", path], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


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
    write_large(path, len(wrapper) + count * 8, 1, head=wrapper)
    with open(path, "ab") as file:
        file.write(b".")


def write_safetensors(path, size):
    """One tensor of bytes."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    head = len(header).to_bytes(8, "little") + header
    write_large(path, len(head) + size, 1, head=head)


def look_inside(daemon, name, model, make, size):
    """Drops a file of a format.

    Returns what looking at it took in CPU seconds and bytes read, openssl's CPU seconds, and the verdict.
    """
    path = f"{daemon.staging}/{name}"
    make(path, size)
    daemon.write_manifest(daemon.staging, name, model, 1)
    openssl_cpu(path)
    hashing = openssl_cpu(path)
    before = worker_work(daemon)
    daemon.release(name)
    daemon.wait_for_row(model, 1, patience=300, pause=0.01)
    seconds, read = (after - first for after, first in zip(worker_work(daemon), before))
    verdict = daemon.psql.query(f"SELECT format, safety FROM registry.models WHERE model_id = '{model}'")[0]
    return seconds, read, hashing, " ".join(verdict)


def inspecting(bench):
    """what the look inside costs, against hashing the same file"""
    with bench.fresh("inspecting", need=bench.scale.large + 4 * GIB) as place, place.daemon("daemon") as daemon:
        # A worker's start is not what is measured: each lane has had a file before.
        for number in range(4):
            look_inside(daemon, f"first-{number}.joblib", f"first-{number}", write_joblib, 32 * MIB)
        size = bench.scale.inspecting
        seconds, read, hashing, verdict = look_inside(daemon, "array.joblib", "array", write_joblib, size)
        yield Result(
            "inspecting.joblib", f"joblib of {size / GIB:g} GiB: CPU of the look inside / of openssl dgst", seconds / hashing,
            "", target=0.1, remark=f"{seconds * 1e3:.1f} of {hashing * 1e3:.0f} ms, {read / 1e6:.2f} MB read; {verdict}")
        size = bench.scale.large
        seconds, read, hashing, verdict = look_inside(
            daemon, "tensors.safetensors", "tensors", write_safetensors, size)
        yield Result(
            "inspecting.safetensors", f"safetensors of {size / GIB:g} GiB: read to look inside", read / 1e6, "MB", target=1,
            remark=f"CPU {seconds * 1e3:.1f} ms against {hashing * 1e3:.0f} ms of openssl dgst; {verdict}")
        yield from memory(daemon, "inspecting", f"safetensors of {size / GIB:g} GiB")
