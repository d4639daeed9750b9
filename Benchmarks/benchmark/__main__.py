"""The command line of Benchmarks/run."""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

from . import machine, measurements, report, suite
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
    parser.add_argument("--binary", default=f"{ROOT}/.build/release/ingotd", help="the daemon (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args()
    options.names = options.only.split(",") if options.only else suite.DEFAULT
    for name in options.names:
        if name not in suite.ALL:
            parser.error(f"there is no measurement {name}; there are: {', '.join(suite.ALL)}")
    return parser, options


def measure(bench, names):
    """Everything that was asked for, and what broke. When it is interrupted, what was measured until then."""
    results, failures = [], []
    for name in names:
        say(f"{name}: {suite.ALL[name].__doc__} ...")
        begin = time.monotonic()
        try:
            for result in suite.ALL[name](bench):
                results.append(result)
        except (KeyboardInterrupt, SystemExit):
            failures.append(f"{name}: interrupted")
            break
        except (BenchmarkError, OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
            say(f"{name}: broke: {error}")
        say(f"{name}: {time.monotonic() - begin:.1f} s")
    return results, failures


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
    scale = measurements.QUICK if options.quick else measurements.Scale()
    machine_facts = machine.facts(ROOT, options.binary, options.directory)
    for name, fact in machine_facts.items():
        print(f"{name:18}{fact}")
    print(flush=True)
    with Workplace(options.directory, options.keep) as place:
        bench = measurements.Bench(options.binary, place.path, scale, say)
        results, failures = measure(bench, options.names)
        if options.keep:
            say(f"left: {place.path}")
    machine_facts["one fsync after"] = machine.sync_times(options.directory)
    machine_facts["load after"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    if results:
        print(report.results_table(results))
        path = options.output or f"{BENCHMARKS}/results/{time.strftime('%Y%m%dT%H%M%S')}.json"
        report.save(path, machine_facts, {"quick": options.quick, "scale": asdict(scale)}, results)
        print()
        for name in ("one fsync", "load"):
            print(f"{name}: {machine_facts[f'{name} before']} before; {machine_facts[f'{name} after']} after")
        print(f"kept as {path}")
        if earlier:
            print(f"\n{report.comparison_table(results, earlier)}")
    missed = sum(result.is_missed for result in results)
    if missed:
        print(f"\n{missed} {'target' if missed == 1 else 'targets'} missed")
    for failure in failures:
        print(f"broke: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
