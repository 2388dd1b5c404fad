"""The room Network: tables as the account has them, wrong texts and their place, dense against conv."""

from typing import Any

import pytest

from pellucid.lab.network import MOST_LAYERS, bytes_told, dense, shape_told, start, table
from pellucid.lab.question import QuestionError
from pellucid.network.catalogue import NETWORKS

FULL_HD = {"height": 1080, "width": 1920, "channels": 3, "hidden": 4_000_000, "filters": 32, "size": 3}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_named_network_has_its_account_and_its_notes(name: str) -> None:
    """Written out by the room and read again: the rows, their sum and the notes are the catalogue's."""
    (named,) = (one for one in start({})["networks"] if one["name"] == name)
    reply = table({"text": named["text"]})
    counted = NETWORKS[name].account()
    assert reply["wrong"] is None
    assert [row["parameters"] for row in reply["rows"]] == [f"{row.parameters:,}" for row in counted.rows]
    assert sum(int(row["parameters"].replace(",", "")) for row in reply["rows"]) == counted.parameters
    assert reply["parameters"] == f"{counted.parameters:,}"
    assert [row["arithmetic"] for row in reply["rows"]] == [row.arithmetic for row in counted.rows]
    assert reply["notes"] == list(counted.notes)


def test_the_lectures_convnet() -> None:
    """104,202 parameters in 416,808 bytes; shapes and what they are called."""
    reply = table({"text": NETWORKS["digits-convnet"].text})
    assert (reply["parameters"], reply["trainable"], reply["memory"]) == ("104,202", "104,202", "417 kB")
    assert reply["input"] == {"shape": [28, 28, 1], "output": "28x28x1"}
    assert [row["output"] for row in reply["rows"]][-2:] == ["1,152", "10"]
    assert reply["rows"][0]["sees"] == "3x3"
    assert reply["rows"][0]["shape"] == [26, 26, 32]


def test_lenets_erratum_is_told() -> None:
    """61,706 parameters, and the slides' two wrong products."""
    reply = table({"text": NETWORKS["lenet5"].text})
    assert reply["parameters"] == "61,706"
    assert "48120*84+84 and 4042164*10+10" in reply["notes"][0]


@pytest.mark.parametrize(
    ("text", "line", "column", "beginning"),
    [
        ("", 1, 1, "Line 1, column 1: the text holds no layer."),
        ("input 8x8x1\nflaten", 2, 1, "Line 2, column 1: there is no layer 'flaten'."),
        ("input 8x8x1; conv 3", 1, 20, "Line 1, column 20: conv lacks its kernel."),
        ("input 8x8x1; dense 3", None, None, "Layer 1, 'dense', needs a flat row of numbers"),
    ],
)
def test_a_wrong_text_is_told_with_its_place(
    text: str, line: int | None, column: int | None, beginning: str
) -> None:
    """The page stays: the reply says what is wrong, and where that is known."""
    wrong = table({"text": text})["wrong"]
    assert (wrong["line"], wrong["column"]) == (line, column)
    assert wrong["text"].startswith(beginning)


def test_more_layers_than_can_be_drawn_are_refused() -> None:
    """Up to 300; the message names the command that counts more."""
    assert table({"text": "input 8x8x1" + "; relu" * MOST_LAYERS})["wrong"] is None
    wrong = table({"text": "input 8x8x1" + "; relu" * (MOST_LAYERS + 1)})["wrong"]
    assert wrong["text"] == (
        "The network has 301 layers. This page draws at most 300. Count larger ones with "
        "'pellucid network FILE'."
    )
    with pytest.raises(QuestionError, match="A text of at most 100,000 letters was expected"):
        table({"text": "x" * 100_001})


def test_the_full_hd_picture_of_the_lecture() -> None:
    """24.9 trillion weights, about 100 TB; 896 parameters for the convolution; the slides' slip is told."""
    reply = dense(FULL_HD)
    assert reply["inputs"] == "1,080*1,920*3 = 6,220,800"
    assert reply["dense"]["weights"] == "6,220,800*4,000,000 = 24,883,200,000,000"
    assert reply["dense"]["memory"] == "99.5 TB"
    assert reply["conv"]["parameters"] == "(3*3*3 + 1)*32 = 896"
    assert reply["conv"]["output"] == "1078x1918x32"
    assert reply["times"] == f"{24_883_204_000_000 / 896:,.0f}"
    assert "24 million weights" in reply["erratum"]
    assert dense(FULL_HD | {"hidden": 1000})["erratum"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [("height", 0), ("width", 1.5), ("channels", 1001), ("hidden", 10**9 + 1), ("filters", "3")],
)
def test_sizes_out_of_range_are_refused(field: str, value: Any) -> None:
    """Each by its name."""
    with pytest.raises(QuestionError, match=f"The question's '{field}' is"):
        dense(FULL_HD | {field: value})


def test_a_window_larger_than_the_picture_is_refused() -> None:
    """Literally."""
    with pytest.raises(QuestionError) as caught:
        dense(FULL_HD | {"height": 2})
    assert str(caught.value) == (
        "A window of 3x3 does not fit on a picture of 2x1920. A window is at most as large as its picture. "
        "Take a smaller window or a larger picture."
    )


def test_sizes_are_told_as_a_person_reads_them() -> None:
    """Three digits and a unit; shapes with an x, rows with commas."""
    sizes = [0, 999, 1000, 416_808, 999_600, 10**9, 4 * 10**12, 10**16, 10**21]
    told = ["0 bytes", "999 bytes", "1 kB", "417 kB", "1 MB", "1 GB", "4 TB", "10 PB", "1,000,000 PB"]
    assert [bytes_told(size) for size in sizes] == told
    assert (shape_told((5, 4, 3)), shape_told((1152,))) == ("5x4x3", "1,152")
