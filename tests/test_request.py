"""A request is checked once, before any work begins."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError
from pellucid.learn.tuning import RATES
from pellucid.request import _FOR_ALL, _READ, TrainRequest, parse_budget


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"recipe": "feature"},
            "There is no recipe 'feature'. One of auto, features, finetune, scratch was expected. "
            "Did you mean features?",
        ),
        (
            {"fit": "stretch"},
            "There is no fit 'stretch'. One of auto, measure, squash, letterbox, crop was expected. "
            "Use auto.",
        ),
        (
            {"class_weights": "ballanced"},
            "There is no kind of class weights 'ballanced'. One of auto, none, balanced was expected. "
            "Did you mean balanced?",
        ),
        (
            {"precision": "fp16"},
            "There is no precision 'fp16'. One of fp32, bf16 was expected. Did you mean bf16?",
        ),
        (
            {"budget": "5m"},
            "The budget is '5m'. A number of seconds above 0 was expected. Write for example --budget 90s, "
            "or budget=90 in Python.",
        ),
        (
            {"budget": float("nan")},
            "The budget is 'nan'. A number of seconds above 0 was expected. Write for example --budget 90s, "
            "or budget=90 in Python.",
        ),
        (
            {"views": 0},
            "The number of views is 0. A whole number from 1 to 100 was expected: each is computed once and "
            "kept. Write for example --views 4.",
        ),
        (
            {"views": 10_000},
            "The number of views is 10,000. A whole number from 1 to 100 was expected: each is computed once "
            "and kept. Write for example --views 4.",
        ),
        (
            {"network": "lenet5", "recipe": "finetune"},
            "A network was given ('lenet5'), and the recipe is finetune. A network of one's own is trained "
            "from scratch; features and finetune stand on a backbone. Leave --network out, or write --recipe "
            "scratch.",
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


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90", 90), ("5m", 300), ("1.5 min", 90), ("2h", 7200)]
)
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    """Seconds, minutes or hours."""
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["0s", "-5m", "soon", "5 d", "", "1e3"])
def test_a_budget_that_is_no_time_is_refused(text: str) -> None:
    """The message says how it is written."""
    with pytest.raises(RequestError) as caught:
        parse_budget(text)
    assert str(caught.value) == (
        f"The budget {text!r} cannot be used. A time above 0 was expected: a number with s, m or h. "
        "Write for example --budget 90s."
    )


def test_auto_climbs_only_within_a_budget() -> None:
    """Without one it is feature extraction; a network of one's own is trained from scratch either way."""
    assert TrainRequest(source="x").chosen == "features"
    assert TrainRequest(source="x", budget=60.0).chosen == "ladder"
    assert TrainRequest(source="x", steps="last").chosen == "ladder"
    assert TrainRequest(source="x", network="lenet5", budget=60.0).chosen == "scratch"
    assert TrainRequest(source="x", network="lenet5", steps="scratch,last").chosen == "ladder"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"recipe": "features", "budget": 60.0},
            "A budget was given, and the recipe is features. Only auto goes by steps, as far as a budget "
            "allows; the other recipes take one. Write --recipe auto, or leave --budget out.",
        ),
        (
            {"recipe": "scratch", "steps": "scratch"},
            "Steps were given, and the recipe is scratch. Only auto goes by steps, as far as a budget "
            "allows; the other recipes take one. Write --recipe auto, or leave --steps out.",
        ),
        (
            {"network": "lenet5", "steps": "last"},
            "A network was given ('lenet5'), and no step learns from scratch. A step that trains it was "
            "expected. Add scratch to --steps, or leave --network out.",
        ),
        (
            {"recipe": "finetune", "views": 4},
            "4 views of each picture were asked for, without an augmentation. Views that differ were "
            "expected. Add for example --augment light, or leave --views out.",
        ),
        (
            {"recipe": "finetune", "mix": "MixUp"},
            "Pictures were to be mixed ('MixUp'), and frozen layers look at them. A network whose layers all "
            "learn was expected: frozen ones see each picture once, by itself. Leave --mix out, train from "
            "scratch, or write --recipe finetune --unfreeze all.",
        ),
        (
            {"recipe": "scratch", "mix": "mixpu"},
            "Line 1, column 1: there is no augmentation 'mixpu'. One of MixUp, CutMix was expected, or none. "
            "Did you mean 'MixUp'?",
        ),
        (
            {"recipe": "scratch", "views": 4, "augment": "light"},
            "4 views of each picture were asked for, and the recipe is scratch. A number of views is for a "
            "pretrained network, whose views are computed once and kept; from scratch every epoch sees new "
            "ones. Leave --views out.",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(asked: dict[str, Any], words: str) -> None:
    """Before any picture is looked at, with what to leave out."""
    with pytest.raises(RequestError) as caught:
        TrainRequest(source="x", **asked)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"network": "lenet5", "budget": 60.0},
            "--budget 60 does nothing here: scratch does not read it. Leave it out, or name the steps too, "
            "such as --steps scratch,last.",
        ),
        (
            {"steps": "features,last", "augment": "strong"},
            "--augment strong does nothing here: none of auto's steps reads it. Leave it out, or write "
            "layers, views and statistics into --steps, such as last-two+light+update.",
        ),
        (
            {"epochs": 500},
            "--epochs 500 does nothing here: features does not read it. Leave it out, or write --recipe "
            "finetune or scratch.",
        ),
        (
            {"recipe": "scratch", "fit": "measure"},
            "--fit measure does nothing here: scratch does not read it. Leave it out, or write --recipe "
            "features or finetune.",
        ),
        (
            {"network": "lenet5", "backbone": "resnet18"},
            "--backbone resnet18 does nothing here: scratch does not read it. Leave it out, or leave "
            "--network out.",
        ),
        ({"steps": "features,last", "unfreeze": "all"}, "--unfreeze all does nothing here: none of auto's"),
        (
            {"budget": 60.0, "unfreeze": "all"},
            "--unfreeze all does nothing here: none of auto's steps reads it",
        ),
        ({"steps": "features+light", "epochs": 3}, "--epochs 3 does nothing here: none of auto's steps"),
        ({"steps": "scratch+light,last", "views": 4}, "--views 4 does nothing here: none of auto's steps"),
        ({"learning_rate": 0.5}, "--learning-rate 0.5 does nothing here: features does not read it."),
        ({"batch": 7}, "--batch 7 does nothing here: features does not read it."),
        ({"precision": "bf16"}, "--precision bf16 does nothing here: features does not read it."),
        ({"device": "cuda"}, "--device cuda does nothing here: features does not read it."),
        ({"unfreeze": "nonsense"}, "--unfreeze nonsense does nothing here: features does not read it"),
        ({"batch_norm": "update"}, "--batch-norm update does nothing here: features does not read it."),
        ({"recipe": "scratch", "weights": Path("a.pth")}, "--weights a.pth does nothing here: scratch"),
        ({"recipe": "scratch", "unfreeze": "all"}, "--unfreeze all does nothing here: scratch does not"),
    ],
)
def test_an_option_that_does_nothing_is_told(asked: dict[str, Any], words: str) -> None:
    """It is named, with whom it is for."""
    (told,) = TrainRequest(source="x", **asked).idle
    assert told.startswith(words)


