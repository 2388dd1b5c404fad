"""The maps that fine-tuning stands on: the frozen layers' own, as many views as there is room for."""

import shutil
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from pellucid.data.scan import Scan
from pellucid.errors import BackboneError, StorageError
from pellucid.events import Event, Notice, silent
from pellucid.learn.features import Base
from pellucid.learn.ground import Ground, Stock, _statistics, break_ground, take_stock, with_validation
from pellucid.network.backbone import untrained_backbone
from pellucid.network.tail import Tail
from pellucid.network.top import top_of
from pellucid.request import TrainRequest
from pellucid.training.rung import Rung

pytestmark = pytest.mark.slow

Disk = namedtuple("Disk", "total used free")


def test_the_ground_is_the_backbone_s_own_maps(ground: Ground, base: Base) -> None:
    """Of validation pictures, the layers above the boundary make the cached features of the whole."""
    assert len(ground.train.views) == 2
    ground.stock.backbone.take(ground.stock.before)  # whatever learnt from it before
    tail = Tail(_top(ground), base.fitted.unseen.weight_DK, base.fitted.unseen.bias_K).eval()
    import torch

    maps_NHWC = ground.val.batch(np.arange(len(ground.val)), 0)
    with torch.inference_mode():
        found_ND = tail.top(torch.from_numpy(maps_NHWC).permute(0, 3, 1, 2)).numpy()
    rows_ND = next(block for _, block in base.material.rows["val"].blocks(512))
    assert np.abs(found_ND - rows_ND).max() < 5e-3 * np.abs(rows_ND).max()  # half precision in between


def _top(ground: Ground) -> nn.Module:
    return top_of(ground.stock.backbone, ground.freeze.boundary)


def test_a_boundary_that_is_none_is_refused_before_anything_is_computed(request_: TrainRequest) -> None:
    """With those that there are."""
    with pytest.raises(
        BackboneError, match=r"has no boundary 'blocks\.99' to learn above\. last, last-two, all"
    ):
        take_stock(request_, [Rung("last"), Rung("blocks.99")])


def test_a_small_disk_means_fewer_views_and_says_so(
    source: Scan,
    request_: TrainRequest,
    base: Base,
    stock: Stock,
    ground: Ground,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of what is free bounds them, what the step itself has cached counting as free: once more it has as
    many. A training that goes on has as many as it began with."""
    other = replace(request_, seed=request_.seed + 1)  # of whose views none is cached
    each = 2 * 192 * 7 * 7
    train, val = (len(base.material.parts[name].pictures) for name in ("train", "val"))
    assert len(ground.val) == val  # whose maps are cached
    free = 2 * each * (train + 2 * val) + 2 - each * val
    for left in (free, free - each * train, 0):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, left=left: Disk(left, 0, left))
        told: list[Event] = []
        few = break_ground(Rung("last", "light"), other, source, base, stock, told.append)
        assert len(few.train.views) == 1
        assert Notice("There is room for 1 of 2 views of each picture; so many are learnt from.") in told
        assert few.maps.computed == (train if left == free else 0)
    again = break_ground(Rung("last", "light"), other, source, base, stock, silent, number=2)
    assert len(again.train.views) == 2


@pytest.mark.parametrize("rung", [Rung("last"), Rung("last", "light")])
def test_a_disk_without_room_for_one_view_is_refused(
    source: Scan,
    request_: TrainRequest,
    base: Base,
    stock: Stock,
    rung: Rung,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is computed, with views and without; what is cached already needs no room."""
    cropped = replace(base.material, preprocess=replace(base.material.preprocess, fit="crop"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(1000, 0, 1000))
    with pytest.raises(StorageError) as caught:
        break_ground(rung, request_, source, replace(base, material=cropped), stock, silent)
    learnt = sum(len(base.material.parts[name].pictures) for name in ("train", "val"))
    assert str(caught.value) == (
        f"The maps of one view at blocks.5 take {2 * 192 * 7 * 7 * learnt:,} bytes. At most 500 bytes were "
        "expected: half of what is free, and the cache's limit at most. Free some space, raise "
        "PELLUCID_CACHE_LIMIT, or use --recipe features."
    )


def test_validation_pictures_stand_behind_the_training_pictures(ground: Ground, base: Base) -> None:
    """In the same views; those of the training pictures are what they were, and so are the labels."""
    both = with_validation(ground, base)
    train = len(ground.train)
    assert len(both.train) == train + len(ground.val)
    assert len(both.train.views) == len(ground.train.views)
    rows_N = np.arange(train)
    np.testing.assert_array_equal(both.train.batch(rows_N, 1), ground.train.batch(rows_N, 1))
    np.testing.assert_array_equal(both.train.labels_N[train:], ground.val.labels_N)


def test_a_backbone_without_batch_statistics_says_so() -> None:
    """Of a ConvNeXt, which normalises each picture by itself, there is nothing to update."""
    top = top_of(untrained_backbone("convnext_atto"), "stages.2")
    with pytest.raises(BackboneError) as caught:
        _statistics(top, "stages.2")
    assert str(caught.value) == (
        "The layers above stages.2 have no batch statistics to update. A backbone with batch normalisation "
        "was expected, such as the shipped efficientnet_lite0. Leave '--batch-norm update' out, or '+update' "
        "of a step."
    )
