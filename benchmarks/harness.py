"""What every benchmark shares: measuring processes, running the real app, and writing results down."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import shlex
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
LIBRARIES = (
    "streamlit",
    "numpy",
    "pandas",
    "scikit-learn",
    "torch",
    "pyod",
    "pyarrow",
    "python-calamine",
    "openpyxl",
    "playwright",
)
TICK = os.sysconf("SC_CLK_TCK")
sys.path.insert(0, str(ROOT))


# ---- command line and results


def options(doc: str | None, **extra: Any) -> argparse.Namespace:
    """The options every benchmark understands, and its own."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("LOUPE_BENCH_DATA"),
        help="folder of the labelled data (default: LOUPE_BENCH_DATA)",
    )
    parser.add_argument("--write", action="store_true", help="replace this benchmark's section of RESULTS.md")
    for name, facts in extra.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **facts)
    return parser.parse_args()


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as a Markdown table; everything but the first column stands to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def publish(title: str, text: str, *, write: bool, part: str = "") -> None:
    """Print a section, and on request put it in its place in RESULTS.md; a script may have several parts."""
    name = Path(sys.argv[0]).stem
    given = [argument for argument in sys.argv[1:] if argument != "--write"]
    shown = re.sub(r"--(data|kept)(=| )\S+", lambda told: f"--{told[1]} {told[1].upper()}", shlex.join(given))
    command = f"python benchmarks/{name}.py {shown}".strip()
    section = f"## {title}\n\n{text.strip()}\n\n{circumstances(command)}\n"
    print(section)
    if write:
        _put(f"{name} {part}".strip(), section)


def circumstances(command: str) -> str:
    """When, on what and with what it was measured."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"*{now}. {machine()}. {versions()}. `{command}`*"


def machine() -> str:
    """Processor, cores, memory and system in one line."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = model[1].strip() if model else platform.processor() or platform.machine()
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} shared cores ({processor}), {memory:.0f} GB, {system}, load {load:.1f} at the end"
    )


def versions() -> str:
    """Python and the libraries that matter."""
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _put(name: str, section: str) -> None:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    block = f"{start}\n{section}\n{end}"
    known = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.S)
    after = known.sub(lambda _: block, before) if known.search(before) else f"{before.rstrip()}\n\n{block}\n"
    RESULTS.write_text(after)


def met(value: float, limit: float, *, at_least: bool = False) -> str:
    """Whether a figure is reached."""
    return "reached" if (value >= limit if at_least else value <= limit) else "**missed**"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p90(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.9 * len(values)))]


# ---- processes


@dataclass(frozen=True)
class Run:
    """What one whole process, its children included, took."""

    wall: float  # seconds
    cpu: float
    peak_mb: float


def run(command: Sequence[str], **environment: str) -> Run:
    """Run a command to its end. Keep the caller small: Linux counts its memory into the child's peak."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, errors = _drained(process)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{shlex.join(command[:4])} … failed:\n{errors[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _drained(process: subprocess.Popen[str]) -> tuple[None, str]:
    """Everything the process says on stderr, without collecting its exit status."""
    assert process.stderr is not None
    return None, process.stderr.read()


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, so that this one stays small."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def cpu_seconds(pid: int) -> float:
    """Processor time of one process, all its threads, without its children."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICK


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Memory of a process: VmRSS is now, VmHWM the most so far."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


# ---- the real app and a real browser


@dataclass(frozen=True)
class Server:
    """The app as a user starts it."""

    pid: int
    address: str
    seconds_to_ready: float


@contextlib.contextmanager
def app(folder: Path) -> Iterator[Server]:
    """``streamlit run app.py`` with a workspace of its own, until the block ends."""
    port = free_port()
    environment = os.environ | {
        "LOUPE_WORKSPACE": str(folder / "workspace"),
        "LOUPE_MODELS": str(folder / "models"),
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _until_healthy(process, address)
        yield Server(process.pid, address, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def browser_page(width: int = 1400, height: int = 1000) -> Iterator[Any]:
    """A page in a fresh Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _until_healthy(process: subprocess.Popen[bytes], address: str, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the app ended with code {process.returncode}")
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.02)
    raise RuntimeError("the app did not become ready")
