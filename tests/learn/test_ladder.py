"""The ladder: steps in order, each kept only where it is better, and told either way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pellucid.data.scan import Scan
from pellucid.errors import BackboneError, PellucidError, StorageError
from pellucid.events import Event, Notice
from pellucid.learn import climber, ladder, unfinished
from pellucid.learn.climber import Tried
from pellucid.learn.finetune import Step
from pellucid.learn.ladder import rungs_of
from pellucid.recipe import resume, train
from pellucid.request import AUGMENTATIONS, TrainRequest
from pellucid.run import Run
from pellucid.training.checkpoint import State
from pellucid.training.freeze import FreezeError
from pellucid.training.loop import DivergedError
from pellucid.training.rung import Rung, parse_rungs


def test_frozen_features_are_always_among_the_steps() -> None:
    """After what learns from pixels, before what learns further; where they were asked for they stay."""

    def of(steps: str | None, **more: Any) -> list[str]:
        return [rung.name for rung in rungs_of(TrainRequest(source="unused", steps=steps, **more))]

    assert of("scratch,last") == ["scratch", "features", "finetune, last block"]
    assert of("scratch") == ["scratch", "features"]
    assert of("last,features") == ["finetune, last block", "features"]


def test_by_itself_it_goes_deeper_and_then_changes_the_views_of_the_best() -> None:
    """Its views, by each preset, unless a person named some."""

    def of(**more: Any) -> list[Rung]:
        return list(rungs_of(TrainRequest(source="unused", budget=60.0, **more)))

    deeper = parse_rungs("features,last,last-two", AUGMENTATIONS)
    assert of() == [*deeper, *parse_rungs("best+light,best+lecture,best+strong", AUGMENTATIONS)]
    assert of(augment="strong") == [Rung("features"), Rung("last", "strong"), Rung("last-two", "strong")]
    assert of(batch_norm="update")[1:3] == [Rung("last", update=True), Rung("last-two", update=True)]


@pytest.mark.slow
def test_a_change_of_the_best_that_is_none_is_left_out(colours: Path, tmp_path: Path, tiny: str) -> None:
    """Frozen layers have no statistics to update, and nothing is tried twice."""
    steps = "features,best+update,best+light,features+light"
    asked = TrainRequest(
        source=str(colours), backbone=tiny, steps=steps, views=1, fit="squash", out=tmp_path / "run"
    )
    assert [step["name"] for step in train(asked).record["ladder"]] == ["features", "features, light views"]


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
    honest: Callable[..., Any] = climber.learn_from_views

    def interrupted(*words: Any) -> Any:
        honest(*words)
        raise KeyboardInterrupt

    monkeypatch.setattr(climber, "learn_from_views", interrupted)
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


class _Killed(BaseException):
    """As if the process was gone: nothing catches it."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "states"),
    [
        # Of three trainings and four folds' answers; of the training and the final one.
        ({"steps": "scratch,features,last+update,last-two+light"}, 7),
        ({"recipe": "finetune", "augment": "light"}, 2),
    ],
    ids=["ladder", "finetune"],
)
@pytest.mark.parametrize("seed", [1])
def test_a_training_that_is_killed_goes_on_to_the_same_bits(
    source: Scan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    one_core: None,
    words: dict[str, Any],
    states: int,
    seed: int,
) -> None:
    """Killed at three random points and resumed each time: nothing that was kept is learnt or answered again,
    and model, answers and table are those of one that was never disturbed."""
    asked = TrainRequest(
        **words,
        source=source.source.name,
        epochs=2,
        views=1,
        batch=8,
        out=tmp_path / "run",
    )
    kept: list[str] = []
    write = unfinished.write_state

    def counting(folder: Path, state: State) -> None:
        write(folder, state)
        kept.append(folder.name.removeprefix("whole").removeprefix("run"))
        if len(kept) in points:
            raise _Killed

    points: set[int] = set()
    monkeypatch.setattr(unfinished, "write_state", counting)
    monkeypatch.setattr(unfinished, "_SAVE_EVERY", 0.0)
    whole = train(replace(asked, out=tmp_path / "whole"))
    number, undisturbed = len(kept), Counter(kept)
    assert len(undisturbed) == states
    kept.clear()
    points.update(np.random.default_rng(seed).choice(np.arange(2, number - 1), 3, replace=False).tolist())
    run: Run | None = None
    while run is None:
        begun = (tmp_path / "run.unfinished").is_dir()
        try:
            run = resume(tmp_path / "run") if begun else train(asked)
        except _Killed:
            assert not (tmp_path / "run").exists()
    for name in ("model.safetensors", "predictions.csv", "splits.csv"):
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes()

    def table(one: Run) -> list[dict[str, Any]]:
        told = [{**step, "seconds": None, "forecast": None} for step in one.record["ladder"]]
        for step in told:
            step["epochs"] = [
                {**line, "seconds": None, "pictures_per_second": None} for line in step["epochs"]
            ]
        return told

    assert table(run) == table(whole)
    assert Counter(kept) == undisturbed
    assert {path.name for path in tmp_path.iterdir()} == {"run", "whole"}


