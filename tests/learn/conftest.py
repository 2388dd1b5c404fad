"""Twenty shipped pictures, the frozen backbone with a head on them, and what fine-tuning stands on."""

import pytest

from pellucid.data.fractions import Fractions
from pellucid.data.scan import Scan, scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.events import silent
from pellucid.learn.features import Base, learn_base
from pellucid.learn.ground import Ground, Stock, break_ground, take_stock
from pellucid.learn.learned import Clock
from pellucid.request import TrainRequest
from pellucid.training.rung import Rung


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """Ten pictures each of two classes of the shipped clip art."""
    folder, looked = tmp_path_factory.mktemp("pictures"), scan(open_source("builtin:clipart"))
    for label in ("animals", "food"):
        (folder / label).mkdir()
        for picture in [one for one in looked.pictures if one.label == label][:10]:
            (folder / label / f"{picture.index}.png").write_bytes(looked.source.read(picture.index))
    return scan(open_source(folder))


@pytest.fixture(scope="session")
def request_() -> TrainRequest:
    return TrainRequest(
        source="unused", recipe="finetune", epochs=2, learning_rate=3e-4, augment="light", views=2
    )


@pytest.fixture(scope="session")
def base(source: Scan, request_: TrainRequest) -> Base:
    return learn_base(request_, source, split_pictures(source, Fractions(), 0), Clock(), silent)


@pytest.fixture(scope="session")
def stock(request_: TrainRequest) -> Stock:
    return take_stock(request_)


@pytest.fixture(scope="session")
def ground(source: Scan, request_: TrainRequest, base: Base, stock: Stock) -> Ground:
    return break_ground(Rung("last", "light"), request_, source, base, stock, silent)
