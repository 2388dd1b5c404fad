"""The page's JavaScript: its pure functions under Node's own test runner, and the rules of its files."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import pellucid.classifying
import pellucid.lab

PAGE = Path(pellucid.lab.__file__).parent / "page"
MODULES = sorted([*PAGE.glob("*.js"), *Path(pellucid.classifying.__file__).parent.glob("page/*.js")])
TESTS = sorted((Path(__file__).parent / "modules").glob("*.test.mjs"))


def test_the_pure_functions_pass_under_node() -> None:
    """``node --test``; where there is no Node, this is skipped."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("There is no Node on this machine.")
    done = subprocess.run([node, "--test", *map(str, TESTS)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail 0" in done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_are_short_say_what_they_know_and_run_no_text(module: Path) -> None:
    """Under 300 lines, a comment at the top, no HTML from text, no code from text, nothing from elsewhere."""
    text = module.read_text("utf-8")
    assert len(text.splitlines()) < 300
    assert text.startswith("// ")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    addresses = set(re.findall(r"https?://[^\"'` ]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, which is not fetched
    assert all(name.startswith("./") for name in re.findall(r'from "([^"]+)"', text))


def test_the_page_holds_no_script_or_style_of_its_own() -> None:
    """Nothing that the Content-Security-Policy would have to make an exception for."""
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Page().feed((PAGE / "index.html").read_text("utf-8"))
    assert [given for tag, given in seen if tag == "script"] == [{"type": "module", "src": "lab.js"}]
    assert "style" not in {tag for tag, _ in seen}
    for _, given in seen:
        assert not [name for name in given if name == "style" or name.startswith("on")]
        assert not [value for value in given.values() if value and re.match(r"(https?:)?//", value)]
    assert not re.search(r"url\(|@import", (PAGE / "lab.css").read_text("utf-8"))
