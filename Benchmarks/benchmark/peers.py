"""What people use instead: the same files, from a directory until they are stored, durable and found again by their digest.

Each tool is left out, with its reason, where it is not installed. None of them promises all that Ingot does, and each does things that Ingot
does not; what is compared is the time until a user's files are safe and recorded.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time

from .bench import GIB, SMALL, Result, fill, write_large
from .daemon import BenchmarkError
from .limit import connection_string

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "benchmark", "GIT_AUTHOR_EMAIL": "benchmark@localhost", "GIT_COMMITTER_NAME": "benchmark",
    "GIT_COMMITTER_EMAIL": "benchmark@localhost", "RESTIC_PASSWORD": "benchmark", "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_NOSYSTEM": "1", "PYTHONWARNINGS": "ignore",
}


def run(*command, where, environment=None):
    """A tool's command; what it says is shown only when it fails."""
    done = subprocess.run(
        command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env=os.environ | ENVIRONMENT | {"HOME": where} | (environment or {}))
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command[:3])}: {done.stderr.strip()[-500:]}")
    return done.stdout


class Peer:
    """One tool. `prepare` is not timed, `store` is; `store` ends with everything on the disk."""

    name = ""
    program = ""
    # What the tool does not do by itself and is done for it.
    remark = "sync(1) at the end"

    def missing(self):
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def version(self):
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False).stdout
        return said.split("\n")[0].strip()[:60]

    def prepare(self, place, daemon):
        pass

    def store(self, place, files):
        raise NotImplementedError


class Restic(Peer):
    name, program = "restic", "restic"
    remark = "syncs by itself"

    def version(self):
        return run("restic", "version", where="/tmp").split(" compiled")[0]

    def prepare(self, place, daemon):
        run("restic", "init", "-q", "-r", f"{place}/repository", where=place)

    def store(self, place, files):
        run("restic", "backup", "-q", "-r", f"{place}/repository", files, where=place)


class Ostree(Peer):
    name, program = "ostree", "ostree"
    remark = "syncs by itself"

    def version(self):
        return "ostree " + run("ostree", "--version", where="/tmp").split("'")[1]

    def prepare(self, place, daemon):
        run("ostree", "init", "--mode=bare-user", f"--repo={place}/repository", where=place)

    def store(self, place, files):
        run("ostree", "commit", "-b", "models", f"--repo={place}/repository", f"--tree=dir={files}", where=place)


class GitAnnex(Peer):
    name, program = "git-annex", "git-annex"

    def version(self):
        return run("git-annex", "version", "--raw", where="/tmp").strip() or "git-annex"

    def prepare(self, place, daemon):
        run("git", "init", "-q", where=place)
        run("git-annex", "init", "-q", where=place)
        run("git", "config", "annex.thin", "true", where=place)

    def store(self, place, files):
        run("git-annex", "add", "-q", "--backend=SHA256E", files, where=place)
        run("git", "commit", "-q", "-m", "models", where=place)
        run("sync", "-f", place, where=place)


class Dvc(Peer):
    name, program = "DVC", "dvc"

    def prepare(self, place, daemon):
        run("git", "init", "-q", where=place)
        run("dvc", "init", "-q", where=place)

    def store(self, place, files):
        run("dvc", "add", "-q", files, where=place)
        run("git", "add", "-A", where=place)
        run("git", "commit", "-q", "-m", "models", where=place)
        run("sync", "-f", place, where=place)


class MLflow(Peer):
    """MLflow's client against the same PostgreSQL: one run with its parameter, metric and artifact a file."""

    name, program = "MLflow", "mlflow"
    remark = "artifacts in a directory, rows by its own store; sync(1) at the end"
    PROGRAM = r"""
import os, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
experiment = mlflow.create_experiment(sys.argv[3].replace("/", " "), artifact_location="file://" + sys.argv[2])
for name in sorted(os.listdir(sys.argv[3])):
    with mlflow.start_run(experiment_id=experiment, run_name=name):
        mlflow.log_param("epochs", 30)
        mlflow.log_metric("auc", 0.93)
        mlflow.log_artifact(os.path.join(sys.argv[3], name))
"""

    def missing(self):
        if not (importlib.util.find_spec("mlflow") and importlib.util.find_spec("psycopg2")):
            return "this Python has no mlflow and psycopg2"
        return None

    def version(self):
        from importlib.metadata import version
        return f"mlflow {version('mlflow')}"

    def prepare(self, place, daemon):
        parts = dict(part.split("=", 1) for part in shlex.split(connection_string(daemon)) if "=" in part)
        self.address = (
            f"postgresql+psycopg2://{parts.get('user', '')}@/{parts.get('dbname', 'ingot')}?host={parts.get('host', '')}"
            + (f"&port={parts['port']}" if "port" in parts else ""))
        os.makedirs(f"{place}/artifacts", exist_ok=True)
        os.makedirs(f"{place}/warm-up", exist_ok=True)
        with open(f"{place}/warm-up/file", "wb") as file:
            file.write(b"x")
        self.log(place, f"{place}/warm-up")

    def log(self, place, files):
        run(sys.executable, "-c", self.PROGRAM, self.address, f"{place}/artifacts", files, where=place)

    def store(self, place, files):
        self.log(place, files)
        run("sync", "-f", place, where=place)


