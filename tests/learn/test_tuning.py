"""One step of fine-tuning: what is frozen stays, a killed training goes on to the same bits."""

import shutil
from collections import namedtuple

import numpy as np
import pytest
from torch import nn

from pellucid.data.fractions import Fractions
from pellucid.data.scan import Scan, scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.errors import StorageError
from pellucid.events import Event, Notice, silent
from pellucid.learn.features import Base, learn_base
from pellucid.learn.learned import Clock
from pellucid.learn.tuning import Ground, Stock, break_ground, climb, forecast, plan_of, take_stock
from pellucid.learn.unfinished import Watch
from pellucid.network.tail import Tail
from pellucid.request import TrainRequest
from pellucid.training.checkpoint import State
from pellucid.training.freeze import FreezeError
from pellucid.training.plan import Plan
from pellucid.training.rung import Rung

pytestmark = pytest.mark.slow

Disk = namedtuple("Disk", "total used free")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """Ten pictures each of two classes of the shipped clip art."""
    folder, looked = tmp_path_factory.mktemp("pictures"), scan(open_source("builtin:clipart"))
    for label in ("animals", "food"):
        (folder / label).mkdir()
        for picture in [one for one in looked.pictures if one.label == label][:10]:
            (folder / label / f"{picture.index}.png").write_bytes(looked.source.read(picture.index))
    return scan(open_source(folder))


@pytest.fixture(scope="module")
def request_() -> TrainRequest:
    return TrainRequest(
        source="unused", recipe="finetune", epochs=2, learning_rate=3e-4, augment="light", views=2
    )


@pytest.fixture(scope="module")
def base(source: Scan, request_: TrainRequest) -> Base:
    return learn_base(request_, source, split_pictures(source, Fractions(), 0), Clock(), silent)


@pytest.fixture(scope="module")
def stock(request_: TrainRequest) -> Stock:
    return take_stock(request_)


@pytest.fixture(scope="module")
def ground(source: Scan, request_: TrainRequest, base: Base, stock: Stock) -> Ground:
    return break_ground(Rung("last", "light"), request_, source, base, stock, silent)


def test_the_ground_is_the_backbone_s_own_maps(ground: Ground, base: Base) -> None:
    """Of validation pictures, the layers above the boundary make the cached features of the whole."""
    assert len(ground.train.views) == 2
    tail = Tail(_top(ground), base.fitted.unseen.weight_DK, base.fitted.unseen.bias_K).eval()
    import torch

    maps_NHWC = ground.val.batch(np.arange(len(ground.val)), 0)
    with torch.inference_mode():
        found_ND = tail.top(torch.from_numpy(maps_NHWC).permute(0, 3, 1, 2)).numpy()
    rows_ND = next(block for _, block in base.material.rows["val"].blocks(512))
    assert np.abs(found_ND - rows_ND).max() < 5e-3 * np.abs(rows_ND).max()  # half precision in between


def _top(ground: Ground) -> nn.Module:
    from pellucid.network.top import top_of

    return top_of(ground.stock.backbone, ground.freeze.boundary)


def test_what_is_frozen_stays_and_what_learns_changes(
    ground: Ground, request_: TrainRequest, base: Base
) -> None:
    """All tensors up to blocks.5 and all batch statistics are equal; the 18 above that learn have changed."""
    climbed = climb(ground, request_, base, Watch(), silent)
    assert set(climbed.changed) == set(ground.freeze.learning)
    assert all(name.startswith(("blocks.6.", "conv_head.", "bn2.")) for name in climbed.changed)
    assert climbed.record["proof"]["changed"] == len(climbed.changed)
    assert climbed.record["proof"]["equal"] == len(ground.stock.before) - len(climbed.changed)
    assert [line["epoch"] for line in climbed.epochs] == [1, 2]


def test_a_batch_norm_layer_that_is_unfrozen_behind_its_back_is_caught(
    ground: Ground, request_: TrainRequest, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One layer in training mode moves its statistics, and the training is refused with its name."""
    honest = Tail.train

    def sly(self: Tail, mode: bool = True) -> Tail:
        honest(self, mode)
        layers = [one for one in self.modules() if isinstance(one, nn.BatchNorm2d)]
        layers[-1].train(mode)
        return self

    monkeypatch.setattr(Tail, "train", sly)
    with pytest.raises(FreezeError, match=r"tensors that were frozen have changed in training: 'bn2\."):
        climb(ground, request_, base, Watch(), silent)


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_training_that_goes_on_ends_in_the_same_bits(
    ground: Ground, request_: TrainRequest, base: Base, stop: int
) -> None:
    """From the state after any of its steps it comes to the tensors of one that was never stopped."""
    states: list[State] = []
    whole = climb(ground, request_, base, Watch(keep=states.append, every=0.0), silent)
    assert len(states) >= 3
    again = climb(ground, request_, base, Watch(state=states[stop]), silent)
    for name, values in whole.changed.items():
        assert values.tobytes() == again.changed[name].tobytes(), name
    np.testing.assert_array_equal(whole.head.weight_DK, again.head.weight_DK)


def test_a_small_disk_means_fewer_views_and_says_so(
    source: Scan, request_: TrainRequest, base: Base, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what is free bounds them; where not even one fits, that is an error."""
    each = 2 * 192 * 7 * 7
    train, val = (len(base.material.parts[name].pictures) for name in ("train", "val"))
    told: list[Event] = []
    free = 2 * each * (train + val) + 2
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(free, 0, free))
    few = break_ground(Rung("last", "light"), request_, source, base, stock, told.append)
    assert len(few.train.views) == 1
    assert Notice("There is room for 1 of 2 views of each picture; so many are learnt from.") in told
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(1000, 0, 1000))
    with pytest.raises(StorageError, match=r"The maps of one view at blocks\.5 take [\d,]+ bytes\."):
        break_ground(Rung("last", "light"), request_, source, base, stock, silent)


def test_a_plan_has_enough_steps_for_few_pictures() -> None:
    """At least six epochs and about 200 steps, and never more than 30 epochs unless asked."""
    request = TrainRequest(source="unused", recipe="finetune")
    assert plan_of(request, 2000).epochs == 6
    assert plan_of(request, 500).epochs == 13
    assert plan_of(request, 20).epochs == 30
    assert plan_of(TrainRequest(source="unused", epochs=2), 20).epochs == 2


def test_a_forecast_adds_up() -> None:
    """Maps, trials of three rates, epochs, export: by hand for round numbers."""
    plan = Plan(epochs=6, batch=32)
    assert forecast(100.0, 50.0, plan, 4, 1000, 200) == pytest.approx(42 + (6000 + 3 * 960) / 50 + 15)
