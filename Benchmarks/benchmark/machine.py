"""What a number is worth nothing without: the machine that it was measured on."""

import os
import platform
import statistics
import subprocess
import tempfile
import time


# What libcrypto can hash with: the instructions themselves (x86, Arm), or wide registers.
EXTENSIONS = {"sha_ni", "sha2", "avx2", "avx512f"}


def output(*command):
    """What a program prints, or nothing where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def field(path, name):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return "unknown"


def facts(root, binary, base):
    """Name and value of everything that a reader wants to know, in the order of the report."""
    commit = output("git", "-C", root, "rev-parse", "--short=12", "HEAD") or "unknown"
    if output("git", "-C", root, "status", "--porcelain", "--", "Sources", "Package.swift"):
        commit += " with changes"
    file_system = output("findmnt", "-no", "FSTYPE,SOURCE,OPTIONS", "-T", base) or "unknown"
    return {
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "sha extensions": " ".join(sorted(EXTENSIONS.intersection(
            (field("/proc/cpuinfo", "flags") + " " + field("/proc/cpuinfo", "Features")).split()))) or "none",
        "virtual": output("systemd-detect-virt", "--vm") or "unknown",
        "memory": f"{int(field('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.1f} GB",
        "kernel": platform.release(),
        "file system": " ".join(file_system.split()),
        "postgresql": postgres_version(),
        "openssl": output("openssl", "version"),
        "commit": commit,
        "ingotd": f"{binary}, built {output('date', '-r', binary, '+%F %T')}",
        "one fsync before": sync_times(base),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def sync_times(base):
    """How long this disk takes, at this moment, to make 4 KiB of a new file durable: what every rate here rests on."""
    times = []
    with tempfile.TemporaryDirectory(prefix="ingot-benchmark-", dir=base) as directory:
        for number in range(100):
            with open(f"{directory}/{number}", "wb") as file:
                file.write(os.urandom(4096))
                file.flush()
                begin = time.perf_counter()
                os.fsync(file.fileno())
                times.append((time.perf_counter() - begin) * 1e3)
    return f"{statistics.median(times):.2f} ms median, {max(times):.1f} ms worst of {len(times)}"


def postgres_version():
    """Of the programs that `ingotd dev` takes: the newest there are."""
    try:
        versions = sorted(os.listdir("/usr/lib/postgresql"), key=float)
    except (OSError, ValueError):
        versions = []
    program = f"/usr/lib/postgresql/{versions[-1]}/bin/postgres" if versions else "postgres"
    return output(program, "--version") or "unknown"
