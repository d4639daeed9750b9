"""The backlog set against what the machine could do at best: limit.c."""

import json
import os
import re
import shutil
import statistics
import subprocess

from .daemon import BenchmarkError
from .bench import GIB, SMALL, Result, Skipped, backlog_run, fill

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "limit.c")


def compiled(directory):
    """The program."""
    program = f"{directory}/limit"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpq", "libcrypto"], capture_output=True, text=True, check=False)
    compiler = shutil.which("cc")
    if flags.returncode != 0 or not compiler:
        raise Skipped("limit.c needs cc, pkg-config, libpq-dev and libssl-dev")
    subprocess.run(
        [compiler, "-O2", "-Wall", "-o", program, SOURCE, *flags.stdout.split(), "-lpthread"], check=True)
    return program


def connection_string(daemon):
    """What `ingotd dev` wrote into its configuration."""
    with open(f"{daemon.directory}/ingot.yaml", encoding="utf-8") as file:
        found = re.search(r'^database: "(.*)"$', file.read(), re.MULTILINE)
    if not found:
        raise BenchmarkError("no database in ingot.yaml")
    return found.group(1)


def limit_run(bench, program, count):
    """What the limit program says of the same files on the same file system, with the same PostgreSQL beside it."""
    with bench.daemon("program") as daemon:
        work = f"{daemon.directory}/limit"
        os.makedirs(f"{work}/drop")
        os.makedirs(f"{work}/store")
        fill(daemon, "limit", count, where=f"{work}/drop")
        said = subprocess.run(
            [program, f"{work}/drop", f"{work}/store", connection_string(daemon)], capture_output=True, text=True,
            check=False)
        if said.returncode != 0:
            raise BenchmarkError(said.stderr.strip())
        steps = json.loads(said.stdout)
        rows = daemon.psql.number("SELECT count(*) FROM limit_models")
        if not steps["files"] == rows == count:
            raise BenchmarkError(f"limit took {steps['files']} of {count} files and wrote {rows:.0f} rows")
        return steps


def limit(bench):
    """a large backlog, against a program that does only what nobody can leave out"""
    program = compiled(bench.base)
    count = bench.scale.limit
    need = 2 * count * SMALL + GIB
    title = f"{count:,} x 64 KiB"
    runs, limits = [], []
    for number in range(bench.scale.limit_times):
        with bench.fresh(f"limit-{number}", need=need) as place:
            limits.append(limit_run(place, program, count))
        with bench.fresh(f"against-{number}", need=need) as place:
            runs.append(backlog_run(place, "daemon", count, "limit", title))
    ratios = [run.since_ready * steps["seconds"] / count for run, steps in zip(runs, limits)]
    run, steps = runs[-1], limits[-1]
    yield Result(
        "limit.ratio", f"{title}: share of the limit program's rate", statistics.median(ratios), "", "high", 0.6,
        remark=f"median of {len(ratios)}: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    yield Result(
        "limit.rate", f"{title}: ingotd, from READY", statistics.median(run.since_ready for run in runs), "files/s", "high", 4000,
        reference=count / steps["seconds"], remark="reference: limit.c, which took " + ", ".join(
            f"{steps[step]:.2f} s to {what}" for step, what in (
                ("take", "read, hash and move"), ("sync", "sync"), ("rows", "write rows"), ("remove", "remove manifests"))))
    if run.is_long:
        yield Result(
            "limit.last", f"{title}: rate of the last quarter / of the first", run.last_to_first, "", "high", 0.9,
            remark="files/s in each tenth: " + " ".join(f"{rate:.0f}" for rate in run.tenths))
        yield Result("limit.flatness", f"{title}: slowest tenth / mean", run.flatness, "", "high")
    yield Result("limit.cpu", f"{title}: CPU time of ingotd", run.cpu, "us/file")
    yield from run.memory
