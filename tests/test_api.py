"""What a Python program calls."""

from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

import pellucid
from pellucid.api import load
from pellucid.classifier import Classifier
from pellucid.errors import RunError
from pellucid.events import Event, PhaseStarted
from pellucid.request import TrainRequest
from pellucid.run import Run


def test_train_evaluate_predict_embed(tiny: str, colours: Path, tmp_path: Path, paint) -> None:
    """The verbs work on one object, as the README shows."""
    run = pellucid.train(colours, backbone=tiny, out=tmp_path / "run", split="60,20,20", seed=3)
    assert run.record["request"]["split"] == [0.6, 0.2, 0.2]
    assert run.evaluate(paint(tmp_path / "other", 5, offset=900)).evaluation.proportion.n == 15
    picture = colours / "blue" / "00.png"
    assert pellucid.load(tmp_path / "run").predict(picture)[0].label == "blue"
    assert run.embed(picture).shape == (1, 3)


def test_a_budget_is_a_number_or_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line; what is no time is one of Pellucid's own errors."""
    monkeypatch.setattr("pellucid.recipe.train", lambda request, listen: request)
    assert [pellucid.train("x", budget=given).budget for given in ("5m", 90, None)] == [300, 90, None]
    for wrong in ("soon", -1, [5]):
        with pytest.raises(pellucid.PellucidError, match="The budget"):
            pellucid.train("x", budget=wrong)


def test_every_option_of_training_is_named() -> None:
    """The help in Python has all that the command line takes."""
    told = pellucid.train.__doc__ or ""
    assert [one.name for one in fields(TrainRequest) if one.name not in told] == []


def test_check_finds_what_is_wrong(colours: Path) -> None:
    """Findings come as values with a kind, paths and advice; the work is announced."""
    (colours / "red" / "bad.png").write_bytes(b"no")
    heard: list[Event] = []
    findings = pellucid.check(colours, listen=heard.append)
    assert ("red/bad.png",) in {finding.paths for finding in findings if finding.kind == "unreadable"}
    assert isinstance(heard[0], PhaseStarted)


def test_mistakes_are_pellucids_own_errors(tmp_path: Path) -> None:
    """A caller catches one family of errors."""
    with pytest.raises(pellucid.PellucidError, match="There is nothing at"):
        pellucid.train(tmp_path / "nothing")
    with pytest.raises(TypeError):
        pellucid.train(tmp_path, colour="red")


def test_a_folder_is_a_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, given as text or as a Path, opens the run that lies there."""
    assert isinstance(load(run.folder), Run)
    monkeypatch.chdir(run.folder.parent)
    assert isinstance(load("run"), Run)


def test_a_backbones_name_answers_with_its_own_classes(tiny: str, tmp_path: Path) -> None:
    """A bare backbone is a classifier over the classes that its logits stand for."""
    backbone = load(tiny)
    assert isinstance(backbone, Classifier)
    Image.new("RGB", (9, 9), (0, 250, 0)).save(tmp_path / "a.png")
    (answer,) = backbone.predict(tmp_path / "a.png")
    assert answer.label == "green"
    assert sum(answer.probabilities.values()) == pytest.approx(1)


@pytest.mark.slow
def test_neither_run_nor_backbone_is_told() -> None:
    """A slip in either gets one paragraph that names both."""
    with pytest.raises(RunError) as caught:
        load("efficientnet_lite00")
    assert str(caught.value).startswith(
        "There is neither a run folder nor a backbone 'efficientnet_lite00'. A shipped backbone "
        "(efficientnet_lite0, efficientnet_lite1, efficientnet_lite2) or the name of a timm network was "
        "expected."
    )
    with pytest.raises(RunError, match="There is no run at"):
        load("runs/nothing")
