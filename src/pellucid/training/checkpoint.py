"""The state of a training on disk, so that one that was killed goes on to the same bits.

It stands in a folder beside the run that is being made, and goes away when that run is there. What a state
is made of is the loop's business; here it is tensors and facts.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pellucid.errors import RunError, shown
from pellucid.storage import storage_errors

_FILE = "checkpoint.safetensors"
_FACTS = "facts"


@dataclass(frozen=True)
class State:
    """What a training needs to go on: named tensors, and facts that are JSON."""

    tensors: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def write_state(folder: Path, state: State) -> None:
    """Put the state in place of the one before it, whole or not at all.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    tensors = {name: np.asarray(values, order="C") for name, values in state.tensors.items()}  # () stays ()
    data = save(tensors, {_FACTS: json.dumps(state.facts)})
    partial = folder / f".{_FILE}.{os.getpid()}"
    with storage_errors(folder, "the checkpoint"):
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(folder / _FILE)
        finally:
            partial.unlink(missing_ok=True)


def has_state(folder: Path) -> bool:
    """Whether a state was written there, or in a folder of it."""
    return next(folder.rglob(_FILE), None) is not None


def read_state(folder: Path) -> State | None:
    """The state that was written last; None where none was.

    Raises:
        RunError: it is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, "numpy") as file:
            facts = json.loads((file.metadata() or {})[_FACTS])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(
            f"The checkpoint {shown(path)} cannot be read ({error}).",
            "A checkpoint that Pellucid wrote was expected.",
            "Delete its folder and train again.",
        ) from error
    return State(tensors, facts)
