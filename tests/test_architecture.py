"""The laws of ARCHITECTURE.md, read from the sources: imports with `ast`, names, sizes, and the README's tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engine import CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pages", "ui", "engine")
FRONT_DOORS = {"engine", "engine.charts"}
SERVED = {"engine.api.deferred", "engine.api.application"}
HEAVY = {"sklearn", "torch", "vl_convert"}
SCREEN = {"streamlit", "altair"}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "processor"}
RUNS_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "skops"}
UNPICKLING_CALLS = {"joblib.load", "torch.load", "pd.read_pickle", "pandas.read_pickle"}
LONGEST_FILE = {"pages": 100, "ui": 260, "engine": 360}
LONGEST_FUNCTION = 75


# ---- reading the sources


def sources(*folders: str) -> list[Path]:
    """Every Python file of some rooms; of all of them and the server without an argument."""
    found = [path for folder in folders or ROOMS for path in sorted((ROOT / folder).rglob("*.py"))]
    return found if folders else [ROOT / "app.py", *found]


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules_of(node: ast.AST, path: Path) -> list[str]:
    """The modules an import statement names: `from a import b` may mean `a`, or `a.b` if that is a file."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
        base = ".".join([*package, *filter(None, [base])])
    return [f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base for alias in node.names]


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def imports(path: Path) -> set[str]:
    """Every module a file imports anywhere."""
    return {module for node in ast.walk(tree(path)) for module in modules_of(node, path)}


def imports_at_once(path: Path) -> set[str]:
    """The modules imported as soon as the file is: neither inside functions nor for type checkers alone."""

    def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                yield from statements(node.orelse)
                continue
            yield node
            for name in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from statements(handler.body)

    return {module for node in statements(tree(path).body) for module in modules_of(node, path)}


def top(module: str) -> str:
    return module.split(".")[0]


def breaches(paths: list[Path], forbidden: set[str]) -> list[str]:
    """`file imports module` for each import of a forbidden package."""
    return [f"{short(p)} imports {m}" for p in paths for m in sorted(imports(p)) if top(m) in forbidden]


def dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""


# ---- who may import whom


def test_engine_knows_nothing_of_the_screen() -> None:
    assert not breaches(sources("engine"), {"streamlit", "ui", "pages", "app"})


def test_ui_does_not_look_up_to_pages() -> None:
    assert not breaches(sources("ui"), {"pages", "app"})


def test_pages_do_not_import_each_other_nor_the_server() -> None:
    assert not breaches(sources("pages"), {"pages", "app"})


def test_pages_hold_no_maths() -> None:
    assert not breaches(sources("pages"), {"numpy", "pandas", "scipy", "pyarrow", "altair", *HEAVY})


@pytest.mark.parametrize("room", ["pages", "ui"])
def test_rooms_above_use_the_engines_front_door(room: str) -> None:
    around = [
        f"{short(path)} imports {module}"
        for path in sources(room)
        for module in sorted(imports(path))
        if top(module) == "engine" and module not in FRONT_DOORS
    ]
    assert not around


def test_server_starts_the_screen_and_the_api_and_nothing_else() -> None:
    ours = {module for module in imports(ROOT / "app.py") if top(module) in ROOMS}
    assert all(top(module) == "ui" or module in FRONT_DOORS | SERVED for module in ours), sorted(ours)


def test_server_starts_without_waiting_for_the_api() -> None:
    assert {module for module in imports_at_once(ROOT / "app.py") if top(module) == "engine"} == {
        "engine.api.deferred"
    }
    program = (
        "import sys, engine.api.deferred\nprint(*{'fastapi', 'pydantic', 'sqlalchemy'} & set(sys.modules))"
    )
    assert loaded_by(program) == ""


def test_api_needs_no_heavy_library() -> None:
    program = f"import sys, engine.api.serving\nprint(*{HEAVY | SCREEN} & set(sys.modules))"
    assert loaded_by(program) == ""


def test_only_the_api_knows_its_framework() -> None:
    elsewhere = [path for path in sources() if not short(path).startswith("engine/api/")]
    assert not breaches(elsewhere, {"fastapi", "pydantic", "uvicorn"})


def test_altair_is_used_only_by_charts() -> None:
    elsewhere = [path for path in sources() if not short(path).startswith("engine/charts/")]
    assert not breaches(elsewhere, {"altair"})


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    early = [
        f"{short(path)} imports {module}"
        for path in sources()
        if not short(path).startswith("engine/networks/")
        for module in sorted(imports_at_once(path))
        if top(module) in HEAVY
    ]
    assert not early


def test_networks_import_only_torch() -> None:
    allowed = {"torch", *sys.stdlib_module_names}
    others = [
        f"{short(path)} imports {module}"
        for path in sources("engine/networks")
        for module in sorted(imports(path))
        if top(module) not in allowed and not module.startswith("engine.networks")
    ]
    assert not others


