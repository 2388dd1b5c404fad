"""A network becomes a Keras model and a .keras file: Keras answers as ONNX Runtime does."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import StorageError
from pellucid.network.blueprint import AvgPool, Blueprint, Conv, DepthwiseConv, Input, Rescale
from pellucid.network.catalogue import NETWORKS
from pellucid.network.keras_file import KerasError
from pellucid.network.keras_layers import MisfitError, write_layer
from pellucid.network.keras_read import from_keras
from pellucid.network.keras_write import import_keras, save_keras, to_keras
from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import ParameterError, initial_parameters, parameter_shapes
from pellucid.network.shapes import ShapeError, padding_of, shapes
from pellucid.network.text import parse

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

# Keras 3.15 on PyTorch turns its tensors into arrays in a way that NumPy 2 would rather not see.
# It also warns, rightly, of a softmax over one number, which random networks have.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Exception encountered when calling:UserWarning"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1:UserWarning"),
]


def random_parameters(blueprint: Blueprint, seed: int = 0) -> dict[str, np.ndarray]:
    """Numbers of which none is at its beginning; outputs stay of moderate size."""
    draw = np.random.default_rng(seed)
    found = {}
    for name, shape in parameter_shapes(blueprint).items():
        width = np.prod(shape[:-1]) ** -0.5 if name.endswith("kernel") else 0.5
        found[name] = draw.normal(0, width, shape).astype(np.float32)
        if name.endswith("moving_variance"):
            found[name] = np.abs(found[name]) + np.float32(0.5)
    return found


def by_onnx_runtime(
    blueprint: Blueprint, parameters: dict[str, np.ndarray], x_NHWC: np.ndarray
) -> np.ndarray:
    """The outputs, a map as (N, H, W, C)."""
    session = onnxruntime.InferenceSession(
        onnx_model(blueprint, parameters).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"pictures": np.ascontiguousarray(x_NHWC.transpose(0, 3, 1, 2))})
    return found.transpose(0, 2, 3, 1) if found.ndim == 4 else found


def random_pictures(blueprint: Blueprint, number: int = 2) -> np.ndarray:
    side = blueprint.input
    shape = (number, side.height, side.width, side.channels)
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def by_keras(model: Any, x_NHWC: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(x_NHWC, training=False))


def near(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and bool(
        np.abs(found - expected).max() <= 1e-5 * (np.abs(expected).max() + 1)
    )


def shape_after(blueprint: Blueprint) -> tuple[int, ...]:
    side = blueprint.input
    return ((side.height, side.width, side.channels), *shapes(blueprint))[-1]


def for_keras(drawn: Blueprint) -> Blueprint:
    """The layers that Keras has and float32 bears; what then fits nothing any more is left out too."""
    kept = Blueprint(drawn.input, ())
    for layer in drawn.layers:
        if isinstance(layer, Rescale) and max(abs(layer.scale), abs(layer.offset)) > 2:
            continue
        if isinstance(layer, Conv | DepthwiseConv) and max(layer.stride) > 1 and max(layer.dilation) > 1:
            continue  # Keras has no step over a map with holes
        if isinstance(layer, AvgPool) and any(a != b for a, b in padding_of(layer, shape_after(kept))):
            continue  # on PyTorch, Keras 3.15 repeats the edge there (mended by its pull request 23233)
        longer = Blueprint(drawn.input, (*kept.layers, layer))
        try:
            write_layer(layer)
            shapes(longer)
        except (MisfitError, ShapeError):
            continue
        kept = longer
    return kept


@settings(max_examples=60)
@given(data=st.data())
def test_keras_and_onnx_runtime_agree_over_random_networks(data, chains) -> None:
    """To Keras and back: the same outputs to five places, the same layers, and equal bits in every tensor."""
    blueprint = for_keras(data.draw(chains()))
    parameters = random_parameters(blueprint)
    model = to_keras(blueprint, parameters)
    x_NHWC = random_pictures(blueprint)
    assert near(by_keras(model, x_NHWC), by_onnx_runtime(blueprint, parameters, x_NHWC))
    assert tuple(layer.name for layer in model.layers[1:]) == blueprint.names
    assert model.count_params() == sum(tensor.size for tensor in parameters.values())
    back, tensors = from_keras(model)
    assert back.names == blueprint.names
    assert [*tensors] == [*parameters]
    assert all((tensors[name] == parameters[name]).all() for name in parameters)
    assert near(by_onnx_runtime(back, tensors, x_NHWC), by_keras(model, x_NHWC))


def test_the_digits_convnet_goes_to_a_file_that_keras_opens(tmp_path: Path) -> None:
    """Keras loads the file in its safe mode and answers as ONNX Runtime does."""
    blueprint = NETWORKS["digits-convnet"].blueprint
    parameters = random_parameters(blueprint)
    save_keras(blueprint, parameters, tmp_path / "new" / "digits.keras")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["digits.keras"]
    model = keras.models.load_model(tmp_path / "new" / "digits.keras", safe_mode=True)
    x_NHWC = random_pictures(blueprint, 5)
    assert model.count_params() == 104_202
    assert near(by_keras(model, x_NHWC), by_onnx_runtime(blueprint, parameters, x_NHWC))


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """Saved again, the file holds the new numbers."""
    blueprint = NETWORKS["class-test"].blueprint
    for seed in (0, 1):
        save_keras(blueprint, random_parameters(blueprint, seed), tmp_path / "net.keras")
    tensors = from_keras(tmp_path / "net.keras")[1]
    assert (tensors["dense.kernel"] == random_parameters(blueprint, 1)["dense.kernel"]).all()


def test_initial_kernels_are_as_wide_as_keras_draws_them() -> None:
    """Keras' own fans: its Glorot limit of each kernel's shape, groups and multiplier included, is ours."""
    blueprint = parse("input 9x9x16; conv 32 3x3 groups=4; depthwiseconv 3x3 multiplier=8; flatten; dense 40")
    ours = initial_parameters(blueprint, 0)
    model = to_keras(blueprint, ours)
    for layer, name in (
        (model.layers[1], "conv2d"),
        (model.layers[2], "depthwise_conv2d"),
        (model.layers[4], "dense"),
    ):
        kernel = ours[f"{name}.kernel"]
        theirs = keras.ops.convert_to_numpy(keras.initializers.GlorotUniform(seed=1)(layer.kernel.shape))
        assert np.abs(kernel).max() == pytest.approx(np.abs(theirs).max(), rel=0.02)
        assert kernel.std() == pytest.approx(theirs.std(), rel=0.05)


def test_colour_augmentations_are_told_the_range_of_the_pixels() -> None:
    """After rescale 1/127.5 offset=-1 a pixel is between -1 and 1, before it between 0 and 255."""
    text = "input 4x4x3; randombrightness 0.2; rescale 1/127.5 offset=-1; randomcontrast 0.3; flatten"
    model = to_keras(parse(text), {})
    ranges = [tuple(model.get_layer(name).value_range) for name in ("random_brightness", "random_contrast")]
    assert ranges == [(0, 255), (-1, pytest.approx(1))]


REFUSED = [
    (
        "input 4x4x1; flatten; rbf 3",
        "The layer 'rbf' is of a kind that Keras does not have. Layers that Keras has were expected. Export "
        "the network in another format, or replace the layer.",
    ),
    (
        "input 4x4x1; conv 2 1x1; conv 2 2x2 scaled_tanh",
        "The layer 'conv2d_1' has the activation 'scaled_tanh', which Keras does not have. Layers that Keras "
        "has were expected. Export the network in another format, or replace the layer.",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_keras_does_not_have_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    """The first layer that Keras has not, and nothing is written."""
    blueprint = parse(text)
    with pytest.raises(KerasError) as caught:
        save_keras(blueprint, random_parameters(blueprint), tmp_path / "net.keras")
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_what_keras_refuses_is_refused_in_one_paragraph() -> None:
    """Keras has no convolution with both stride and dilation."""
    blueprint = parse("input 9x9x1; conv 2 2x2 stride=2 dilation=2")
    with pytest.raises(KerasError, match="The layer 'conv2d' is refused by Keras"):
        to_keras(blueprint, random_parameters(blueprint))


def test_a_wrong_ending_is_refused(tmp_path: Path) -> None:
    """Keras knows its files by their ending."""
    with pytest.raises(KerasError) as caught:
        save_keras(Blueprint(Input(1, 1, 1), ()), {}, Path("net.h5"))
    assert str(caught.value) == (
        "The path 'net.h5' does not end in .keras. Keras knows its files by that ending. Write, for example: "
        "'net.keras'"
    )


def test_wrong_tensors_are_refused(tmp_path: Path) -> None:
    """A missing tensor is named before Keras is asked for anything."""
    with pytest.raises(ParameterError, match=r"The tensor 'dense\.kernel' of the network is missing"):
        to_keras(parse("input 2x2x1; flatten; dense 3"), {})


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where a folder should be is one clear paragraph."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Could not write the Keras file at"):
        save_keras(parse("input 2x2x1; flatten"), {}, tmp_path / "file" / "net.keras")


def test_a_disk_that_runs_full_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half written is gone, what was there before is there still, bit for bit."""
    blueprint, path = NETWORKS["class-test"].blueprint, tmp_path / "net.keras"
    save_keras(blueprint, random_parameters(blueprint, 0), path)
    before = path.read_bytes()

    def half(_: Any, partial: Path) -> None:
        Path(partial).write_bytes(before[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(StorageError, match="The disk ran full while writing the Keras file at"):
        save_keras(blueprint, random_parameters(blueprint, 1), path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["net.keras"]


def test_keras_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """One paragraph says what to install."""
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(KerasError) as caught:
        import_keras()
    assert str(caught.value) == (
        "The package 'keras' is needed for Keras models and cannot be imported (import of keras halted; None "
        'in sys.modules). It comes with an extra of Pellucid. Run: pip install "pellucid[keras]"'
    )


def backend_with(settings_file: str | None, folder: Path, **environment: str) -> str:
    """The backend that a fresh process takes, with this keras.json, before Keras is loaded."""
    if settings_file is not None:
        (folder / "keras.json").write_text(settings_file)
    (folder / "keras.py").write_text("import os\n__version__ = '3'\nprint(os.environ.get('KERAS_BACKEND'))\n")
    free = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = "from pellucid.network.keras_write import import_keras; import_keras()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**free, "KERAS_HOME": str(folder), "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_keras_runs_on_what_is_there(tmp_path: Path) -> None:
    """PyTorch, unless the person chose another backend; a backend that is not here was not chosen."""
    assert backend_with(None, tmp_path) == "torch"
    assert backend_with('{"backend": "no_such_backend"}', tmp_path) == "torch"
    assert backend_with("damaged", tmp_path) == "torch"
    assert backend_with('{"backend": "torch"}', tmp_path) == "None"
    assert backend_with(None, tmp_path, KERAS_BACKEND="jax") == "jax"
