"""The whole page: what it says, that no name can harm it, and that it loads nothing."""

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.evaluation.metrics import evaluate

Make = Callable[..., Any]
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>\n\x1b[31m\u202e',
    "x" * 250,
    "\udcff\udcfe 'q' {{ 7 * 7 }} {% raw %}",
    "' onmouseover='alert(3)' style='position:fixed;inset:0",
    "<!-- </style></title></textarea><svg onload=alert(4)>",
    "\u05e2\u05d1\u05e8\u05d9\u05ea & &lt;b&gt;",
)
DASH = "\N{EN DASH}"


class Page(HTMLParser):
    """The page as a browser would take it: its elements, its text, and its tables as rows of texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.comments: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._text: list[str] = []
        self._caption = ""
        self._row: list[str] | None = None
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join("".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self.tables.setdefault(self._caption, []).append(row := [])
            self._row = row
        if tag in ("td", "th") and self._row is not None:
            self._row.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tr", "tbody", "tfoot", "thead"):
            self._row = None

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if self.elements and self.elements[-1][0] == "caption":
            self._caption = " ".join((self._caption + data).split())
        if self._row:
            self._row[-1] = " ".join((self._row[-1] + data).split())


def count(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_answer_is_one_sentence_and_its_meaning_follows(make: Make) -> None:
    """The figure, its interval, how small the test split is, and what guessing would reach."""
    text = Page(make(n=36, wrong=1).page()).text
    assert "35 of 36 test pictures right: 97.2 %, 95 % interval 85.8 to 99.5 %." in text
    assert (
        "The classifier had never seen these 36 pictures. With 36 pictures the truth may lie anywhere "
        "between 85.8 % and 99.5 %, and one mistake more or fewer moves the figure by 2.8 points. About 190 "
        "test pictures would narrow that to ± 2.5 points. Answering ants every time, without looking, would "
        "be right 50.0 % of the time." in text
    )
    assert "do not show that it has learnt anything" not in text
    assert "do not show that it has learnt anything" in Page(make(n=10, wrong=5).page()).text


def test_the_split_and_the_confusion_matrix_add_up(make: Make) -> None:
    """Each printed total is the sum of what is printed above or beside it."""
    page = Page(make(("ants", "bees", "wasps"), n=50, wrong=7).page())
    split = page.tables["How the 258 readable pictures were shared out."]
    assert [row[0] for row in split] == ["part", "training", "validation", "test", "together"]
    assert sum(count(row[1]) for row in split[1:-1]) == count(split[-1][1]) == 258
    matrix = page.tables["Confusion matrix"]
    assert matrix[0] == ["is \\ said", "ants", "bees", "wasps", "all"]
    cells = np.array([[count(cell) for cell in row[1:]] for row in matrix[1:]])
    assert (cells[:, :-1].sum(axis=1) == cells[:, -1]).all()
    assert (cells[:-1].sum(axis=0) == cells[-1]).all()
    assert cells[-1, -1] == 50
    assert np.trace(cells[:-1, :-1]) == 43


def test_the_classes_are_listed_with_the_worst_recall_first(make: Make) -> None:
    """Recall, its interval, precision and F1 stand beside the counts behind them."""
    rows = Page(make(("ants", "bees"), n=35, wrong=2).page()).tables["Lowest recall first"]
    assert rows[1] == ["bees", "122", "17", "16", "94.1", "73.0 to 99.0 %", "94.1", "94.1"]
    assert rows[2] == ["ants", "122", "18", "17", "94.4", "74.2 to 99.0 %", "94.4", "94.4"]


def test_a_figure_that_is_not_defined_is_a_dash(make: Make) -> None:
    """A class that was never tested and never answered has no recall, precision or F1."""
    made = make(("ants", "bees", "wasps"), n=30, wrong=0)
    made.labels_N = np.arange(30) % 2
    made.probabilities_NK = np.eye(3)[made.labels_N]
    made.record["evaluation"] = evaluate(
        made.probabilities_NK, made.labels_N, ("ants", "bees", "wasps")
    ).to_json()
    page = Page(made.page())
    assert page.tables["Lowest recall first"][-1] == ["wasps", "122", "0", "0", DASH, DASH, DASH, DASH]
    assert "1 class is not shown: no right answer, or no more room." in page.text


def test_the_phases_add_up_to_the_total(make: Make) -> None:
    """What no phase accounts for is a row of its own, so that the column re-adds."""
    rows = Page(make().page()).tables[
        "A processor of two cores, 2 cores, Linux. The writing of this page is not counted."
    ]
    assert [row[0] for row in rows[1:]] == [
        "scan",
        "features",
        "head",
        "evaluation",
        "everything else",
        "total",
    ]
    seconds = [float(row[1].removesuffix(" s")) for row in rows[1:]]
    assert sum(seconds[:-1]) == pytest.approx(seconds[-1])


def test_it_says_how_the_run_was_made_and_how_to_repeat_it(make: Make) -> None:
    """The measured fits, the strengths tried, the temperature, the command, the digests and the versions."""
    page = Page(make().page())
    fits = page.tables["Ways to fit a picture, on the validation pictures; the chosen one is bold."]
    assert [row[0] for row in fits[1:]] == ["squash", "letterbox", "crop"]
    assert "Each picture becomes 224 \N{MULTIPLICATION SIGN} 224 pixels (squash)." in page.text
    assert "0.1 had the least log loss on 37 validation pictures." in page.text
    assert "softened: temperature 1.2." in page.text
    assert (
        "pellucid train --recipe auto --backbone efficientnet_lite0 --split 70,15,15 --seed 0 'my photos'"
        in page.text
    )
    for fact in (
        "5d" * 16,
        "c0" * 16,
        "(x \N{MINUS SIGN} 127.5) / 127.5",
        "1.30.0",
        "bees/broken.jpg",
        "the file is truncated",
    ):
        assert fact in page.text
    for words in ("Near duplicates", "Look at these two.", "ants/2.jpg", "The split follows content."):
        assert words in page.text


def test_findings_of_one_kind_stand_under_one_heading(make: Make) -> None:
    """Each advice once; more than twenty are folded, more than two hundred counted."""
    made = make()
    made.record["findings"] += [
        {"kind": "few pictures", "pictures": 0, "paths": [], "advice": f"Class {number} has 3 pictures."}
        for number in range(205)
    ]
    made.record["findings"].append({"kind": "near_duplicates", "paths": ["a.jpg"], "advice": "And at this."})
    html = made.page()
    text = Page(html).text
    assert [html.count(f"<h3>{kind}</h3>") for kind in ("Few pictures", "Near duplicates")] == [1, 1]
    assert "<details><summary>205&nbsp;findings" in html.replace("\xa0", "&nbsp;")
    assert text.index("Near duplicates") < text.index("And at this.") < text.index("Few pictures")
    assert [text.count(f"Class {number} has 3 pictures.") for number in (0, 199, 200)] == [1, 1, 0]
    assert "5 more findings: all are in run.json." in text


def tuned(make: Make) -> Any:
    """The record of a run whose upper layers learnt further."""
    made = make()
    made.record["recipe"] = made.record["chosen"] = "finetune"
    made.record["head"]["refitted"] = False
    made.record["finetune"] = {
        "boundary": "blocks.5",
        "parameters": 1000,
        "frozen": 2000,
        "proof": {"equal": 30, "changed": 12},
        "stopped": "All 3 epochs were done.",
        "best": 3,
        "weights": "last",
        "rates": [],
        "plan": {"rate": 0.001},
        "epochs": [],
        "refitted": 208,
    }
    return made


def test_a_fine_tuned_run_tells_the_frozen_classifier_from_its_own(make: Make) -> None:
    """What was learnt on frozen layers is told as what came first; the temperature is that of the last."""
    text = Page(tuned(make).page()).text
    assert "First, on frozen layers: those of efficientnet_lite0 (up to pool) turn a picture into" in text
    assert "The classifier on frozen layers, which fine-tuning had to beat" in text
    assert text.count("Its probabilities are softened: temperature 1.2.") == 1
    assert text.index("Fine-tuning Above blocks.5") < text.index("Its probabilities are softened")
    assert "choosing settings and calibrating; then learning, once all was chosen" in text
    assert "never learnt from directly" not in text
    plain = Page(make().page()).text
    assert "The frozen layers of efficientnet_lite0 (up to pool) turn a picture into" in plain
    assert "which fine-tuning had to beat" not in plain


def test_confidence_is_put_in_words_and_curves_are_there_for_two_classes(make: Make) -> None:
    """The calibration error is said in points, areas under the curves; three classes have no curves."""
    made = make()
    page = Page(made.page())
    error = 100 * made.record["evaluation"]["calibration"]["expected_calibration_error"]
    assert f"the two are {error:.1f} points apart (the expected calibration error);" in page.text
    assert f"Area {made.record['evaluation']['curves']['roc_auc']:.3f} (guessing: 0.5)." in page.text
    three = make(("ants", "bees", "wasps"), n=36).page()
    assert "ROC" not in three
    assert [tag for tag, _ in Page(made.page()).elements].count("svg") == 4
    assert [tag for tag, _ in Page(three).elements].count("svg") == 2


def test_mistakes_and_typical_pictures_are_shown_as_what_they_are(make: Make) -> None:
    """Each thumbnail's text alternative names the file, what it is, and what a mistake was taken for."""
    page = Page(make(n=36, wrong=2).page())
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert sorted(alts[:2]) == [
        "ants/0.jpg: is ants, was taken for bees",
        "bees/1.jpg: is bees, was taken for ants",
    ]
    assert len(alts) == 2 + 2 * 4
    assert Counter(alt.rsplit(": ")[1] for alt in alts[2:]) == {"ants": 4, "bees": 4}


