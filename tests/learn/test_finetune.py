"""Fine-tuning that proves itself: kept where it is better outside the noise, and told either way."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.learn.finetune import Standing, judge
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import load_run


def standing(name: str, losses: list[float], right: list[bool]) -> Standing:
    return Standing(name, np.array(losses), np.array(right))


def test_a_gain_outside_the_noise_is_kept() -> None:
    """Losses of 40 pictures that fall by 0.5, give or take 0.1, with no fewer right answers."""
    chance = np.random.default_rng(0)
    before = standing("features", list(chance.normal(1.0, 0.1, 40)), [True] * 30 + [False] * 10)
    after = standing("finetune", list(chance.normal(0.5, 0.1, 40)), [True] * 36 + [False] * 4)
    better, why = judge(before, after)
    assert better
    assert why.startswith("It beats features outside the noise: 90.0 against 75.0 % (log loss 0.")


@pytest.mark.parametrize("shift", [0.0, 0.01, -0.5])
def test_no_gain_or_one_within_the_noise_is_refused(shift: float) -> None:
    """Equal losses, a gain far below its standard error, and a loss."""
    chance = np.random.default_rng(0)
    losses = chance.normal(1.0, 0.1, 40)
    before = standing("features", list(losses), [True] * 30 + [False] * 10)
    after = standing("finetune", list(losses - shift + chance.normal(0, 0.3, 40)), [True] * 30 + [False] * 10)
    better, why = judge(before, after)
    assert not better
    assert why.startswith("It did not beat features outside the noise: 75.0 against 75.0 %")


def test_a_lower_loss_with_fewer_right_answers_is_refused() -> None:
    """Nobody wants a classifier that is surer and less often right."""
    before = standing("features", [1.0] * 20, [True] * 20)
    after = standing("finetune", [0.5] * 20, [True] * 19 + [False])
    assert not judge(before, after)[0]


@pytest.mark.slow
def test_a_budget_of_a_second_delivers_features_and_says_so(colours: Path, tmp_path: Path, tiny: str) -> None:
    """Nothing is tried that cannot be done in time; the run is there, with a table of what was not tried."""
    request = TrainRequest(source=str(colours), backbone=tiny, budget=1.0, out=tmp_path / "run", fit="squash")
    run = train(request)
    assert run.record["chosen"] == "features"
    ladder = run.record["ladder"]
    assert [step["outcome"] for step in ladder] == ["not tried"] * 4
    assert ladder[0]["why"].startswith("It would have taken about ")
    assert any("s of the budget were left." in note for note in run.record["notes"])
    assert "The frozen layers were kept as they are." in run.report.read_text("utf-8")


@pytest.mark.slow
def test_a_fine_tuned_run_answers_again_as_it_did(tmp_path: Path) -> None:
    """Loaded from its folder it gives the probabilities that training wrote down; its own layers are kept."""
    looked, pictures = scan(open_source("builtin:clipart")), tmp_path / "pictures"
    for label in ("animals", "food"):
        (pictures / label).mkdir(parents=True)
        for picture in [one for one in looked.pictures if one.label == label][:10]:
            (pictures / label / f"{picture.index}.png").write_bytes(looked.source.read(picture.index))
    request = TrainRequest(
        source=str(pictures), recipe="finetune", epochs=1, learning_rate=3e-4, out=tmp_path / "run"
    )
    run = train(request)
    assert run.record["chosen"] == "finetune"
    assert [stage["name"] for stage in run.record["stages"]] == ["features", "finetune, last block"]
    assert run.record["finetune"]["boundary"] == "blocks.5"
    assert run.record["finetune"]["difference"] < 0.1  # half precision at the boundary
    assert "1,017,600" in run.report.read_text("utf-8")
    again = load_run(tmp_path / "run")
    paths = sorted(pictures.rglob("*.png"))
    for one, other in zip(run.predict(paths), again.predict(paths), strict=True):
        assert one.probabilities == other.probabilities
    assert not (tmp_path / "run.unfinished").exists()
