"""The page's modules as one: every one of them joins, and what cannot be joined is refused."""

import json
import re
from importlib.resources import files

import pytest

from pellucid import bundle
from pellucid.bundle import bundled, lone_page, page_text

LAB = "pellucid.lab"
MODULES = sorted(
    one.name.removesuffix(".js") for one in files(LAB).joinpath("page").iterdir() if one.name.endswith(".js")
)


@pytest.mark.parametrize("entry", ["widget", "saved", "lab"])
def test_what_a_module_needs_stands_before_it(entry: str) -> None:
    """Each module once, none that is not there yet, no import and no export left."""
    text = bundled(LAB, entry)
    named = re.findall(r"^const \$(\w+) = ", text, re.MULTILINE)
    assert len(set(named)) == len(named)
    assert named[-1] == entry
    for place, name in enumerate(named):
        body = text.split(f"const ${name} = ", 1)[1].split("\n})();\n", 1)[0]
        assert set(re.findall(r"^const \{[^}]*\} = \$(\w+);$", body, re.MULTILINE)) <= set(named[:place])
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)


def test_every_module_of_the_page_can_be_joined() -> None:
    """So that a form that is not understood is noticed when it is written."""
    assert len(MODULES) > 30
    for name in MODULES:
        assert f"const ${name} = " in bundled(LAB, name)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('import two from "./two.js";\n', "one.js: 'import two from \"./two.js\";' is not understood here"),
        ("export default 1;\n", "one.js: 'export default 1;' is not understood here"),
        ('import { one } from "./one.js";\n', "the page's modules need each other: one -> one"),
    ],
)
def test_other_forms_are_refused(source: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than joined into something that does not run."""
    monkeypatch.setattr(bundle, "page_text", lambda package, name: source)
    with pytest.raises(ValueError) as caught:
        bundled(LAB, "one")
    assert str(caught.value) == words


def test_the_text_is_the_page_s_own() -> None:
    """Of a module's lines none is changed but those that import and export."""
    body = [
        line
        for line in page_text(LAB, "numbers.js").splitlines()
        if not line.startswith(("import", "export"))
    ]
    assert all(line in bundled(LAB, "numbers").splitlines() for line in body)


def test_a_lone_page_runs_one_script_and_holds_its_data_as_data() -> None:
    """The policy names the script and the style by their digests (those of no text at all are the standard's
    example), and text that would end an element does not."""
    page = lone_page("<b>", "", "", "<p>here</p>", {"told": "</script><script>"}, images="'none'")
    empty = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    assert f"default-src 'none'; script-src {empty}; style-src {empty}; img-src 'none';" in page
    assert "<title>&lt;b&gt;</title>" in page
    told = re.search(r'<script type="application/json" id="told">(.*)</script>', page)
    assert told is not None
    assert "<" not in told[1]
    assert json.loads(told[1]) == "</script><script>"
