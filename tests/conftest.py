"""What every test shares: a cache of its own, no network, and Chromium where there is one."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import settings
from onnx import TensorProto, helper
from PIL import Image

from pellucid.network.blueprint import Blueprint
from pellucid.network.parameters import Parameters, parameter_shapes
from pellucid.network.weights import WeightsFile
from pellucid.pictures.preprocess import Preprocess
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run, load_run
from pellucid.web import listen

# The machine is small and shared, so no deadline; and a run in CI repeats the run before it.
settings.register_profile("pellucid", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("pellucid")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file run in one process, which shares what it makes once; pages of the docs run alone."""
    for item in items:
        if item.path.name != "test_docs.py":
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(item.config.rootpath))))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for the session, so that a trunk is exported once; the user's own is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def nothing_leaves_the_machine() -> Iterator[None]:
    """A connection to anywhere but this machine fails the test that opens it."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        local = self.family not in (socket.AF_INET, socket.AF_INET6) or address[0] in (
            "127.0.0.1",
            "::1",
            "localhost",
        )
        if not local:
            pytest.fail(f"A test tried to reach {address!r}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is, for Playwright; only outside CI may a test that needs it be skipped."""
    path = os.environ.get("PELLUCID_CHROMIUM", "/usr/bin/chromium")
    if Path(path).is_file():
        return path
    if os.environ.get("CI") == "true" and os.geteuid() == 0:
        pytest.fail(f"CI as root has Chromium, but there is none at {path}: tools/chromium.sh installs it.")
    pytest.skip(f"There is no Chromium at {path}; PELLUCID_CHROMIUM may name one.")


@pytest.fixture(scope="session")
def drawn() -> Callable[[Blueprint], Parameters]:
    """``drawn(blueprint)``: tensors by chance, none at its beginning, that keep outputs of moderate size."""

    def numbers(blueprint: Blueprint) -> Parameters:
        draw, found = np.random.default_rng(1), {}
        for name, shape in parameter_shapes(blueprint).items():
            width = np.prod(shape[:-1]) ** -0.5 if name.endswith("kernel") else 0.5
            values = draw.normal(0, width, shape).astype(np.float32)
            found[name] = np.abs(values) + np.float32(0.5) if name.endswith("variance") else values
        return found

    return numbers


@pytest.fixture(scope="session")
def answering() -> Callable[[FastAPI], AbstractContextManager[int]]:
    """``with answering(app) as port``: a server in a thread, while the block runs."""

    @contextmanager
    def started(app: FastAPI) -> Iterator[int]:
        door = listen(0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
            door.close()

    return started


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("PELLUCID_CACHE", str(folder))
    return folder


@pytest.fixture
def tiny(own_cache: Path, tmp_path: Path) -> str:
    """The name of a backbone that costs nothing: its features are the means of red, green and blue.

    It lies in the cache as an exported trunk does, so that all that stands on a trunk runs without torch.
    """
    return _make_tiny(own_cache, tmp_path / "tiny.weights")


@pytest.fixture(scope="session")
def _studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the tiny backbone, the colours, and a run trained on them; made once, copied for each."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(folder / "cache"))
        tiny = _make_tiny(folder / "cache", folder / "tiny.weights")
        source = _paint(folder / "colours", 24)
        train(TrainRequest(source=str(source), backbone=tiny, out=folder / "run", fit="squash"))
    return folder


STROKES_NETWORK = "input 12x12x1; conv 8 3x3 relu; maxpool 2x2; flatten; dense 3 softmax"


@contextmanager
def _on_one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@pytest.fixture
def one_core() -> Iterator[None]:
    """One processor for this test and the processes that it starts.

    The threads of PyTorch wait for one another at every layer: on a busy machine that is most of the time
    that a tiny network takes.
    """
    with _on_one_core():
        yield


@pytest.fixture
def strokes(tmp_path: Path) -> Path:
    """A folder of 30 grey pictures each of lines that lie, stand and slant, 12 x 12, no two alike."""
    return _draw(tmp_path / "strokes", 30)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Path]:
    """The maker of such folders: ``draw(folder, number a class, offset)``."""
    return _draw


