"""What a listing says of one picture."""

import pytest

from pellucid.data.item import is_placeholder, label_text, make_item, split_named


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("VAL", "val"), ("valid", "val"), ("Validation", "val"),
        ("dev", "val"), (" test ", "test"), ("testing", "test"), ("tests", None), ("trains", None),
        ("", None),
    ],
)  # fmt: skip
def test_splits_are_known_by_their_usual_spellings(name: str, split: str | None) -> None:
    """Each usual spelling of train, val and test is understood, whatever its case, and nothing else is."""
    assert split_named(name) == split


@pytest.mark.parametrize(
    "path",
    ["ants/imageNotFound.gif", "a/image_not-found.png", "a/No Image.JPG", "a/PLACEHOLDER.png", "missing.jpg"],
)
def test_a_placeholder_is_known_by_its_whole_name(path: str) -> None:
    """What photo sites leave where a picture is gone is recognised in any spelling."""
    assert is_placeholder(path, "ants")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("a/placeholder_test_12.jpg", "a"), ("a/missing1.jpg", "a"), ("a/not found here.jpg", "a"),
        ("missing/missing.jpg", "missing"), ("placeholder/placeholder.png", "Place-Holder"),
        ("a/404.jpg", "a"), ("noimage/7.jpg", "noimage"),
    ],
)  # fmt: skip
def test_a_picture_whose_name_only_holds_such_a_word_stays(path: str, label: str) -> None:
    """A longer name, or the name of the class itself, is no placeholder."""
    assert not is_placeholder(path, label)


def test_labels_of_one_class_are_one_object() -> None:
    """A list of 100,000 items holds each class name once."""
    assert (
        make_item("a", "".join(["ca", "ts"]), None).label is make_item("b", "".join(["c", "ats"]), None).label
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (3.0, "3"), (2.5, "2.5"), (" cat ", "cat"), (b"caf\xe9", "caf\udce9"), (True, "True"),
        (None, ""), (float("nan"), ""), ("", ""), (b" ", ""), ("half \ud800", r"half \ud800"),
        (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_value_names_a_class(value: object, text: str) -> None:
    """Numbers as a person writes them, text without blanks about it, and nothing where there is none."""
    assert label_text(value) == text
