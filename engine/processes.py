"""Processes and who they are: starting workers, ending them, and telling the living from the dead.

For Linux and macOS: locks, process groups and signals are POSIX's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PACKAGE_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Launcher:
    """Starts workers that all get the same share of the machine."""

    threads: int  # for the numerical libraries, each of which would otherwise take every core
    memory_bytes: int = 0  # 0: no limit

    def cold(self, directory: Path) -> WorkerProcess:
        """A worker that runs the job in the folder."""
        with (directory / "log.txt").open("ab") as log:
            return self._start([str(directory)], log, subprocess.DEVNULL)

    def spare(self, log_path: Path) -> WorkerProcess:
        """A worker that gets ready and then waits to be given a folder."""
        with log_path.open("wb") as log:
            return self._start(["--spare"], log, subprocess.PIPE)

    def _start(self, arguments: list[str], log: IO[bytes], stdin: int) -> WorkerProcess:
        options = ["--server", str(os.getpid()), "--memory", str(self.memory_bytes)]
        # -P: a folder named "engine" where the server was started must not stand in for ours.
        command = [sys.executable, "-P", "-m", "engine.worker", *options, *arguments]
        return WorkerProcess(
            subprocess.Popen(
                command,
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # its own process group: Ctrl-C is for the server alone
            )
        )

    def _environment(self) -> dict[str, str]:
        path = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        libraries = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
        threads = {f"{library}_NUM_THREADS": str(self.threads) for library in libraries}
        return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(path), "PYTHONUTF8": "1"}


class WorkerProcess:
    """A worker this process started; it is a group of its own, with the children it may have."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def give(self, directory: Path) -> bool:
        """Hand a job to a waiting spare; False when the spare is no longer there."""
        if self._process.stdin is None or self.exit_code() is not None:
            return False
        try:
            with self._process.stdin as stdin:
                stdin.write(os.fsencode(directory) + b"\n")
        except OSError:  # it died since we looked
            return False
        return True

    def exit_code(self) -> int | None:
        """How it ended (minus the signal's number when by a signal), or None while it runs."""
        ended_before = self._process.returncode is not None
        code = self._process.poll()
        if code is not None and not ended_before:
            self._signal(signal.SIGKILL)  # what it started goes with it; later its number may be another's
        return code

    def ask_to_stop(self) -> None:
        """SIGTERM to the worker and its children."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the worker and its children."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    def discard(self) -> None:
        """End it now and leave neither a zombie nor an open pipe."""
        self.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a zombie
            os.killpg(self.pid, number)


class Lease:
    """A sign that a server lives: a lock on a file, which the kernel lets go when the server dies.

    Unlike a process id it cannot be mistaken for somebody else's, also not when a container comes
    back with another host name and the same small numbers.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.pid = path, os.getpid()
        self._file = path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Let go, as a server does that closes."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def lease_held(path: Path) -> bool:
    """Whether the server whose lease this is still lives."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time does what is inside; the others wait."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pid_started(pid: int) -> str | None:
    """When the process with this id started, or None if there is none: an id alone is used again."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}:{ticks}"


def end_stranger(pid: int, started: str | None) -> None:
    """Kill a worker that another server left behind, if it is still the process we mean."""
    if started is not None and pid_started(pid) == started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _started_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
