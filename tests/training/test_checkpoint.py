"""The state of a training on disk: it comes back to the bit, and a write that fails leaves the last one."""

import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import RunError, StorageError
from pellucid.training.checkpoint import State, read_state, write_state


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    """Tensors of every kind keep their bits, also transposed ones, and facts their values."""
    tensors = {
        "a": np.array([1.5, np.nan, -0.0], np.float32),
        "b": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "c": np.array(7, np.int64),
        "d": np.arange(5, dtype=np.uint8),
    }
    write_state(tmp_path, State(tensors, {"step": 3, "epochs": [{"loss": 0.1}]}))
    state = read_state(tmp_path)
    assert state is not None
    assert state.facts == {"step": 3, "epochs": [{"loss": 0.1}]}
    for name, values in tensors.items():
        assert state.tensors[name].tobytes() == np.ascontiguousarray(values).tobytes()
        assert (state.tensors[name].dtype, state.tensors[name].shape) == (values.dtype, values.shape)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    """A folder without a checkpoint has no state."""
    assert read_state(tmp_path) is None


def test_a_write_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the last state stays readable and nothing half-written is left."""
    write_state(tmp_path, State({"a": np.zeros(2)}, {"step": 1}))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="The disk ran full while writing the checkpoint"):
        write_state(tmp_path, State({"a": np.ones(2)}, {"step": 2}))
    state = read_state(tmp_path)
    assert state is not None and state.facts["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize("damage", [b"", b"junk", b"\xff" * 100])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: bytes) -> None:
    """What cannot be read is a RunError that says what to do."""
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(damage)
    with pytest.raises(RunError) as caught:
        read_state(tmp_path)
    assert str(caught.value).startswith(f"The checkpoint '{path}' cannot be read (")
    assert str(caught.value).endswith(
        "A checkpoint that Pellucid wrote was expected. Delete its folder and train again."
    )
