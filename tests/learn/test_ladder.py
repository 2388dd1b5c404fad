"""The ladder: steps in order, each kept only where it is better, and told either way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import BackboneError
from pellucid.events import Event, Notice
from pellucid.learn import ladder
from pellucid.learn.ladder import other_views, rungs_of
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.training.rung import Rung


def test_frozen_features_are_always_among_the_steps() -> None:
    """After what learns from pixels, before what learns further; where they were asked for they stay."""

    def of(steps: str | None, **more: Any) -> list[str]:
        return [rung.name for rung in rungs_of(TrainRequest(source="unused", steps=steps, **more))]

    assert of("scratch,last") == ["scratch", "features", "finetune, last block"]
    assert of("scratch") == ["scratch", "features"]
    assert of("last,features") == ["finetune, last block", "features"]
    assert of(None, budget=60.0) == ["features", "finetune, last block", "finetune, last two blocks"]
    assert of(None, budget=60.0, augment="strong") == [
        "features",
        "finetune, last block, strong views",
        "finetune, last two blocks, strong views",
    ]


def test_the_views_are_chosen_for_what_was_best() -> None:
    """Each preset is tried for the depth that was kept, unless a person named views or steps."""

    def of(best: Rung, **more: Any) -> list[str]:
        return [rung.name for rung in other_views(TrainRequest(source="unused", **more), best)]

    assert of(Rung("last-two"), budget=60.0) == [
        "finetune, last two blocks, light views",
        "finetune, last two blocks, lecture views",
        "finetune, last two blocks, strong views",
    ]
    assert of(Rung("features"), budget=60.0)[0] == "features, light views"
    assert of(Rung("last", "strong"), budget=60.0, augment="strong") == []
    assert of(Rung("last"), steps="features,last") == []


@pytest.mark.slow
def test_a_budget_of_a_second_delivers_features_and_says_so(colours: Path, tmp_path: Path, tiny: str) -> None:
    """Nothing is tried that cannot be done in time; the run is there, with a table of what was not tried."""
    request = TrainRequest(source=str(colours), backbone=tiny, budget=1.0, out=tmp_path / "run", fit="squash")
    run = train(request)
    assert run.record["chosen"] == "features"
    steps = run.record["ladder"]
    assert [step["outcome"] for step in steps] == ["kept"] + ["not tried"] * 5
    assert steps[1]["why"].startswith("It would have taken about ")
    assert any("s of the budget were left." in note for note in run.record["notes"])
    assert "The frozen layers were kept as they are." in run.report.read_text("utf-8")


@pytest.mark.slow
def test_a_backbone_that_cannot_be_cut_keeps_its_frozen_layers(
    colours: Path, tmp_path: Path, tiny: str
) -> None:
    """What the ladder would have tried by itself is told; what a person asked for is refused at once."""
    out = tmp_path / "run"
    run = train(TrainRequest(source=str(colours), backbone=tiny, budget=1000.0, out=out, fit="squash"))
    first, *deeper = run.record["ladder"][:3]
    assert first["outcome"] == "kept"
    for step in deeper:
        assert step["outcome"] == "not tried"
        assert step["why"].startswith(f"There is no backbone '{tiny}'.")
    for asked in ({"steps": "features,last"}, {"recipe": "finetune"}):
        request = TrainRequest(
            source=str(colours), backbone=tiny, out=tmp_path / "other", fit="squash", **asked
        )
        with pytest.raises(BackboneError, match="There is no backbone"):
            train(request)
    assert not list(tmp_path.glob("other*"))


@pytest.fixture
def steps(colours: Path, tmp_path: Path, tiny: str) -> TrainRequest:
    """The lecture's story on small squares of colour."""
    return TrainRequest(
        source=str(colours),
        backbone=tiny,
        steps="scratch,scratch+light,features,features+light",
        epochs=2,
        views=1,
        fit="squash",
        out=tmp_path / "run",
    )


@pytest.mark.slow
def test_the_lecture_s_story_is_one_command_one_table_and_its_curves(steps: TrainRequest) -> None:
    """Scratch, scratch with views, frozen features, those with views: each judged against the best before."""
    run = train(steps)
    told = run.record["ladder"]
    names = ["scratch", "scratch, light views", "features", "features, light views"]
    assert [step["name"] for step in told] == names
    assert [stage["name"] for stage in run.record["stages"]] == names
    assert told[0]["why"].startswith("The first step: ")
    assert all("outside the noise" in step["why"] for step in told[1:])
    assert [len(step["epochs"]) for step in told] == [2, 2, 0, 0]
    kept = [step["name"] for step in told if step["outcome"] == "kept"][-1]
    assert run.record["chosen"] == kept.partition(",")[0]
    report = run.report.read_text("utf-8")
    assert report.count("<figcaption>scratch") == 2
    assert "<h3>What was tried</h3>" in report
    lines = (run.folder / "metrics.jsonl").read_text("utf-8")
    assert lines.count('"step": "scratch, light views"') == 2


@pytest.mark.slow
def test_an_interrupt_delivers_the_best_so_far(steps: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried is told as stopped, what was kept before becomes the run, and how to go on is said."""
    honest: Callable[..., Any] = ladder.learn_from_views

    def interrupted(*words: Any) -> Any:
        honest(*words)
        raise KeyboardInterrupt

    monkeypatch.setattr(ladder, "learn_from_views", interrupted)
    told: list[Event] = []
    run = train(steps, told.append)
    assert run.record["ladder"][-1] == {
        "name": "features, light views",
        "outcome": "stopped",
        "why": "It was interrupted: the best until then was kept.",
        "forecast": None,
        "seconds": 0.0,
        "epochs": [],
    }
    assert (run.folder / "run.json").is_file()
    assert any(
        isinstance(one, Notice) and one.text.startswith("Interrupted: the best so far") for one in told
    )


def test_an_interrupt_before_anything_was_kept_is_an_interrupt(
    steps: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to deliver, and nothing is left behind."""

    def interrupted(*words: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(ladder.scratch, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(steps)
    assert steps.out is not None
    assert not list(steps.out.parent.glob("run*"))


def test_a_step_is_a_rung() -> None:
    """The steps of a request come in the order in which they were written."""
    request = TrainRequest(source="unused", steps="last+light, features")
    assert request.rungs == (Rung("last", "light"), Rung("features"))
