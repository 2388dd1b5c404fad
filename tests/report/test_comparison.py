"""The page of a comparison: its words, and hostile names that stay inert."""

from pathlib import Path
from typing import Any

import pytest

from pellucid.report.comparison import SHOWN, chance, render_comparison, sentences

PAIR: dict[str, Any] = {
    "a": "runs/conv",
    "b": "runs/dense",
    "n": 1000,
    "only_a": 52,
    "only_b": 4,
    "difference": 0.048,
    "interval": [0.034, 0.064],
    "p": 1e-11,
    "adjusted_p": 1e-11,
    "verdict": "a",
}


def told(**changes: Any) -> dict[str, Any]:
    run = {"recipe": "scratch", "n": 1000, "interval": [0.9, 0.99], "seconds": 60.0, "bytes": 417584}
    run |= {"parameters": 104202}
    return {
        "runs": [
            {**run, "run": "runs/conv", "correct": 979, "accuracy": 0.979},
            {**run, "run": "runs/dense", "correct": 931, "accuracy": 0.931},
        ],
        "pairs": [PAIR],
        "disagreements": [{"path": "test/27", "label": "5", "answers": ["5", "0"]}],
        "left_out": 0,
        "skipped": [],
        **changes,
    }


def said(pair: dict[str, Any], correct: tuple[int, int] = (979, 931)) -> str:
    """The sentence of one pair."""
    runs = [{**one, "correct": n} for one, n in zip(told()["runs"], correct, strict=True)]
    (sentence,) = sentences(told(pairs=[pair], runs=runs))
    return sentence


def turned(pair: dict[str, Any]) -> dict[str, Any]:
    """The same pair, told from the other side."""
    low, high = pair["interval"]
    return pair | {
        "a": pair["b"],
        "b": pair["a"],
        "only_a": pair["only_b"],
        "only_b": pair["only_a"],
        "difference": -pair["difference"],
        "interval": [-high, -low],
        "verdict": {"a": "b", "b": "a", "chance": "chance"}[pair["verdict"]],
    }


def test_a_real_difference_is_called_better() -> None:
    """Who, with which shares, how often right where the other is wrong, and p; from the better one's side."""
    expected = (
        "runs/conv is better than runs/dense on these 1,000 pictures: 97.9 against 93.1 %, right where the "
        "other is wrong 52 times and wrong where it is right 4 times (p < 0.0001; 95 % interval of the "
        "difference 3.4 to 6.4 points)."
    )
    assert said(PAIR) == said(turned(PAIR)) == expected


def test_a_difference_that_may_be_chance_is_called_that() -> None:
    """Nothing is called better, and the interval reaches across 0."""
    may = PAIR | {"only_a": 4, "only_b": 1, "difference": 0.003, "interval": [-0.005, 0.009]}
    may |= {"adjusted_p": 0.375, "verdict": "chance"}
    expected = (
        "The difference between runs/conv and runs/dense could be chance: 97.9 against 97.6 % on these 1,000 "
        "pictures, right where the other is wrong 4 times and wrong where it is right once (p = 0.38; 95 % "
        "interval of the difference -0.5 to 0.9 points)."
    )
    assert said(may, (979, 976)) == said(turned(may), (979, 976)) == expected


def test_runs_that_are_equally_often_right_are_called_that() -> None:
    """Either on the very same pictures, or each on some that the other has wrong."""
    even = PAIR | {"only_a": 6, "only_b": 6, "difference": 0.0, "adjusted_p": 1.0, "verdict": "chance"}
    assert said(even, (979, 979)) == (
        "runs/conv and runs/dense have 979 of these 1,000 pictures right each: either is right 6 times where "
        "the other is wrong."
    )
    same = even | {"only_a": 0, "only_b": 0}
    assert said(same, (979, 979)) == (
        "runs/conv and runs/dense are right on the same 979 of these 1,000 pictures: nothing tells them "
        "apart."
    )


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (1e-9, "< 0.0001"),
        (0.00012, "0.00012"),
        (0.0498, "0.0498"),
        (0.0501, "0.05"),
        (0.05, "0.05"),
        (0.04996, "0.04996"),
        (0.049999999, "0.049999999"),
        (0.375, "0.38"),
        (1.0, "1"),
    ],
)
def test_a_p_value_is_never_rounded_across_the_line(p: float, expected: str) -> None:
    """Two digits, but what is below 0.05 is shown below 0.05."""
    assert chance(p).startswith(expected)
    assert chance(p, "p ") == (f"p {chance(p)}" if p < 0.0001 else f"p = {chance(p)}")


def test_hostile_names_are_inert() -> None:
    """A class, a picture or a run that is named like a tag is text on the page, wherever it stands."""
    bad = "<img src=x onerror=alert(1)>\u202e\udcff"
    runs = [{**one, "run": bad + str(n)} for n, one in enumerate(told()["runs"])]
    page = render_comparison(
        told(
            runs=runs,
            pairs=[PAIR | {"a": bad + "0", "b": bad + "1"}],
            disagreements=[{"path": bad, "label": bad, "answers": [bad, "$x$"]}],
        ),
        {},
        lambda path: None,
    )
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") > 8
    assert "\u202e" not in page
    page.encode("utf-8")


def test_many_disagreements_are_cut_and_counted() -> None:
    """The first are shown, the rest counted; the curves have a line a run, told by its number."""
    many = [{"path": f"test/{n}", "label": "5", "answers": ["5", "0"]} for n in range(SHOWN + 9)]
    epochs = {7: [{"epoch": n, "val_accuracy": 0.9} for n in (1, 2)]}
    page = render_comparison(told(disagreements=many), epochs, lambda path: None)
    assert page.count("<strong>") == SHOWN
    assert f"{SHOWN + 9} of 1,000\N{NO-BREAK SPACE}pictures." in page
    assert "9\N{NO-BREAK SPACE}more pictures" in page
    assert 'aria-label="Validation accuracy' in page
    assert ">7</text>" in page
    assert "Nowhere: they gave the same answer" in render_comparison(
        told(disagreements=[]), {}, lambda path: None
    )


def test_one_verdict_is_large_and_several_are_a_list() -> None:
    """What was left out is counted, and the adjustment is mentioned where several pairs were looked at."""
    page = render_comparison(told(left_out=2), {}, lambda path: None)
    assert '<p class="answer">runs/conv is better than' in page
    assert "2\N{NO-BREAK SPACE}other pictures were left out: one of the runs learnt from them or was" in page
    assert "Holm" not in page
    page = render_comparison(told(pairs=[PAIR, turned(PAIR)]), {}, lambda path: None)
    assert page.count("<li>runs/conv is better than runs/dense") == 2
    assert page.count("<td>real</td>") == 2
    assert "left out" not in page
    assert "Holm" in page


def test_the_page_loads_nothing(chromium: str, tmp_path: Path) -> None:
    """Opened in Chromium, it asks for nothing, has nothing to complain of, and fits a telephone."""
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    epochs = {n: [{"epoch": e, "val_accuracy": 0.9} for e in range(1, 9)] for n in (1, 2)}
    long = told(disagreements=[{"path": "x" * 300, "label": "y" * 200, "answers": ["z" * 200, "5"]}])
    path.write_text(render_comparison(long, epochs, lambda path: None), encoding="utf-8")
    asked: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(path.as_uri())
        assert page.locator("h1").inner_text().split()[:5] == ["2", "runs", "on", "1,000", "pictures"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []
