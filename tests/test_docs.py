"""The documentation is executed: every command and every piece of Python in README.md and docs/.

The blocks of one page run in order, in one folder and one namespace. The folder holds ``photos`` and
``later``, folders of class folders made from the shipped clip art. In a console block a line that begins
with ``$`` is run by bash, and the lines under it are what it prints, where ``...`` stands for anything.
A comment in the line before a block changes that: ``<!-- exit 2 -->`` expects that status of its last
command, and ``<!-- not run: reason -->`` leaves the block out.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pellucid.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_KINDS = {"python", "console"}
# Blocks that cannot be run here, over all pages. A larger number needs a good reason.
NOT_RUN_AT_MOST = 4
PHOTOS_PER_CLASS = 30
LATER_PER_CLASS = 10

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\S*).*\n(?P<body>(?:.*\n)*?)(?P=indent)```[ ]*$", re.MULTILINE
)
MARK = re.compile(r"<!-- (?:not run: (?P<reason>.+?)|exit (?P<status>\d+)) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: where it is, what it holds, and what the comment before it says."""

    line: int
    kind: str
    body: str
    reason: str | None
    status: int | None


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page in order, without the indentation of the list item they stand in."""
    found = []
    for fence in FENCE.finditer(text):
        mark = MARK.search(text[: fence.start()])
        body = re.sub(rf"^{fence['indent']}", "", fence["body"], flags=re.MULTILINE)
        status = int(mark["status"]) if mark and mark["status"] else None
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(line, fence["kind"], body, mark["reason"] if mark else None, status))
    return found


def commands_of(body: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what is expected to be printed under it."""
    command: list[str] = []
    expected: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield "\n".join(command), "\n".join(expected)
            command, expected = [line[2:]], []
        elif command and command[-1].endswith("\\") and not expected:
            command.append(line.removeprefix("> "))
        else:
            expected.append(line)
    if command:
        yield "\n".join(command), "\n".join(expected)


def told(expected: str, printed: str) -> bool:
    """Whether what was printed is what the page shows; ``...`` stands for anything, spaces count once."""
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in expected.split("...")]
    pattern = ".*".join(parts)
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def run_console(block: Block, folder: Path) -> None:
    """Run the commands of the block; what they print, and the status of the last, are what the page says."""
    scripts = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    commands = list(commands_of(block.body))
    for number, (command, expected) in enumerate(commands, 1):
        last = number == len(commands)
        wanted = {block.status} if last and block.status is not None else {0, 3}
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        where = f"line {block.line}: $ {command}\n{done.stdout}\n{done.stderr}"
        assert done.returncode in wanted, f"exit status {done.returncode} of {where}"
        # A page may leave out what goes to standard error, or show it before or after the result.
        printed = (done.stdout, done.stderr + done.stdout, done.stdout + done.stderr)
        assert not expected.strip() or any(told(expected, text) for text in printed), (
            f"the page shows\n{expected}\n{where}"
        )


def run_python(block: Block, page: Path, namespace: dict[str, Any]) -> None:
    """Run a block of Python; one that shows prompts is run as a doctest."""
    name = f"{page.name}:{block.line}"
    if ">>> " not in block.body:
        exec(compile(block.body, name, "exec"), namespace)  # noqa: S102
        return
    examples = doctest.DocTestParser().get_doctest(block.body, namespace, name, str(page), block.line)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(examples, out=said.append, clear_globs=False)
    assert runner.failures == 0, "".join(said)
    namespace.update(examples.globs)