def test_a_run_without_mistakes_says_so(make: Make) -> None:
    """36 of 36 is 100.0 % with an interval that is not."""
    text = Page(make(n=36, wrong=0).page()).text
    assert "36 of 36 test pictures right: 100.0 %, 95 % interval 90.4 to 100.0 %." in text
    assert "There is none to show: 36 test pictures, no mistake." in text


def test_pictures_that_are_gone_or_broken_leave_their_place(make: Make) -> None:
    """The page is made all the same."""
    made = make()
    made.picture = lambda path: None if path.startswith("ants") else b"no picture"
    page = Page(made.page())
    assert "img" not in {tag for tag, _ in page.elements}
    assert page.text.count("picture gone") == 9


def test_an_empty_test_split_makes_a_page_that_claims_nothing(make: Make) -> None:
    """Nothing was tested: no figure is invented."""
    page = Page(make(n=0, wrong=0).page())
    assert (
        "There was no test picture, so nothing is known of how well this does on new pictures." in page.text
    )
    assert "test pictures right" not in page.text


def test_a_record_with_less_and_with_more_in_it_is_rendered(make: Make) -> None:
    """No fits, findings, notes, skips or class weights is fine; keys of later versions are passed over."""
    made = make()
    made.record.update(fits=None, findings=[], notes=[], skipped=[], stages=[], epochs=[1, 2])
    made.record["samples"]["skipped"] = 0
    made.record["head"].update(
        tried=[], regularisation=None, class_weights={"ants": 1.25, "bees": 0.8}, temperature=1
    )
    made.record["request"]["novel"] = True
    del made.record["head"]["calibration"]
    page = Page(made.page())
    assert "Nothing was left out." in page.text
    assert "Ways to fit" not in page.text
    made.record["fits"] = {"chosen": "squash", "why": "It was asked for.", "tried": []}
    text = Page(made.page()).text
    assert "It was asked for." in text and "Ways to fit" not in text
    assert page.tables["How much a training picture of each class counted."][1:] == [
        ["ants", "1.250"],
        ["bees", "0.800"],
    ]


