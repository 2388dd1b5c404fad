"""A request is checked once, before any work begins."""

from dataclasses import fields
from pathlib import Path

import pytest

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError
from pellucid.request import TrainRequest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"recipe": "feature"},
            "There is no recipe 'feature'. One of auto, features, scratch was expected. "
            "Did you mean features?",
        ),
        (
            {"fit": "stretch"},
            "There is no fit 'stretch'. One of auto, measure, squash, letterbox, crop was expected. "
            "Use auto.",
        ),
        (
            {"class_weights": "ballanced"},
            "There is no class weights 'ballanced'. One of auto, none, balanced was expected. "
            "Did you mean balanced?",
        ),
        ({"seed": -1}, "The seed is -1. A whole number from 0 to 4294967295 was expected. Use 0."),
        (
            {"split": Fractions(0.8, 0.0, 0.2)},
            "The split leaves no pictures for validation. A share above 0 was expected: regularisation and "
            "calibration are chosen on them. Write for example 70,15,15.",
        ),
        (
            {"split": Fractions(0.8, 0.2, 0.0)},
            "The split leaves no pictures for a test. A share above 0 was expected: without them there is no "
            "honest figure. Write for example 70,15,15.",
        ),
    ],
)
def test_a_mistake_is_one_paragraph(options: dict, message: str) -> None:
    """Each value that is wrong stands in the message, with what was expected and what to do."""
    with pytest.raises(RequestError) as caught:
        TrainRequest(source="x", **options)
    assert str(caught.value) == message


def test_an_existing_run_folder_is_never_overwritten(tmp_path: Path) -> None:
    """--out must name a folder that does not exist."""
    with pytest.raises(RequestError, match="exists already"):
        TrainRequest(source="x", out=tmp_path)


def test_every_field_has_the_help_that_the_command_line_shows() -> None:
    """The command line's help comes from these fields."""
    assert all(field.metadata["help"].endswith(".") for field in fields(TrainRequest))


def test_the_record_of_a_request_holds_all_that_decides_the_result() -> None:
    """All fields but where to write and whether to download stand in run.json."""
    told = set(TrainRequest(source="x").to_json())
    assert told == {field.name for field in fields(TrainRequest)} - {"out", "download"}