NUMBERS_ALONE = [
    *("thresholds", "metrics", "alarms", "drift", "distributions", "classification"),
    *("rules", "false_discovery", "extreme_values", "labelled_lines", "bootstrap", "groups"),
    *("agreement", "paired_bootstrap"),
    *("events", "series_metrics", "event_metrics", "affiliation", "series_evaluation"),
]


@pytest.mark.parametrize("name", NUMBERS_ALONE)
def test_judging_needs_only_numbers(name: str) -> None:
    allowed = {"numpy", "scipy", *sys.stdlib_module_names}
    found = imports(ROOT / "engine" / "scoring" / f"{name}.py")
    ours = {"engine.errors", *(f"engine.scoring.{other}" for other in NUMBERS_ALONE)}
    assert {m for m in found if top(m) not in allowed} <= ours


def test_front_door_opens_without_heavy_libraries() -> None:
    program = (
        "import sys, engine, engine.charts, engine.cli, engine.commands\n"
        "for name in engine.__all__: getattr(engine, name)\n"
        f"print(*{HEAVY | SCREEN} & set(sys.modules))"
    )
    assert loaded_by(program) == ""


def loaded_by(program: str) -> str:
    """What a small program prints; it must end well."""
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


# ---- one place for each thing


@pytest.mark.parametrize(
    ("homes", "names"),
    [
        (("ui/session.py",), {"session_state", "query_params", "cookies"}),
        (("ui/cache.py", "ui/cache_series.py", "ui/cache_checked.py"), {"cache_data", "cache_resource"}),
    ],
)
def test_streamlit_state_has_one_home(homes: tuple[str, ...], names: set[str]) -> None:
    strays = [
        f"{short(path)}:{node.lineno}"
        for path in sources()
        if short(path) not in homes
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & names)
    ]
    assert not strays


def test_nothing_is_unpickled() -> None:
    found = breaches(sources(), RUNS_CODE)
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and dotted(node.func) in UNPICKLING_CALLS:
                found.append(f"{short(path)}:{node.lineno} calls {dotted(node.func)}")
            if (
                isinstance(node, ast.keyword)
                and node.arg == "allow_pickle"
                and ast.unparse(node.value) != "False"
            ):
                found.append(f"{short(path)}:{node.value.lineno} allows pickle")
            if isinstance(node, ast.ImportFrom) and node.module in ("joblib", "torch"):
                found += [f"{short(path)}:{node.lineno}" for alias in node.names if alias.name == "load"]
    assert not found


def test_no_page_names_a_detector() -> None:
    names = set(CATALOGUE)
    titles = {kind.title.lower() for kind in CATALOGUE.values()}
    named = []
    for path in sources("pages", "ui"):
        described = docstrings(tree(path))
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in described:
                continue
            if node.value in names or any(title in node.value.lower() for title in titles):
                named.append(f"{short(path)}:{node.lineno} says '{node.value[:60]}'")
    assert not named


def docstrings(module: ast.Module) -> set[int]:
    """The string nodes that are docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    firsts = [node.body[0] for node in ast.walk(module) if isinstance(node, owners) and node.body]
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}


# ---- size and names


@pytest.mark.parametrize("room", list(LONGEST_FILE))
def test_files_stay_readable(room: str) -> None:
    lengths = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(room)}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE[room]}


def test_functions_stay_readable() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{short(path)}:{node.lineno} {node.name} has {length} lines"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, functions)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long


def test_files_are_named_after_what_they_hold() -> None:
    vague = [short(path) for path in sources(*ROOMS, "tests") if path.stem in BANNED_NAMES]
    assert not vague


def test_every_file_says_what_it_is_for() -> None:
    silent = [short(path) for path in sources() if tree(path).body and not ast.get_docstring(tree(path))]
    assert not silent


# ---- the README's tree


def drawn_tree() -> set[str]:
    """The paths of the tree in the README: indented by two spaces a level, folders end with a slash."""
    block = re.search(r"^## The tree\n.*?```\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S | re.M)
    assert block, "the README has no code block under '## The tree'"
    folders: list[str] = []
    drawn = set()
    for line in filter(str.strip, block[1].splitlines()):
        name = line.split()[0]
        level = (len(line) - len(line.lstrip())) // 2
        folders[level:] = [name]
        drawn.add("".join(folders[: level + 1]))
    return drawn


def test_readme_names_nothing_that_is_not_there() -> None:
    assert not [path for path in drawn_tree() if not (ROOT / path).exists()]


def test_readme_names_every_file() -> None:
    """Of the top level as git knows it, and of every room: one line each."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tracked = {path.split("/")[0] for path in listed.stdout.splitlines()}
    expected = {
        f"{name}/" if (ROOT / name).is_dir() else name for name in tracked if not name.startswith(".")
    }
    for path in sources():
        parts = path.relative_to(ROOT).parts
        if path.name != "__init__.py" or len(parts) == 2:
            expected.add("/".join(parts) if len(parts) <= 3 else "/".join(parts[:3]) + "/")
    assert sorted(expected - drawn_tree()) == []