def test_an_interrupt_before_anything_was_kept_is_an_interrupt(
    steps: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to deliver, and nothing is left behind."""

    def interrupted(*words: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(climber.scratch, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(steps)
    assert steps.out is not None
    assert not list(steps.out.parent.glob("run*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [
        DivergedError("The loss was nan.", "A finite loss was expected.", "Take a lower rate."),
        StorageError("The disk ran full.", "Room was expected.", "Free some space."),
    ],
)
def test_a_step_that_fails_leaves_the_best_so_far(
    steps: TrainRequest, monkeypatch: pytest.MonkeyPatch, failure: PellucidError
) -> None:
    """What was kept before is delivered, and the table and a notice say why the step was stopped."""

    def failing(*words: Any) -> Any:
        raise failure

    monkeypatch.setattr(climber, "learn_from_views", failing)
    told: list[Event] = []
    run = train(replace(steps, steps="scratch,features,features+light"), told.append)
    *before, stopped = run.record["ladder"]
    assert [step["name"] for step in before] == ["scratch", "features"]
    assert (stopped["name"], stopped["outcome"]) == ("features, light views", "stopped")
    assert stopped["why"] == str(failure)
    assert Notice(f"features, light views: {failure}") in told


def test_a_fault_of_ours_is_no_step_that_failed(steps: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what was frozen has changed nothing is delivered."""

    def failing(*words: Any) -> Any:
        raise FreezeError("A tensor changed.", "None was expected to.", "Report it.")

    monkeypatch.setattr(climber, "learn_from_views", failing)
    with pytest.raises(FreezeError):
        train(replace(steps, steps="scratch,features,features+light"))


def _step(name: str, outcome: Any) -> Step:
    return Step(name, outcome, "For a reason.")


def test_what_cannot_be_delivered_gives_way_to_what_it_beat() -> None:
    """The table says why; what has nothing before it is an error, as is a fault of ours."""
    full = StorageError("The disk ran full.", "Room was expected.", "Free some space.")

    def failing(error: PellucidError) -> Any:
        def deliver() -> Any:
            raise error

        return deliver

    def kept(*deliver: Callable[[], Any]) -> list[Tried]:
        nothing: Any = None
        return [Tried(nothing, one, None) for one in deliver]

    first: Any = object()
    steps = [
        _step("features", "kept"),
        _step("last", "kept"),
        _step("last two", "kept"),
        _step("all", "refused"),
    ]
    outcome, table = ladder._deliver(kept(lambda: first, failing(full), failing(full)), steps)
    assert outcome is first
    assert [step.outcome for step in table] == ["kept", "stopped", "stopped", "refused"]
    assert table[2].why == table[1].why == f"It could not be delivered: {full}"
    with pytest.raises(StorageError, match="The disk ran full"):
        ladder._deliver(kept(failing(full)), steps[:1])
    fault = FreezeError("A tensor changed.", "None was expected to.", "Report it.")
    with pytest.raises(FreezeError):
        ladder._deliver(kept(lambda: first, failing(fault)), steps[:2])


def test_the_time_to_deliver_the_best_is_kept_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that has no delivery of its own gets what the best so far leaves of the budget."""
    given: dict[str, float] = {}
    nothing: Any = None

    def carry_out(rung: Rung, left: float) -> Tried:
        given[rung.name] = left
        return Tried(nothing, nothing, None, (), 40.0 if rung.tunes else 0.0)

    monkeypatch.setattr(ladder, "_judged", lambda climber, best, tried, left: (best is None, "", None))
    base = SimpleNamespace(stage=SimpleNamespace(seconds=1.0))
    climbing: Any = SimpleNamespace(carry_out=carry_out, base=base)
    request = TrainRequest(source="unused", steps="last,last-two,scratch,features", budget=100.0)
    ladder._climb(climbing, request)
    assert [round(left, -1) for left in given.values()] == [100.0, 100.0, 60.0, 60.0]


@pytest.mark.parametrize("weights", ["balanced", "none"])
def test_a_network_from_nothing_learns_as_it_is_judged(
    steps: TrainRequest, monkeypatch: pytest.MonkeyPatch, weights: Any
) -> None:
    """With the classes weighed where those of the head on frozen features are, and alike where not."""
    asked: list[str] = []

    def learn(request: TrainRequest, *words: Any) -> Any:
        asked.append(request.class_weights)
        raise KeyboardInterrupt

    monkeypatch.setattr(climber.scratch, "learn", learn)
    with pytest.raises(KeyboardInterrupt):
        train(replace(steps, steps="scratch", views=None, class_weights=weights))
    assert asked == [weights]


def test_a_step_is_a_rung() -> None:
    """The steps of a request come in the order in which they were written."""
    request = TrainRequest(source="unused", steps="last+light, features")
    assert request.rungs == (Rung("last", "light"), Rung("features"))
