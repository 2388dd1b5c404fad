"""What fine-tuning stands on: the frozen layers' maps at a boundary, for every view, and what learns above.

The frozen layers are computed once for each picture and view, and cached; where none is frozen, the pictures
themselves are what is learnt from. How is ``tuning``'s.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Picture, Scan
from pellucid.errors import BackboneError, StorageError
from pellucid.events import Listener, Notice
from pellucid.learn.features import VIEWS, Base
from pellucid.learn.learned import Part, refuse_gone
from pellucid.pictures.augment.text import augmentation
from pellucid.pictures.augment.view import View
from pellucid.pictures.preprocess import Preprocess
from pellucid.request import MOST_VIEWS, TrainRequest
from pellucid.storage import cache_folder
from pellucid.training.activations import ActivationCache
from pellucid.training.boundary import BoundaryFeed
from pellucid.training.features import cache_limit, extract_views, kept_in
from pellucid.training.feed import Feed
from pellucid.training.freeze import Freeze, is_statistic, plan_freeze, tensors_of
from pellucid.training.pixels import load_pixels
from pellucid.training.rung import PLAIN, Rung
from pellucid.training.trunk import Trunk, open_trunk

if TYPE_CHECKING:
    from pellucid.network.backbone import Backbone
    from pellucid.network.top import Top

_DISK_SHARE = 0.5  # of what is free
Maps = BoundaryFeed | Feed
"""What learns is shown these: maps at a boundary, or pictures."""


@dataclass(frozen=True)
class Stock:
    """A backbone that one step after another learns from.

    Attributes:
        backbone: Its layers; their numbers are those of the step that learnt last.
        before: All of its tensors as it came.
    """

    backbone: "Backbone"
    before: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Ground:
    """What a rung stands on: the pictures' maps at the boundary, and the backbone that is cut there.

    Attributes:
        top: The layers above the boundary; their tensors are the backbone's own.
        train: The training pictures in their views.
        plain: The training pictures as they are; None where nobody is to be asked about them.
        maps: Makes further ones.
        shown: The views of the training pictures.
        held: Pictures that are neither learnt from nor serve any choice, to be answered for; None for none.
    """

    rung: Rung
    stock: Stock
    top: "Top"
    train: Maps
    plain: Maps | None
    val: Maps
    freeze: Freeze
    maps: "_Maps"
    shown: Sequence[View | None]
    held: Maps | None = None


def take_stock(request: TrainRequest, rungs: Sequence[Rung] = ()) -> Stock:
    """The backbone that the request names, in PyTorch, which takes seconds: once for all steps.

    Args:
        request: What was asked for.
        rungs: Steps that will be taken: it is seen that the backbone can be cut where they begin.

    Raises:
        BackboneError: it or its weights are not to be had, or it cannot be cut there.
    """
    from pellucid.network.backbone import load_backbone
    from pellucid.network.top import boundary_of, top_of

    backbone = load_backbone(request.backbone, weights=request.weights, download=request.download)
    for rung in rungs:
        top_of(backbone, boundary_of(backbone, rung.learns))
    return Stock(backbone, tensors_of(backbone.module.state_dict()))


def views_wanted(rung: Rung, request: TrainRequest) -> int:
    """How many views of each training picture a rung learns from, where there is room for them.

    Pictures that no frozen layer sees cost nothing to keep: there are as many views as a request may ask for.
    """
    if rung.augment == PLAIN:
        return 1
    return request.views or (MOST_VIEWS if rung.whole else VIEWS)


def break_ground(
    rung: Rung,
    request: TrainRequest,
    looked: Scan,
    base: Base,
    stock: Stock,
    listen: Listener,
    *,
    plain: bool = False,
    number: int | None = None,
) -> Ground:
    """Compute the maps at the boundary for every view of the training pictures, and for validation.

    Args:
        plain: Of the training pictures as they are, too.
        number: Of views, where a training that goes on began with so many; else as many as there is room for.

    Raises:
        BackboneError: the backbone cannot be cut there, or has no batch statistics to update.
        SourceError: a picture has gone since its features were computed.
        StorageError: there is no room for the maps of a single view.
    """
    from pellucid.network.folding import folded
    from pellucid.network.top import boundary_of, timm_name, top_of

    boundary = boundary_of(stock.backbone, rung.learns)
    top = folded(top_of(stock.backbone, boundary), norms=not rung.update)  # refuses what cannot be cut
    learning = frozenset(timm_name(name) for name, _ in top.named_parameters())
    updated = _statistics(top, boundary) if rung.update else frozenset()
    head = int(base.fitted.unseen.weight_DK.size + base.fitted.unseen.bias_K.size)
    parts = base.material.parts
    augment, trunk = augmentation(rung.augment), None
    wanted = range(number or views_wanted(rung, request))
    views = [View(augment, request.seed, one) for one in wanted] if augment.transforms else [None]
    if not rung.whole:
        trunk = open_trunk(request.backbone, boundary, weights=request.weights, listen=listen)
        if number is None:
            views = views[: _affordable(views, trunk, base.material.preprocess, parts, listen)]
    maps = _Maps(trunk, looked, base.material.preprocess, listen)
    return Ground(
        rung=rung,
        stock=stock,
        top=top,
        val=maps.of(parts["val"], [None]),
        train=maps.of(parts["train"], views),
        plain=maps.of(parts["train"], [None]) if plain else None,
        freeze=plan_freeze(boundary, stock.before, learning, head, updated),
        maps=maps,
        shown=views,
    )


def _statistics(top: "Top", boundary: str) -> frozenset[str]:
    """The names of the batch statistics above the boundary.

    Raises:
        BackboneError: there are none.
    """
    from pellucid.network.top import timm_name

    found = frozenset(timm_name(name) for name, _ in top.named_buffers() if is_statistic(name))
    if not found:
        raise BackboneError(
            f"The layers above {boundary} have no batch statistics to update.",
            "A backbone with batch normalisation was expected, such as the shipped efficientnet_lite0.",
            "Leave '--batch-norm update' out, or '+update' of a step.",
        )
    return found


def with_validation(ground: Ground, base: Base) -> Ground:
    """The same ground where the validation pictures, in as many views, are learnt from too.

    Raises:
        SourceError: a picture has gone.
    """
    train, val = base.material.parts["train"], base.material.parts["val"]
    both = Part(train.pictures + val.pictures, np.concatenate([train.labels_N, val.labels_N]))
    return replace(ground, train=ground.maps.of(both, ground.shown))


@dataclass
class _Maps:
    """What the frozen layers put out of pictures, from the cache where it is there; pictures without any.

    Attributes:
        computed: How many maps were made so far, rather than found in the cache.
    """

    trunk: Trunk | None
    looked: Scan
    preprocess: Preprocess
    listen: Listener
    computed: int = 0

    def of(self, part: Part, views: Sequence[View | None]) -> Maps:
        """The maps of these pictures in these views."""
        if self.trunk is None:
            return self._pictures(part, views)
        found = extract_views(
            part.pictures,
            self.looked.source.read,
            self.trunk,
            self.preprocess,
            views,
            self.listen,
            kind=np.float16,
        )
        refuse_gone(found[0].skipped)
        self.computed += sum(one.computed for one in found)
        channels, height, width = self.trunk.output_shape
        return BoundaryFeed([one.rows for one in found], (channels, height, width), part.labels_N)

    def _pictures(self, part: Part, views: Sequence[View | None]) -> Feed:
        loaded = load_pixels(part.pictures, self.looked.source.read, self.preprocess, self.listen)
        refuse_gone(loaded.skipped)
        keys = [picture.digest for picture in part.pictures]
        feed = Feed(loaded.pixels, part.labels_N, self.preprocess, keys_N=keys, views=len(views))
        return feed if views[0] is None else replace(feed, augment=views[0].augment, seed=views[0].seed)


def _affordable(
    views: Sequence[View | None],
    trunk: Trunk,
    preprocess: Preprocess,
    parts: Mapping[str, Part],
    listen: Listener,
) -> int:
    """How many of the views of each training picture there is room for on the disk.

    What these very maps take already counts as free, and views that are there are learnt from: the same step
    once more has as many.

    Raises:
        StorageError: there is no room for one.
    """
    each, wanted = 2 * int(np.prod(trunk.output_shape)), len(views)
    folder = cache_folder()
    disk = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    train, val = parts["train"].pictures, parts["val"].pictures
    plain = () if views[0] is None else val  # which serves to choose, in no view
    made = [_made(trunk, preprocess, view, (train, val)) for view in views]
    own = sum(map(sum, made)) + sum(_made(trunk, preprocess, None, (plain,)))
    room = min(int(_DISK_SHARE * (shutil.disk_usage(disk).free + each * own)), cache_limit())
    learnt = len(train) + len(val)  # the latter in the end
    whole = next((number for number, one in enumerate(made) if one[0] < len(train)), wanted)
    fitting = max((room - each * len(plain)) // (each * learnt), whole)
    if fitting < 1:
        raise StorageError(
            f"The maps of one view at {trunk.boundary} take {each * learnt:,} bytes.",
            f"At most {room:,} bytes were expected: half of what is free, and the cache's limit at most.",
            "Free some space, raise PELLUCID_CACHE_LIMIT, or use --recipe features.",
        )
    if fitting < wanted:
        listen(
            Notice(f"There is room for {fitting} of {wanted} views of each picture; so many are learnt from.")
        )
    return int(min(wanted, fitting))


def _made(
    trunk: Trunk, preprocess: Preprocess, view: View | None, parts: Sequence[Sequence[Picture]]
) -> list[int]:
    """Of how many pictures of each part the cache holds the maps in this view; no map is read."""
    cache = ActivationCache(int(np.prod(trunk.output_shape)), np.float16)
    cache.add(cache_folder() / kept_in(trunk, preprocess, view, np.float16))
    return [sum(picture.digest in cache for picture in pictures) for pictures in parts]
