"""Fine-tuning that was asked for: delivered, proved, judged, and told."""

from pathlib import Path
from typing import Any

import pytest

from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import load_run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistics", "name", "told"),
    [
        ("keep", "finetune, last block", "among them, and"),
        (
            "update",
            "finetune, last block, updated statistics",
            "but for the 12\N{NO-BREAK SPACE}tensors that were to",
        ),
    ],
    ids=["keep", "update"],
)
def test_a_fine_tuned_run_answers_again_as_it_did(
    tmp_path: Path, statistics: Any, name: str, told: str
) -> None:
    """Loaded from its folder it gives the probabilities that training wrote down; its own layers are kept,
    and their batch statistics where these followed the pictures."""
    looked, pictures = scan(open_source("builtin:clipart")), tmp_path / "pictures"
    for label in ("animals", "food"):
        (pictures / label).mkdir(parents=True)
        for picture in [one for one in looked.pictures if one.label == label][:10]:
            (pictures / label / f"{picture.index}.png").write_bytes(looked.source.read(picture.index))
    request = TrainRequest(
        source=str(pictures),
        recipe="finetune",
        batch_norm=statistics,
        epochs=1,
        learning_rate=3e-4,
        out=tmp_path / "run",
    )
    run = train(request)
    assert run.record["chosen"] == "finetune"
    assert [stage["name"] for stage in run.record["stages"]] == ["features", name]
    assert run.record["finetune"]["boundary"] == "blocks.5"
    assert run.record["finetune"]["difference"] < 0.1  # half precision at the boundary
    report = run.report.read_text("utf-8")
    assert "1,017,600" in report
    assert told in report
    assert ("--batch-norm update" in report) == (statistics == "update")
    again = load_run(tmp_path / "run")
    paths = sorted(pictures.rglob("*.png"))
    for one, other in zip(run.predict(paths), again.predict(paths), strict=True):
        assert one.probabilities == other.probabilities
    assert not (tmp_path / "run.unfinished").exists()
