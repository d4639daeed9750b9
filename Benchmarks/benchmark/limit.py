"""The backlog set against what the machine could do at best: limit.c."""

import os
import re
import shutil
import statistics
import subprocess

from .daemon import BenchmarkError
from .measurements import Result, backlog_run, fill

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "limit.c")


def compiled(directory):
    """The program, or nothing where it cannot be compiled."""
    program = f"{directory}/limit"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpq", "libcrypto"], capture_output=True, text=True, check=False)
    compiler = shutil.which("cc")
    if flags.returncode != 0 or not compiler:
        return None
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


def limit_rate(bench, program, name, count):
    """Files a second of the limit program on the same file system, with the same PostgreSQL beside it."""
    with bench.daemon(name) as daemon:
        work = f"{daemon.directory}/limit"
        os.makedirs(f"{work}/drop")
        os.makedirs(f"{work}/store")
        fill(daemon, "limit", count, where=f"{work}/drop")
        said = subprocess.run(
            [program, f"{work}/drop", f"{work}/store", connection_string(daemon)], capture_output=True, text=True,
            check=False)
        if said.returncode != 0:
            raise BenchmarkError(said.stderr.strip())
        return float(re.search(r": (\d+) files/s", said.stdout).group(1))


def limit(bench):
    """the backlog against a program that does only what nobody can leave out"""
    program = compiled(bench.base)
    if not program:
        bench.say("limit: left out, needs cc, pkg-config, libpq-dev and libssl-dev")
        return
    count = bench.scale.limit
    ratios, rates, limits = [], [], []
    for number in range(bench.scale.backlog_times):
        with bench.fresh(f"limit-{number}") as place:
            limits.append(limit_rate(place, program, "program", count))
        with bench.fresh(f"against-{number}") as place:
            rates.append(backlog_run(place, "daemon", count).since_ready)
        ratios.append(rates[-1] / limits[-1])
    title = f"{count:,} x 64 KiB"
    yield Result(
        "limit.ratio", f"{title}: share of the limit program's rate", statistics.median(ratios), "", "high", 0.6,
        remark=f"median of {len(ratios)}: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    yield Result(
        "limit.rate", f"{title}: ingotd", statistics.median(rates), "files/s", "high",
        reference=statistics.median(limits),
        remark="reference: limit.c, which reads, hashes, renames, syncs once, and copies into one table")

