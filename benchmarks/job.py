"""Pellucid's commands as the benchmark runs them: whole processes with a cache of their own."""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.process import Ended, run

_PELLUCID = Path(sys.executable).with_name("pellucid")
_EXPORT = "from pellucid.training.trunk import open_trunk; open_trunk('efficientnet_lite0')"
_WEIGHTS = (
    "import sys; from safetensors.torch import save_file\n"
    "from pellucid.network.backbone import load_backbone\n"
    "save_file(load_backbone('efficientnet_lite0').module.state_dict(), sys.argv[1])"
)


@dataclass(frozen=True)
class Trained:
    """A training run that came to its end.

    Attributes:
        ended: Its process.
        folder: The run folder.
        phases: Seconds of each, in order; "start" is the process, its imports and its end, "rest" what no
            other phase accounts for.
        record: What the command printed with ``--json``.
    """

    ended: Ended
    folder: Path
    phases: dict[str, float]
    record: dict[str, Any]


class Workshop:
    """A temporary folder with the exported trunk, caches and runs; use as a context manager.

    Attributes:
        folder: Where it all lies.
        export_seconds: How long the export of the trunk took, as a whole process, on an empty cache.
    """

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="pellucid-bench-")
        self.folder = Path(self._temporary.name)
        self._numbers = count(1)
        self._exported = self.folder / "exported"
        self.export_seconds = self.export(self._exported)

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def export(self, cache: Path | None = None) -> float:
        """Export the trunk into an empty cache; seconds of the whole process."""
        cache = cache or self.folder / f"cache-{next(self._numbers)}"
        return run([sys.executable, "-c", _EXPORT], variables=_using(cache), folder=self.folder).seconds

    def weights(self) -> Path:
        """The backbone's weights as a file under timm's names, for the other tools."""
        path = self.folder / "efficientnet_lite0.safetensors"
        if not path.exists():
            run([sys.executable, "-c", _WEIGHTS, path], folder=self.folder)
        return path

    def cache(self) -> Path:
        """A new cache that holds the exported trunk and nothing else."""
        cache = self.folder / f"cache-{next(self._numbers)}"
        shutil.copytree(self._exported, cache)
        return cache

    def train(self, pictures: Path, cache: Path, *options: str) -> Trained:
        """``pellucid train`` on a folder."""
        out = self.folder / f"run-{next(self._numbers)}"
        command: list[str | Path] = [_PELLUCID, "train", pictures, "--out", out, *options, "--json"]
        ended = run(command, variables=_using(cache), folder=self.folder)
        record = ended.answer()
        inner = dict(record["seconds"])
        total = inner.pop("total")
        phases = {"start": ended.seconds - total, **inner, "rest": total - sum(inner.values())}
        return Trained(ended, out, phases, record)

    def predict(self, folder: Path, pictures: Path, cache: Path) -> Ended:
        """``pellucid predict`` with a run on a folder of pictures."""
        command: list[str | Path] = [_PELLUCID, "predict", folder, pictures, "--json"]
        return run(command, variables=_using(cache), folder=self.folder)

    def help(self) -> Ended:
        """``pellucid --help``."""
        return run([_PELLUCID, "--help"], folder=self.folder)


def _using(cache: Path) -> dict[str, str]:
    return {"PELLUCID_CACHE": str(cache)}
