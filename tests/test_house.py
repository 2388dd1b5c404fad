"""The rules of the house that no linter knows: what is public, how long, named how, imported when."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

import pellucid

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "pellucid"
ROOMS = sorted(PACKAGE.rglob("*.py"))

# Rooms whose behaviour another room's test states: none is allowed without its reason beside it.
TESTED_ELSEWHERE: dict[str, str] = {}

VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "stuff"}


def rooms_with_torch() -> set[str]:
    """The rooms that may import torch at their tops, as import-linter's contract names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (contract,) = (one for one in contracts if "torch" in one.get("forbidden_modules", []))
    return {line.partition(" -> ")[0] for line in contract["ignore_imports"]}


def rooms_and_trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        yield room.relative_to(ROOT).as_posix(), ast.parse(room.read_text("utf-8"))


def tracked() -> list[Path]:
    """The files of the checkout that are, or are about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode != 0:
        pytest.skip("This is no git checkout.")
    names = listed.stdout.decode().split("\0")
    return [path for path in (ROOT / name for name in names if name) if path.is_file()]


def test_the_public_names_are_few_and_pinned() -> None:
    """`__all__` holds exactly these names, at most twelve, and the package has no other public name."""
    assert sorted(pellucid.__all__) == sorted(
        ["Classifier", "PellucidError", "Prediction", "Run", "check", "explore", "load", "train"]
    )
    assert len(pellucid.__all__) <= 12
    unlisted = {
        name
        for name, value in inspect.getmembers(pellucid)
        if not name.startswith("_")
        and name not in pellucid.__all__
        and str(getattr(value, "__module__", "")).startswith("pellucid")
    }
    assert unlisted == set()


def test_a_public_name_stays_what_it_is(tmp_path: Path) -> None:
    """No room takes the place of a public name of the package when it is imported (pellucid.load, say)."""
    code = (
        "import pellucid, types\n"
        "from importlib import import_module\n"
        "from pkgutil import walk_packages\n"
        "for room in walk_packages(pellucid.__path__, 'pellucid.'):\n"
        f"    if room.name not in {rooms_with_torch()}:\n"
        "        import_module(room.name)\n"
        "print(*(n for n in pellucid.__all__ if isinstance(getattr(pellucid, n), types.ModuleType)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_every_public_name_has_a_docstring() -> None:
    """Each public name, and each public member of a public class, says what it does."""
    silent = []
    for name in pellucid.__all__:
        value = getattr(pellucid, name)
        if name.startswith("__"):
            continue
        members = [(name, value)]
        if inspect.isclass(value):
            members += [(f"{name}.{m}", v) for m, v in vars(value).items() if not m.startswith("_")]
        silent += [
            path
            for path, member in members
            if (callable(member) or isinstance(member, property)) and not inspect.getdoc(member)
        ]
    assert silent == []


def test_files_and_functions_stay_short() -> None:
    """No file of the package has more than 400 lines and no function more than 60."""
    long = []
    for path, tree in rooms_and_trees():
        lines = len((ROOT / path).read_text("utf-8").splitlines())
        if lines > 400:
            long.append(f"{path}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 60:
                    long.append(f"{path}: {node.name} has {lines} lines")
    assert long == []


def unwanted(node: ast.AST) -> str | None:
    """What stands at this node that must not stand in the package, if anything."""
    if isinstance(node, ast.Assert):
        return "assert vanishes under python -O"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
        return node.func.id
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
        found = {name.split(".")[0] for name in names} & {"pickle", "cPickle", "dill", "shelve", "marshal"}
        return f"imports {found}" if found else None
    if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
        allowed = not (isinstance(node.value, ast.Constant) and node.value.value is False)
        return "allow_pickle" if allowed else None
    if isinstance(node, ast.keyword) and node.arg == "weights_only":
        safe = isinstance(node.value, ast.Constant) and node.value.value is True
        return None if safe else "weights_only"
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return "a bare except"
    return None


def test_the_package_holds_no_assert_pickle_eval_or_bare_except() -> None:
    """Nothing in the package depends on -O, unpickles, evaluates text, or catches what it does not name."""
    found = [
        f"{path}:{getattr(node, 'lineno', '?')}: {reason}"
        for path, tree in rooms_and_trees()
        for node in ast.walk(tree)
        if (reason := unwanted(node))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "assert x",
        "eval('1')",
        "import pickle",
        "from pickle import load",
        "np.load(f, allow_pickle=True)",
        "torch.load(f, weights_only=False)",
        "try:\n    f()\nexcept:\n    pass",
    ],
)
def test_the_search_finds_what_it_searches_for(code: str) -> None:
    """Each construct that the package must not hold is recognised."""
    assert any(unwanted(node) for node in ast.walk(ast.parse(code)))


def test_whatever_is_imported_is_declared() -> None:
    """Each library that a room imports stands in pyproject.toml, not only in what another library needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    declared = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in asked}
    modules = {module: names for module, names in packages_distributions().items() if module.isidentifier()}
    missing = set()
    for room, tree in rooms_and_trees():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for top in {name.partition(".")[0] for name in names} - {"pellucid"} - sys.stdlib_module_names:
                givers = {name.lower().replace("_", "-") for name in modules.get(top, [top])}
                if not givers & declared:
                    missing.add((room, top))
    assert missing == set()