@pytest.fixture(scope="session")
def strokes_network() -> str:
    """The text of a network of 683 parameters that tells these lines apart."""
    return STROKES_NETWORK


@pytest.fixture(scope="session")
def _workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The strokes and a run from scratch on them; made once, copied for each."""
    folder = tmp_path_factory.mktemp("workshop")
    source = _draw(folder / "strokes", 30)
    asked = TrainRequest(source=str(source), network=STROKES_NETWORK, epochs=12, batch=16, out=folder / "run")
    with _on_one_core():
        train(replace(asked, learning_rate=0.05, device="cpu"))
    return folder


@pytest.fixture
def scratched(_workshop: Path, tmp_path: Path) -> Run:
    """A run of its own for one test, trained from scratch on the strokes."""
    return load_run(Path(shutil.copytree(_workshop / "run", tmp_path / "scratched")))


def _draw(folder: Path, number: int, offset: int = 0) -> Path:
    """Grey pictures of 12 x 12 pixels with a line each; another offset gives other pictures."""
    for index, name in enumerate(("lying", "slanted", "standing")):
        (folder / name).mkdir(parents=True)
        for n in range(number):
            chance = np.random.default_rng([index, n + offset])
            pixels_HW = chance.integers(0, 120, (12, 12), np.uint8)
            place = chance.integers(1, 11)
            if index == 1:
                rows = np.arange(12)
                pixels_HW[rows, (rows + place) % 12] = 255
            else:
                pixels_HW[(place, slice(None)) if index == 0 else (slice(None), place)] = 255
            Image.fromarray(pixels_HW).save(folder / name / f"{n:02d}.png")
    return folder


@pytest.fixture
def run(_studio: Path, own_cache: Path, tmp_path: Path) -> Run:
    """A run of its own for one test, trained on the colours with the tiny backbone."""
    shutil.copytree(_studio / "cache", own_cache, dirs_exist_ok=True)
    return load_run(Path(shutil.copytree(_studio / "run", tmp_path / "run")))


def _make_tiny(cache: Path, weights: Path) -> str:
    weights.write_bytes(b"none")
    side, name = 8, "tiny"
    mean = helper.make_node("ReduceMean", ["pictures", "axes"], ["features"], keepdims=0)
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, side, side])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 3])
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])
    graph = helper.make_graph([mean], name, [pictures], [features], [axes])
    preprocess = Preprocess(side, side, "squash", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
    for boundary, classes in (("pool", []), ("logits", ["red", "green", "blue"])):
        folder = cache / "trunks" / f"{name}-{boundary}"
        folder.mkdir(parents=True)
        model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
        onnx.save(model, folder / "trunk.onnx")
        record = {
            "format": 1,
            "backbone": name,
            "boundary": boundary,
            "weights": asdict(WeightsFile.of(weights)),
            "by_hand": False,
            "preprocess": preprocess.to_json(),
            "output_shape": [3],
            "classes": classes,
            "difference": 0.0,
        }
        (folder / "trunk.json").write_text(json.dumps(record))
    return name


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A folder of 24 blue, 24 green and 24 red pictures, no two alike, that the tiny backbone tells apart."""
    return _paint(tmp_path / "colours", 24)


@pytest.fixture
def paint() -> Callable[..., Path]:
    """The painter of such folders: ``paint(folder, number a class, classes, offset)``."""
    return _paint


def _paint(
    folder: Path, number: int, classes: tuple[str, ...] = ("blue", "green", "red"), offset: int = 0
) -> Path:
    """Noisy pictures of 32 x 24 pixels, mostly of one colour each; another offset gives other pictures."""
    for index, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for n in range(number):
            noise = np.random.default_rng([index, n + offset])
            pixels_HWC = noise.integers(0, 150, (6, 8, 3), np.uint8).repeat(4, 0).repeat(4, 1)
            pixels_HWC[:, :, 2 - index % 3] += np.uint8(60)
            Image.fromarray(pixels_HWC).save(folder / name / f"{n:02d}.png")
    return folder
