"""The command line of Benchmarks/run."""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

from . import bench, machine, report, suite
from .daemon import BenchmarkError, Workplace

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCHMARKS)


def say(text):
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


def arguments():
    names = "\n".join(
        f"  {name:12}{function.__doc__}"
        for name, function in suite.ALL.items())
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures ingotd (a release build, with a durable PostgreSQL of its own) against its targets.",
        epilog=f"measurements:\n{names}\n\nExit status: 0 when everything was measured, also where a target is missed.")
    parser.add_argument("--only", metavar="NAME,...", help="measure only these")
    parser.add_argument("--quick", action="store_true", help="everything smaller, in some minutes")
    parser.add_argument("--compare", metavar="FILE", help="set the results against an earlier JSON file")
    parser.add_argument("--output", metavar="FILE", help="the JSON file (default: Benchmarks/results/TIME.json)")
    parser.add_argument(
        "--directory", default="/var/tmp", help="where to work: on the disk that is meant (default: %(default)s)")
    parser.add_argument(
        "--in-place", action="store_true",
        help="on the disk itself; otherwise, as root, each measurement gets a fresh file system on a loop device")
    parser.add_argument("--binary", default=f"{ROOT}/.build/release/ingotd", help="the daemon (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args()
    options.names = options.only.split(",") if options.only else suite.DEFAULT
    for name in options.names:
        if name not in suite.ALL:
            parser.error(f"there is no measurement {name}; there are: {', '.join(suite.ALL)}")
    return parser, options


def measure(place, names):
    """Everything that was asked for, how long each took, and what broke.

    When it is interrupted, what was measured until then.
    """
    results, seconds, failures = [], {}, []
    for name in names:
        say(f"{name}: {suite.ALL[name].__doc__} ...")
        begin = time.monotonic()
        try:
            for result in suite.ALL[name](place):
                results.append(result)
        except (KeyboardInterrupt, SystemExit):
            failures.append(f"{name}: interrupted")
            break
        except bench.Skipped as reason:
            place.skip(name, str(reason))
        except (BenchmarkError, OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
            say(f"{name}: broke: {error}")
        seconds[name] = round(time.monotonic() - begin, 1)
        say(f"{name}: {seconds[name]} s")
    return results, seconds, failures


def loop_sync_times(place):
    """What a sync takes on the file systems that are made for the measurements."""
    try:
        with place.fresh("probe", need=0) as fresh:
            return machine.sync_times(fresh.base)
    except bench.Skipped as reason:
        return str(reason)


def main():
    parser, options = arguments()
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is missing: swift build -c release --product ingotd")
    earlier = None
    if options.compare:
        try:
            earlier = report.load(options.compare)
        except (OSError, ValueError, KeyError) as error:
            parser.error(str(error))
    # Everything is cleaned up on the way out, whoever asks us to end.
    # SIGINT too, which a shell lets its background jobs ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    scale = bench.QUICK if options.quick else bench.Scale()
    machine_facts = machine.facts(ROOT, options.binary, options.directory)
    with Workplace(options.directory, options.keep) as directory:
        place = bench.Bench(options.binary, directory.path, scale, say, in_place=options.in_place)
        machine_facts["measured on"] = "the disk itself"
        if place.can_mount() and not options.in_place:
            machine_facts["measured on"] = "a fresh ext4 on a loop device for each measurement"
            machine_facts["one fsync there"] = loop_sync_times(place)
        for name, fact in machine_facts.items():
            print(f"{name:18}{fact}")
        print(flush=True)
        results, seconds, failures = measure(place, options.names)
        if options.keep:
            say(f"left: {directory.path}")
    machine_facts["one fsync after"] = machine.sync_times(options.directory)
    machine_facts["load after"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    if results:
        print(report.results_table(results))
        path = options.output or f"{BENCHMARKS}/results/{time.strftime('%Y%m%dT%H%M%S')}.json"
        report.save(
            path, machine_facts, {"quick": options.quick, "in_place": options.in_place, "scale": asdict(scale)}, results,
            seconds, place.skipped, failures)
        print()
        for name in ("one fsync", "load"):
            print(f"{name}: {machine_facts[f'{name} before']} before; {machine_facts[f'{name} after']} after")
        print(f"{sum(seconds.values()) / 60:.1f} minutes; kept as {path}")
        if earlier:
            print(f"\n{report.comparison_table(results, earlier)}")
    missed = sum(result.is_missed for result in results)
    if missed:
        print(f"\n{missed} {'target' if missed == 1 else 'targets'} missed")
    for name, reason in place.skipped:
        print(f"skipped: {name}: {reason}")
    for failure in failures:
        print(f"broke: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
