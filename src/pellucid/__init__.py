"""Pellucid: from a folder of pictures to a classifier that can be trusted, with every number open.

``pellucid.train("photos/")`` makes a run; ``pellucid.load`` opens one, or a backbone. Nothing heavy is
imported before it is needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.api import check, load, train
    from pellucid.classifier import Classifier, Prediction
    from pellucid.errors import PellucidError
    from pellucid.lab.notebook import explore
    from pellucid.run import Run

__all__ = ["Classifier", "PellucidError", "Prediction", "Run", "check", "explore", "load", "train"]

_ROOMS = {
    "Classifier": "classifier",
    "PellucidError": "errors",
    "Prediction": "classifier",
    "Run": "run",
    "check": "api",
    "explore": "lab.notebook",
    "load": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    return getattr(import_module(f"pellucid.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
