"""The folder of a training under way: begun, gone on with, and gone when the run is there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError, RunError, StorageError
from pellucid.learn.unfinished import Unfinished, request_to_resume, run_of
from pellucid.request import TrainRequest
from pellucid.training.checkpoint import State


def request(out: Path, **others: Any) -> TrainRequest:
    return TrainRequest(
        source="photos", network="digits-convnet", epochs=3, learning_rate=0.01, seed=4, out=out, **others
    )


def begun(out: Path) -> Unfinished:
    unfinished = Unfinished(out)
    assert unfinished.begin(request(out), "d1").state is None
    return unfinished


def test_a_training_goes_on_where_it_was_kept(tmp_path: Path) -> None:
    """What was asked and the last state come back; figures are written whole; removal leaves nothing."""
    one = begun(tmp_path / "run")
    assert one.folder == tmp_path / "run.unfinished"
    assert Unfinished(tmp_path / "run", resumed=True).begin(request(tmp_path / "run"), "d1").state is None
    for step in (6, 7):
        one.watch().keep(State({"a": np.ones(2, np.float32)}, {"step": step}))
    one.tell([{"event": "epoch", "epoch": 1}])
    assert json.loads((one.folder / "metrics.jsonl").read_text()) == {"event": "epoch", "epoch": 1}
    assert {path.name for path in one.folder.iterdir()} == {
        "request.json",
        "checkpoint.safetensors",
        "metrics.jsonl",
    }
    asked = request_to_resume(tmp_path / "run")
    state = Unfinished(tmp_path / "run", resumed=True).begin(asked, "d1").state
    assert state is not None and state.facts["step"] == 7
    one.remove()
    assert list(tmp_path.iterdir()) == []


def test_several_trainings_keep_their_states_apart(tmp_path: Path) -> None:
    """Each has its own by its name, whatever that is; what was answered once is not answered again."""
    run = tmp_path / "run"
    one = begun(run)
    assert one.left == ""
    names = ["last", "../last, fold 0"]
    for number, name in enumerate(names):
        assert one.watch(name).state is None
        one.watch(name).keep(State({"a": np.ones(2, np.float32)}, {"step": number}))
    again = Unfinished(run, resumed=True)
    assert again.begin(request(run), "d1").state is None
    states = [again.watch(name).state for name in names]
    assert [state and state.facts["step"] for state in states] == [0, 1]
    said = np.array([[0.25, -3.5]], np.float32)
    assert one.answers("last, fold 1", lambda: said) is not None
    np.testing.assert_array_equal(again.answers("last, fold 1", lambda: pytest.fail("Once more.")), said)
    with pytest.raises(RunError, match=r"is damaged: its checkpoint is not one of this network"):
        again.answers("last", lambda: said)
    assert one.left != ""
    assert {path.name for path in tmp_path.rglob("*.safetensors")} == {"checkpoint.safetensors"}
    one.remove()
    assert list(tmp_path.iterdir()) == []


def test_every_field_of_a_request_comes_back(tmp_path: Path) -> None:
    """What goes on is what was asked for: nothing falls back to a default."""
    out = tmp_path / "a run's"
    asked = TrainRequest(
        source="photos",
        recipe="scratch",
        backbone="resnet18",
        weights=tmp_path / "w.pth",
        split=Fractions(0.6, 0.2, 0.2),
        seed=7,
        fit="crop",
        class_weights="none",
        network="lenet5",
        epochs=5,
        batch=9,
        learning_rate=0.5,
        augment="strong",
        mix="MixUp 0.4",
        device="cpu",
        precision="bf16",
        out=out,
    )
    Unfinished(out).begin(asked, "d1")
    assert request_to_resume(out) == asked


def test_an_unfinished_training_is_not_overwritten(tmp_path: Path) -> None:
    """A second training for the same run is refused, and told how to go on with the first."""
    run = tmp_path / "a run"
    begun(run)
    with pytest.raises(RequestError) as caught:
        Unfinished(run).begin(request(run), "d1")
    assert str(caught.value) == (
        f"There is an unfinished training at '{run}.unfinished'. A place without one was expected, so that "
        f"what it has learnt is not lost. Go on with it: pellucid train --resume '{run}'. Or delete it."
    )
    Unfinished(run, resumed=True).refuse_another()


def test_a_place_that_was_taken_meanwhile_is_left(tmp_path: Path) -> None:
    """Where nobody named it: two trainings that began in the same second both have one."""
    first, second = tmp_path / "run-1", tmp_path / "run-2"
    begun(first)
    one = Unfinished(first, other=lambda: second)
    one.begin(request(first), "d1")
    assert (one.run, one.ours) == (second, True)
    assert request_to_resume(second).source == "photos"
    with pytest.raises(RequestError, match="There is an unfinished training"):
        Unfinished(first, other=lambda: first).begin(request(first), "d1")


def test_other_pictures_are_refused(tmp_path: Path) -> None:
    """What was learnt so far rests on the pictures that were there."""
    one = begun(tmp_path / "run")
    with pytest.raises(RunError) as caught:
        Unfinished(tmp_path / "run", resumed=True).begin(request(tmp_path / "run"), "d2")
    assert str(caught.value) == (
        f"The pictures of 'photos' are not those that '{one.folder}' began with. The very same pictures were "
        "expected, since what was learnt so far rests on them. Bring them back, or delete "
        f"'{one.folder}' and train again."
    )


def test_where_there_is_none_it_says_so(tmp_path: Path) -> None:
    """A run that was never begun cannot be gone on with."""
    with pytest.raises(RunError) as caught:
        request_to_resume(tmp_path / "none")
    assert str(caught.value) == (
        f"There is no unfinished training at '{tmp_path / 'none'}.unfinished'. The folder of a training that "
        "was interrupted was expected. Train anew; a features run goes on from what is cached by itself."
    )


def change(**fields: Any) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        told = json.loads(file.read_text())
        told["request"] |= fields
        file.write_text(json.dumps(told))

    return damage


def without(key: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        told = json.loads(file.read_text())
        del told["request"][key]
        file.write_text(json.dumps(told))

    return damage


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda file: file.unlink(), "request.json is missing."),
        (lambda file: file.write_text("{"), "request.json cannot be read (Expecting "),
        (lambda file: file.write_bytes(b"\xff"), "request.json cannot be read ('utf-8' codec "),
        (lambda file: file.write_text("[]"), "request.json does not hold a request and a digest."),
        (
            lambda file: file.write_text('{"request": {}}'),
            "request.json does not hold a request and a digest.",
        ),
        (lambda file: file.write_text('{"request": 3, "digest": "x"}'), "request.json lacks or mistakes "),
        (without("split"), "request.json lacks or mistakes 'split'."),
        (without("source"), "request.json lacks or mistakes 'source'."),
        (change(source=5), "request.json lacks or mistakes source: 5."),
        (change(network=5), "request.json lacks or mistakes network: 5."),
        (change(seed="x"), "request.json lacks or mistakes seed: 'x'."),
        (change(epochs=0), "request.json asks what cannot be: The number of epochs is 0. A folder "),
        (change(split=[1]), "request.json asks what cannot be: "),
        (change(colour="red"), "request.json lacks or mistakes "),
    ],
)
def test_every_damage_of_the_request_is_one_paragraph(
    tmp_path: Path, damage: Callable[[Path], Any], told: str
) -> None:
    """What is wrong is named, with what to do."""
    one = begun(tmp_path / "run")
    damage(one.folder / "request.json")
    with pytest.raises(RunError) as caught:
        request_to_resume(tmp_path / "run")
    message = str(caught.value)
    assert message.startswith(f"The unfinished training '{one.folder}' is damaged: {told}")
    assert message.endswith("A folder as 'pellucid train' wrote it was expected. Delete it and train again.")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    """A state that cannot be read is not guessed at."""
    one = begun(tmp_path / "run")
    (one.folder / "checkpoint.safetensors").write_bytes(b"rubbish")
    with pytest.raises(RunError, match=r"The checkpoint '.*checkpoint\.safetensors' cannot be read"):
        Unfinished(tmp_path / "run", resumed=True).begin(request(tmp_path / "run"), "d1")


def test_an_interrupt_names_the_command_that_goes_on(tmp_path: Path) -> None:
    """Where there is something to go on with; elsewhere the interrupt passes as it is."""
    run = tmp_path / "my run"
    with pytest.raises(KeyboardInterrupt) as caught, Unfinished(run).under_way():
        raise KeyboardInterrupt
    assert str(caught.value) == ""
    one = begun(run)
    with pytest.raises(KeyboardInterrupt) as caught, Unfinished(run).under_way():  # it is another's
        raise KeyboardInterrupt
    assert str(caught.value) == ""
    with pytest.raises(KeyboardInterrupt) as caught, one.under_way():  # it has learnt nothing
        raise KeyboardInterrupt
    assert (str(caught.value), one.folder.exists()) == ("", False)
    one = begun(run)
    one.watch().keep(State({"a": np.ones(2, np.float32)}, {}))
    with pytest.raises(KeyboardInterrupt) as caught, one.under_way():
        raise KeyboardInterrupt
    assert str(caught.value) == (
        f"Interrupted. What was learnt so far is kept in '{one.folder}'. Go on with: "
        f"pellucid train --resume '{run}'"
    )


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Before anything is learnt."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        begun(tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("given", "meant"), [("runs/x", "runs/x"), ("runs/x.unfinished", "runs/x"), ("x", "x"), (".", ".")]
)
def test_a_run_may_be_named_by_its_unfinished_folder(given: str, meant: str) -> None:
    """What a person sees in the folder of runs is what they type."""
    assert run_of(Path(given)) == Path(meant)


def test_how_a_failed_training_can_be_repeated_is_told(tmp_path: Path) -> None:
    """With a state that is kept; without one there is nothing to tell."""
    one = begun(tmp_path / "run")
    assert one.left == ""
    one.watch().keep(State({"a": np.ones(2, np.float32)}, {}))
    assert one.left == (
        f"The last good state is kept in '{one.folder}'; delete that to train at the same place."
    )


def test_a_failure_that_has_learnt_nothing_leaves_nothing(tmp_path: Path) -> None:
    """The folder goes away where it holds no state; where it does, or is another training's, it stays."""

    def fail(one: Unfinished) -> None:
        with pytest.raises(RequestError), one.under_way():
            raise RequestError("No.", "Yes.", "Do.")

    one = begun(tmp_path / "run")
    fail(Unfinished(tmp_path / "run"))  # somebody else's attempt at the same place
    assert one.folder.is_dir()
    fail(one)
    assert not one.folder.exists()
    two = begun(tmp_path / "run")
    two.watch().keep(State({"a": np.ones(2, np.float32)}, {}))
    fail(two)
    assert two.folder.is_dir()
    fail(Unfinished(tmp_path / "run", resumed=True))
    assert two.folder.is_dir()