@pytest.mark.parametrize(
    "asked",
    [
        {
            "backbone": "resnet18",
            "augment": "light",
            "views": 2,
            "class_weights": "balanced",
            "fit": "measure",
        },
        {
            "recipe": "finetune",
            "unfreeze": "all",
            "batch_norm": "update",
            "mix": "MixUp",
            "epochs": 3,
            "learning_rate": 0.1,
            "batch": 8,
        },
        {"network": "lenet5", "fit": "crop", "mix": "MixUp", "augment": "light", "precision": "bf16"},
        {"budget": 60.0, "augment": "light", "views": 2, "epochs": 3, "device": "cuda", "fit": "measure"},
        {"budget": 60.0, "batch_norm": "update"},
        {"steps": "scratch,last+light", "network": "lenet5", "views": 2, "budget": 9, "backbone": "resnet18"},
        {"device": "cpu", "download": True},
        {"recipe": "scratch", "class_weights": "balanced", "download": True},
    ],
)
def test_options_that_a_recipe_looks_at_may_be_given(asked: dict[str, Any]) -> None:
    """So may what it does by itself, and the leave to download."""
    assert TrainRequest(source="x", **asked).idle == ()


def test_of_every_option_it_is_known_who_looks_at_it() -> None:
    """Each field is for all, for some of the recipes, or for auto's steps."""
    known = _FOR_ALL.union(*_READ.values()) - {"fit measure"} | {"budget", "steps"}
    assert known == {field.name for field in fields(TrainRequest)}


def test_the_learning_rates_that_are_tried_are_told() -> None:
    """The help has those that fine-tuning tries."""
    (told,) = [one.metadata["help"] for one in fields(TrainRequest) if one.name == "learning_rate"]
    assert all(f"{rate:g}" in told for rate in RATES)


def test_pixels_are_mixed_where_all_layers_learn() -> None:
    """From scratch, with all layers of a backbone, or in a step of either kind."""
    for asked in (
        {"network": "lenet5"},
        {"recipe": "finetune", "unfreeze": "all"},
        {"steps": "scratch,features,last"},
        {"steps": "all"},
    ):
        request = TrainRequest(source="x", mix="CutMix 0.5..1", **asked)  # type: ignore[arg-type]
        assert request.plan(100).mix == "CutMix 0.5..1"
    with pytest.raises(RequestError, match="frozen layers look at them"):
        TrainRequest(source="x", steps="features,last", mix="MixUp")


def test_a_ladder_takes_views_for_its_steps_that_have_any() -> None:
    """Steps name their presets themselves."""
    assert TrainRequest(source="x", steps="last,last+light", views=4).views == 4
    assert TrainRequest(source="x", budget=60.0, views=4).views == 4