@pytest.mark.parametrize(("classes", "cells"), [(30, 900), (150, 0)])
def test_many_classes_are_folded(make: Make, classes: int, cells: int) -> None:
    """The most confused pairs stand open; the matrix is folded, or left out where it would not fit."""
    names = [f"class {number}" for number in range(classes)]
    html = make(names, n=2 * classes, wrong=20).page()
    page = Page(html)
    assert "The pairs most often confused: 15 of 20." in page.tables
    assert ('<details class="folded">' in html) == bool(cells)
    matrix = page.tables.get("Confusion matrix", [])
    assert sum(len(row) - 2 for row in matrix[1:-1]) == cells
    assert len(page.tables["Lowest recall first"]) == 21
    assert len(page.tables["The other classes, in the same order"]) == classes - 20 + 1
    assert ("the whole matrix does not fit here" in page.text) == (not cells)


def test_the_page_is_the_same_every_time_and_small(make: Make) -> None:
    """Rendered twice it is equal; with 100 classes and noise for pictures it stays under 1.5 MB."""
    made = make([f"class {number}" for number in range(100)], n=800, wrong=60)
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    made.picture = lambda path: b"P6 300 200 255\n" + noise.tobytes()
    first = made.page()
    assert first == made.page()
    assert first.count("data:image/jpeg") == 18 + 32 + 12
    assert len(first.encode()) < 1_500_000