def runnable(page: Path) -> list[Block]:
    return [
        block for block in blocks_of(page.read_text("utf-8")) if block.kind in RUN_KINDS and not block.reason
    ]


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: ``photos`` and ``later``, class folders of shipped clip art."""
    from pellucid.data.source import open_source

    folder = tmp_path_factory.mktemp("reader")
    source = open_source("builtin:clipart")
    taken: dict[str, int] = {}
    for index, item in enumerate(source.items):
        place = taken.get(item.label, 0)
        taken[item.label] = place + 1
        if place >= PHOTOS_PER_CLASS + LATER_PER_CLASS:
            continue
        top = "photos" if place < PHOTOS_PER_CLASS else "later"
        path = folder / top / item.label / Path(item.path).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read(index))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if runnable(page)],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_block_of_the_page_runs(
    page: Path, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the page exits as the page says and prints what it shows; its Python runs."""
    shutil.copytree(reader, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in runnable(page):
        if block.kind == "console":
            run_console(block, tmp_path)
        else:
            run_python(block, page, namespace)


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    """At most a handful of blocks are not run, and each has a reason of more than a word or two."""
    reasons = [
        block.reason
        for page in PAGES
        for block in blocks_of(page.read_text("utf-8"))
        if block.kind in RUN_KINDS and block.reason
    ]
    assert len(reasons) <= NOT_RUN_AT_MOST
    assert [reason for reason in reasons if len(reason.split()) < 3] == []


def test_every_block_says_what_it_is() -> None:
    """Each fenced block is of a kind that is run or of one that is only read."""
    kinds = {"python", "console", "text", "json", "csv", "toml"}
    strange = [
        f"{page.relative_to(ROOT)}:{block.line}: {block.kind!r}"
        for page in PAGES
        for block in blocks_of(page.read_text("utf-8"))
        if block.kind not in kinds
    ]
    assert strange == []


def test_blocks_commands_and_marks_are_found() -> None:
    """The reader of pages finds indented blocks, marks, continued commands and what is expected of them."""
    page = (
        "1. Do:\n\n   ```console\n   $ echo a \\\n       b\n   a b\n   $ false\n   ```\n\n"
        "<!-- not run: needs a second machine -->\n\n```python\nx = 1\n```\n"
        "<!-- exit 2 -->\n```console\n$ exit 2\n```\n"
    )
    first, second, third = blocks_of(page)
    assert list(commands_of(first.body)) == [("echo a \\\n    b", "a b"), ("false", "")]
    assert (first.line, first.kind, first.reason, first.status) == (3, "console", None, None)
    assert (second.kind, second.reason) == ("python", "needs a second machine")
    assert third.status == 2


def test_a_wrong_page_is_noticed(tmp_path: Path) -> None:
    """A command that fails, a wrong exit status, other output and a wrong value each fail the page."""
    for body, status in (("$ false\n", None), ("$ true\n", 2), ("$ echo one\ntwo\n", None)):
        with pytest.raises(AssertionError):
            run_console(Block(1, "console", body, None, status), tmp_path)
    run_console(Block(1, "console", "$ echo one two three\none ... three\n", None, None), tmp_path)
    with pytest.raises(AssertionError):
        run_python(Block(1, "python", ">>> 1 + 1\n3\n", None, None), tmp_path, {})


def test_the_reference_is_what_the_code_says() -> None:
    """The generated pages in docs/reference/ are up to date; `make reference` writes them anew."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_command_s_json_is_told() -> None:
    """The page of keys has a heading that names each command; that of network is no exception."""
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    told = {name for line in page.splitlines() if line.startswith("## ") for name in re.findall(r"\w+", line)}
    assert {command.callback.__module__.rpartition(".")[2] for command in app.registered_commands} <= told


def test_no_page_of_the_site_loads_anything_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures of the built pages come with them: they are read offline."""
    loads = re.compile(r"""<(?:script|img|iframe|source)[^>]+src=["']?(?:https?:)?//[^>]+>|<link[^>]+>""")
    links = re.compile(r"""rel=["']?(?:stylesheet|preconnect|preload|icon)\b""")
    outside = re.compile(r"""href=["']?(?:https?:)?//""")
    found = []
    for page in site.rglob("*.html"):
        for tag in loads.findall(page.read_text("utf-8")):
            if not tag.startswith("<link") or (links.search(tag) and outside.search(tag)):
                found.append(f"{page.relative_to(site)}: {tag}")
    assert found == []


def test_every_page_stands_in_the_menu(site: Path) -> None:
    """Each page under docs/ can be reached from the menu."""
    configuration = (ROOT / "mkdocs.yml").read_text("utf-8")
    missing = [
        page.relative_to(ROOT / "docs").as_posix()
        for page in PAGES[1:]
        if page.relative_to(ROOT / "docs").as_posix() not in configuration
    ]
    assert missing == []
