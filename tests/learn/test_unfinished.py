"""The folder of a training under way: begun, gone on with, and gone when the run is there."""

import json
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import RequestError, RunError
from pellucid.learn.unfinished import Unfinished, request_to_resume
from pellucid.request import TrainRequest
from pellucid.training.checkpoint import State


def request(out: Path) -> TrainRequest:
    return TrainRequest(
        source="photos", network="digits-convnet", epochs=3, learning_rate=0.01, seed=4, out=out
    )


def test_a_training_goes_on_where_it_was_kept(tmp_path: Path) -> None:
    """What was asked and the last state come back; figures are written whole; removal leaves nothing."""
    begun = Unfinished(tmp_path / "run")
    assert begun.folder == tmp_path / "run.unfinished"
    assert begun.begin(request(tmp_path / "run"), "d1") is None
    begun.keep(State({"a": np.ones(2, np.float32)}, {"step": 7}))
    begun.tell([{"event": "epoch", "epoch": 1}])
    assert json.loads((begun.folder / "metrics.jsonl").read_text()) == {"event": "epoch", "epoch": 1}
    asked = request_to_resume(tmp_path / "run")
    assert asked == request(tmp_path / "run")
    state = Unfinished(tmp_path / "run", resumed=True).begin(asked, "d1")
    assert state is not None and state.facts["step"] == 7
    begun.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_training_is_not_overwritten(tmp_path: Path) -> None:
    """A second training for the same run is refused, and told how to go on with the first."""
    Unfinished(tmp_path / "run").begin(request(tmp_path / "run"), "d1")
    with pytest.raises(RequestError, match=r"There is an unfinished training at '.*run\.unfinished'\."):
        Unfinished(tmp_path / "run").begin(request(tmp_path / "run"), "d1")


def test_what_cannot_go_on_is_refused(tmp_path: Path) -> None:
    """No such training, other pictures, a damaged request: each in one paragraph."""
    with pytest.raises(RunError, match=r"There is no unfinished training"):
        request_to_resume(tmp_path / "none")
    begun = Unfinished(tmp_path / "run")
    begun.begin(request(tmp_path / "run"), "d1")
    with pytest.raises(RunError, match=r"The pictures of 'photos' are not those"):
        Unfinished(tmp_path / "run", resumed=True).begin(request(tmp_path / "run"), "d2")
    (begun.folder / "request.json").write_text("{")
    with pytest.raises(RunError, match=r"damaged"):
        request_to_resume(tmp_path / "run")
