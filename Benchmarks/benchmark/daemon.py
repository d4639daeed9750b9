"""A daemon under measurement: its process, its database, its drop directory."""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time


class BenchmarkError(Exception):
    """Something broke: a program did not start, a row did not come."""


def kilobytes(path, name):
    """A line of a file in /proc; 0 when the process is gone."""
    try:
        with open(path, encoding="ascii") as file:
            for line in file:
                if line.startswith(f"{name}:"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


class Workplace:
    """A directory of our own on a disk. Everybody may enter it, because PostgreSQL runs as somebody else than root."""

    def __init__(self, base, keep=False):
        self.path = tempfile.mkdtemp(prefix="ingot-benchmark-", dir=base)
        self.keep = keep
        os.chmod(self.path, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)


class Psql:
    """One psql that stays: a connection other than the daemon's own."""

    END = "--end--"

    def __init__(self, script):
        self.process = subprocess.Popen(
            [script, "-XqAt", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, start_new_session=True)

    def query(self, sql):
        """The rows of one statement, each a list of texts."""
        self.process.stdin.write(f"{sql};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        rows = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise BenchmarkError(f"psql ended at: {sql}")
            line = line.rstrip("\n")
            if line == self.END:
                return rows
            rows.append(line.split("\x1f"))

    def number(self, sql):
        return float(self.query(sql)[0][0])

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Daemon:
    """`ingotd dev DIRECTORY`, from its start to its end."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.drop = f"{directory}/drop"
        # Beside the drop directory, on the same file system: what is made here is renamed into it.
        self.staging = f"{directory}/staging"
        self.process = None
        self.psql = None
        self.started = self.ready = None
        for path in (directory, self.drop, self.staging):
            os.makedirs(path, exist_ok=True)

    def __enter__(self):
        with open(f"{self.directory}/daemon.log", "ab") as log:
            self.started = time.perf_counter()
            # A session of its own: Ctrl-C reaches us alone, and we stop it in order.
            self.process = subprocess.Popen(
                [self.binary, "dev", self.directory], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True)
        try:
            self._wait_until_ready(120)
            self.psql = Psql(f"{self.directory}/psql")
            self.psql.query("SELECT 1")
            while self.psql.query("SELECT to_regclass('registry.models')")[0][0] == "":
                time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self, patience):
        text = b""
        end = time.monotonic() + patience
        descriptor = self.process.stdout.fileno()
        while b"Ctrl-C stops" not in text:
            if not select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
                raise BenchmarkError(f"{self.binary} was not ready within {patience} s")
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise BenchmarkError(f"{self.binary} ended at its start: {self.log_tail()}")
            text += chunk
        self.ready = time.perf_counter()

    def __exit__(self, *_):
        if self.psql:
            self.psql.close()
            self.psql = None
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                pass
            finally:
                # Too slow, or a second Ctrl-C. Its PostgreSQL ends with it.
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait()
                self.process.stdout.close()
                self.process = None

    @property
    def pid(self):
        return self.process.pid

    def log_tail(self):
        with open(f"{self.directory}/daemon.log", "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    # What the kernel knows of it

    def peak_megabytes(self):
        """The most memory it has held (VmHWM), in units of 10^6 bytes."""
        return kilobytes(f"/proc/{self.pid}/status", "VmHWM") * 1024 / 1e6

    def workers(self):
        """The processes that look inside files for it."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if parent == self.pid and b"inspect-worker" in file.read():
                        found.append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def worker_peaks(self):
        """VmHWM of each of them that lives, in units of 10^6 bytes."""
        return [peak for pid in self.workers() if (peak := kilobytes(f"/proc/{pid}/status", "VmHWM") * 1024 / 1e6)]

    def shared_megabytes(self):
        """What it and its workers hold now, in units of 10^6 bytes; what several hold is counted once."""
        return sum(kilobytes(f"/proc/{pid}/smaps_rollup", "Pss") for pid in (self.pid, *self.workers())) * 1024 / 1e6

    def cpu_seconds(self):
        """User and system time of all its threads."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lane(self, name):
        """The directory in /proc of one of its threads."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            path = f"/proc/{self.pid}/task/{thread}"
            with open(f"{path}/comm", encoding="utf-8") as file:
                if file.read().strip() == name:
                    return path
        raise BenchmarkError(f"the daemon has no thread {name}")

    def take_method(self):
        """How files get from the drop directory into the store, as status.json says once it knows."""
        for _ in range(120):
            with open(f"{self.directory}/status.json", encoding="utf-8") as file:
                drops = json.load(file)["drops"]
            if drops and drops[0]["take"]:
                return drops[0]["take"]
            time.sleep(0.1)
        raise BenchmarkError("status.json tells of no drop directory")

    # Drops

    def write_pair(self, where, name, model, version, size, content=None):
        """Payload and manifest, complete, in a directory."""
        with open(f"{where}/{name}", "wb") as file:
            # Some of a million random files begin as some format does, contradict it, and are refused: these begin as none.
            file.write(b"benchmark\n" + os.urandom(size - 10) if content is None else content)
        self.write_manifest(where, name, model, version)

    def write_manifest(self, where, name, model, version):
        manifest = {
            "model_id": model, "model_version": str(version),
            "training_parameters": {"optimizer": "adam", "learning_rate": 0.001, "epochs": 30},
            "evaluation_metrics": {"auc": 0.93, "loss": 0.21},
        }
        with open(f"{where}/{name}.manifest.json", "w", encoding="utf-8") as file:
            json.dump(manifest, file)

    def release(self, name):
        """Moves a pair from staging into the drop directory.

        Returns the time of the last rename, that of the manifest.
        """
        os.rename(f"{self.staging}/{name}", f"{self.drop}/{name}")
        source, target = f"{self.staging}/{name}.manifest.json", f"{self.drop}/{name}.manifest.json"
        moment = time.perf_counter()
        os.rename(source, target)
        return moment

    # Rows

    def wal_bytes(self):
        """How much write-ahead log its PostgreSQL has written."""
        return self.psql.number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def has_row(self, model, version):
        return bool(self.psql.query(
            f"SELECT 1 FROM registry.models WHERE model_id = '{model}' AND model_version = '{version}'"))

    def count_rows(self, model):
        return int(self.psql.number(f"SELECT count(*) FROM registry.models WHERE model_id = '{model}'"))

    def wait_for_row(self, model, version, patience=60.0, pause=0.0004):
        """Waits until our connection sees a row; returns when that was. One look takes about 0.2 ms."""
        end = time.perf_counter() + patience
        while not self.has_row(model, version):
            if time.perf_counter() > end:
                raise BenchmarkError(f"no row for {model} {version} within {patience} s: {self.log_tail()}")
            time.sleep(pause)
        return time.perf_counter()

    def wait_for_rows(self, model, count, patience=600.0):
        """Waits until so many versions of a model have rows.

        Returns samples of (time, rows). The highest `seq` is a look at the end of one index; counting rows again and again
        would take from PostgreSQL what is measured. Where that says too much, because others write or numbers were left
        out, rows are counted.
        """
        end = time.perf_counter() + patience
        before = self.psql.number("SELECT coalesce(max(seq), 0) FROM registry.models") - self.count_rows(model)
        samples = []
        while True:
            rows = int(self.psql.number("SELECT coalesce(max(seq), 0) FROM registry.models") - before)
            if rows >= count:
                rows = self.count_rows(model)
            now = time.perf_counter()
            samples.append((now, max(0, rows)))
            if rows >= count:
                return samples
            if now > end:
                refused = self.psql.number("SELECT count(*) FROM registry.submissions WHERE outcome = 'rejected'")
                raise BenchmarkError(f"{rows} of {count} rows after {patience} s, {refused:.0f} refused: {self.log_tail()}")
            time.sleep(0.05 if rows < count * 0.9 else 0.01)

    def wait_for_receipts(self, count, patience):
        """Waits until so many producers have been told of something."""
        end = time.monotonic() + patience
        receipts = f"{self.drop}/receipts"
        while True:
            # The link count of a directory does not tell; a listing of names alone is cheap.
            found = len(os.listdir(receipts)) if os.path.isdir(receipts) else 0
            if found >= count:
                return
            if time.monotonic() > end:
                raise BenchmarkError(f"{found} of {count} receipts after {patience} s")
            time.sleep(1)