def test_every_room_has_a_test_of_its_name() -> None:
    """src/pellucid/data/split.py is tested by tests/data/test_split.py, and so on for every room."""
    missing = []
    for room in ROOMS:
        path = room.relative_to(PACKAGE)
        if path.name in ("__init__.py", "__main__.py") or path.as_posix() in TESTED_ELSEWHERE:
            continue
        if not (ROOT / "tests" / path.parent / f"test_{path.name}").is_file():
            missing.append(path.as_posix())
    assert missing == []


def test_every_test_says_what_it_states() -> None:
    """Each test function has a docstring: the behaviour in one sentence."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize(
    "name",
    [".coverage", ".coverage.host.pid1.Xabcdefx", ".hypothesis/x", ".pytest_cache/x", "x/__pycache__/x.pyc"],
)
def test_what_a_running_test_leaves_is_never_part_of_the_checkout(name: str) -> None:
    """git ignores what the suite writes beside the code while it runs, so `tracked` never meets it."""
    tracked()  # skips where there is no git checkout
    asked = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT)
    assert asked.returncode == 0


def test_no_room_has_a_vague_name() -> None:
    """No file or folder of ours is called utils, helpers, common or misc."""
    vague = [
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if {part.split(".")[0].lower() for part in path.relative_to(ROOT).parts} & VAGUE
    ]
    assert vague == []


def test_no_file_names_this_machine_or_a_registry() -> None:
    """No file holds a path of the machine it was written on, or the host of a package registry."""
    places = re.compile(
        r"(?<![\w.])/(?:work|root|home|farm)/"
        r"|pythonhosted\.or[g]|pypi\.or[g]/simple|registry\.npmj[s]|download\.pytorc[h]|deb\.debia[n]"
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(text.splitlines(), 1)
            if places.search(line)
        ]
    assert found == []


HEAVY = {"torch", "torchvision", "timm", "sklearn"}


def heavy_after(code: str, cwd: Path) -> set[str]:
    """Which of the slow libraries a fresh process has loaded after running the code."""
    report = f"\nimport sys\nprint('loaded:', *({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].removeprefix("loaded:").split())


def command(*arguments: str) -> str:
    """Code that runs the command line in the process, as the console script does."""
    return (
        "import sys\nfrom pellucid.cli import main\n"
        f"sys.argv = ['pellucid', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n"
        "    if end.code not in (None, 0):\n        raise\n"
    )


def test_a_slow_library_is_noticed(tmp_path: Path) -> None:
    """The search for slow libraries sees one that is loaded."""
    assert heavy_after("import sklearn", tmp_path) == {"sklearn"}


@pytest.mark.parametrize(
    "code",
    [
        "import pellucid\n[getattr(pellucid, name) for name in pellucid.__all__]",
        command("--help"),
        command("train", "--help"),
        command("check", "builtin:digits"),
        command("network"),
        command("network", "digits-convnet"),
        command("network", "vgg16"),
        command("backbones"),
        command("cache"),
    ],
)
def test_what_does_not_export_a_trunk_never_loads_torch(code: str, tmp_path: Path) -> None:
    """Importing, help, check, network, backbones and cache load neither torch nor timm."""
    assert heavy_after(code, tmp_path) == set()


def test_help_loads_nothing_but_the_command_line(tmp_path: Path) -> None:
    """NumPy alone takes as long to import as all of the help."""
    code = f"{command('--help')}\nprint(*{{'numpy', 'PIL', 'rich', 'scipy', 'cv2'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.slow
def test_a_run_on_a_cached_trunk_never_loads_torch(tmp_path: Path) -> None:
    """Once the trunk is exported, train and evaluate load neither torch nor timm; nor does an export as ONNX
    or as a page, nor what was exported."""
    subprocess.run(
        [sys.executable, "-c", command("train", "builtin:clipart", "--out", "first")],
        cwd=tmp_path,
        check=True,
    )
    for arguments in (
        ("train", "builtin:clipart", "--out", "second"),
        ("evaluate", "second", "builtin:clipart"),
        ("export", "second", "--format", "web"),
        ("export", "second"),
        ("evaluate", "second.onnx", "builtin:clipart"),
    ):
        assert heavy_after(command(*arguments), tmp_path) == set(), arguments