class ShellLoop(Peer):
    name, program = "shell loop", "bash"
    remark = "sha256sum, cp, sync and psql for each file"
    SCRIPT = r"""
set -eu
for file in "$1"/*; do
    digest=$(sha256sum "$file")
    digest=${digest%% *}
    cp "$file" "$2/$digest"
    sync "$2/$digest"
    "$3" -Xqc "INSERT INTO glue VALUES ('${file##*/}', '{}', '{}', '$2/$digest', '$digest')"
done
"""

    def prepare(self, place, daemon):
        os.makedirs(f"{place}/target")
        self.psql = f"{daemon.directory}/psql"
        run(self.psql, "-Xqc",
            "DROP TABLE IF EXISTS glue; CREATE TABLE glue (version text PRIMARY KEY, parameters jsonb, metrics jsonb, path text,"
            " sha256 text)", where=place)

    def store(self, place, files):
        run("bash", "-c", self.SCRIPT, "loop", files, f"{place}/target", self.psql, where=place)


PEERS = [ShellLoop, Restic, Ostree, GitAnnex, Dvc, MLflow]


def peer_seconds(peer, bench, daemon, label, make):
    """How long a tool takes for files that `make` writes."""
    place = f"{bench.base}/{peer.program}-{label}"
    files = f"{place}/files"
    os.makedirs(files)
    try:
        make(files)
        os.sync()
        peer.prepare(place, daemon)
        begin = time.perf_counter()
        peer.store(place, files)
        return time.perf_counter() - begin
    finally:
        # git-annex takes the right to write from its directories.
        subprocess.run(["chmod", "-R", "u+w", place], check=False)
        shutil.rmtree(place, ignore_errors=True)


def small_files(count):
    def make(files):
        for number in range(count):
            with open(f"{files}/{number}.bin", "wb") as file:
                file.write(os.urandom(SMALL))
    return make


def peers(bench):
    """what people use instead, on the same files"""
    count, size = bench.scale.peers, bench.scale.peers_large
    with bench.fresh("peers") as place, place.daemon("daemon") as daemon:
        fill(daemon, "small", count, where=daemon.staging)
        begin = time.perf_counter()
        for number in range(count):
            daemon.release(f"small-{number}.bin")
        ours = daemon.wait_for_rows("small", count)[-1][0] - begin
        write_large(f"{daemon.staging}/large.bin", size, 1)
        daemon.write_manifest(daemon.staging, "large.bin", "large", 1)
        begin = daemon.release("large.bin")
        ours_large = daemon.wait_for_row("large", 1, patience=600, pause=0.005) - begin
        gib = f"{size / GIB:g} GiB"
        yield Result("peers.ingot", f"{count} x 64 KiB: ingotd", count / ours, "files/s", "high", remark="drop to row")
        yield Result("peers.ingot.large", f"{gib}: ingotd", ours_large, "s", remark="drop to row")
        for kind in PEERS:
            peer = kind()
            reason = peer.missing()
            if reason:
                bench.skip(f"peers: {peer.name}", reason)
                continue
            key = peer.program
            try:
                seconds = peer_seconds(peer, place, daemon, "small", small_files(count))
                large = peer_seconds(
                    peer, place, daemon, "large", lambda files: write_large(f"{files}/large.bin", size, 2))
            except BenchmarkError as error:
                bench.skip(f"peers: {peer.name}", f"it broke: {error}")
                continue
            remark = f"reference: ingotd; {peer.version()}; {peer.remark}"
            yield Result(
                f"peers.{key}", f"{count} x 64 KiB: {peer.name}", count / seconds, "files/s", "high",
                reference=count / ours, remark=remark)
            yield Result(
                f"peers.{key}.large", f"{gib}: {peer.name}", large, "s", reference=ours_large, remark=remark)