def hostile(make: Make, names: tuple[str, ...]) -> Any:
    made = make(names, n=70, wrong=12)
    record = made.record
    record["source"]["name"] = record["request"]["source"] = "".join(names[:2])
    record["skipped"] = [{"path": name, "reason": f"no picture: {name}"} for name in names]
    record["findings"] = [
        {"kind": name, "pictures": 500, "paths": list(names), "advice": name} for name in names
    ]
    record["notes"] = list(names)
    record["machine"]["processor"] = record["versions"]["python"] = record["head"]["why"] = names[0]
    record["fits"]["why"] = record["stages"][0]["name"] = names[1]
    record["head"]["class_weights"] = dict.fromkeys(names, 1.0)
    return made


def test_a_name_never_becomes_markup(make: Make) -> None:
    """With hostile names the page has exactly the elements and attributes that it has with harmless ones."""
    harmless = tuple(f"class {number}" for number in range(len(HOSTILE)))
    page, reference = Page(hostile(make, HOSTILE).page()), Page(hostile(make, harmless).page())
    assert page.elements == reference.elements
    assert page.comments == reference.comments == []
    assert page.text.count("493 more files: pellucid check counts them.") == len(HOSTILE)
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "{{ 7 * 7 }} {% raw %}" in page.text


def test_any_name_can_be_written_as_utf8_and_holds_no_control_character(make: Make) -> None:
    """Stray bytes, escapes and overrides are shown as escapes."""
    html = hostile(make, HOSTILE).page()
    html.encode("utf-8")
    assert all(letter.isprintable() or letter in "\n\xa0" for letter in html)
    assert r"\udcff\udcfe" in html
    assert r"\n\x1b[31m\u202e" in html


def test_nothing_is_loaded_from_anywhere(make: Make) -> None:
    """A strict policy comes first, no script exists, and no attribute or style names an address."""
    html = hostile(make, HOSTILE).page()
    bare = make().page()
    page = Page(bare)
    policy = (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
    )
    assert html.index(policy) < html.index("<title>") < html.index("<style>")
    assert "script" not in {tag for tag, _ in page.elements}
    bare = re.sub(r'"data:image/jpeg;base64,[A-Za-z0-9+/=]+"', '""', bare)
    assert not re.search(r"https?:|//|@import|url\((?!#)|javascript:|\bon\w+=", bare)
    addresses = {
        value[:11] for tag, name, value in page.attributes if name in ("src", "href") and tag != "use"
    }
    assert {one for one in addresses if one[0] != "#"} == {"data:,", "data:image/"}


def test_headings_are_in_order_and_tables_have_captions_and_scopes(make: Make) -> None:
    """One h1, no level skipped; each table a caption, each heading cell a scope, each picture a text."""
    page = Page(make([f"class {number}" for number in range(12)], n=60, wrong=9).page())
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["table"] == tags["caption"] > 5
    assert all("scope" in names for tag, names in page.elements if tag == "th")
    assert all("alt" in names for tag, names in page.elements if tag == "img")
    targets = {value for _, name, value in page.attributes if name == "id"}
    links = {value[1:] for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    assert links and links <= targets


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_finds_nothing_to_run_load_or_complain_of(
    make: Make, tmp_path: Path, chromium: str, scheme: Any
) -> None:
    """No dialog opens, the console stays empty, only the file is asked for, and nothing overflows."""
    from playwright.sync_api import sync_playwright

    file = tmp_path / "report.html"
    file.write_text(hostile(make, HOSTILE).page(), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        images = page.evaluate("[...document.images].map(one => one.naturalWidth)")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        stroke = page.evaluate("getComputedStyle(document.querySelector('.plot text')).fill")
        browser.close()
    assert complaints == []
    assert {url for url in requests if not url.startswith("data:")} == {file.as_uri()}
    assert widths == [390, 390]
    assert images and all(width == 128 for width in images)
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]
    assert stroke == {"light": "rgb(89, 97, 106)", "dark": "rgb(163, 171, 180)"}[scheme]
