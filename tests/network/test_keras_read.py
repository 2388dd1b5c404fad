"""A Keras model comes in: the lecture's own code, models in models, and what is no chain."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras import layers

from pellucid.network.account import account
from pellucid.network.blueprint import Blueprint
from pellucid.network.catalogue import NETWORKS
from pellucid.network.keras_file import KerasError
from pellucid.network.keras_read import from_keras
from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import check_parameters
from pellucid.network.text import parse

# Keras 3.15 on PyTorch turns its tensors into arrays in a way that NumPy 2 would rather not see.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

CHAIN = (
    "A chain was expected: one picture comes in, and layers that a network's text can name follow one "
    "another. Cut the model before this layer, or replace the layer, and save it again."
)


def randomised(model: Any) -> Any:
    """The model with numbers of which none is at its beginning."""
    draw = np.random.default_rng(0)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            randomised(layer)
            continue
        layer.set_weights([draw.uniform(0.1, 0.5, weight.shape) for weight in layer.get_weights()])
    return model


def answers_alike(model: Any, blueprint: Blueprint, tensors: dict[str, np.ndarray]) -> None:
    check_parameters(blueprint, tensors)
    side = blueprint.input
    x_NHWC = np.random.default_rng(1).normal(0, 1, (3, side.height, side.width, side.channels)).astype("f")
    expected = keras.ops.convert_to_numpy(model(x_NHWC, training=False))
    session = onnxruntime.InferenceSession(
        onnx_model(blueprint, tensors).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"pictures": np.ascontiguousarray(x_NHWC.transpose(0, 3, 1, 2))})
    assert np.abs(found - expected).max() <= 1e-5 * (np.abs(expected).max() + 1)
    assert model.count_params() == account(blueprint).parameters


def lecture() -> Any:
    """The lecture's own code, as it stands on its slide."""
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(filters=32, kernel_size=3, activation="relu")(inputs)
    x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Conv2D(filters=64, kernel_size=3, activation="relu")(x)
    x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Conv2D(filters=128, kernel_size=3, activation="relu")(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


@pytest.mark.parametrize("by_file", [True, False], ids=["file", "live"])
def test_the_lecture_s_own_code_comes_in_as_it_is(by_file: bool, tmp_path: Path) -> None:
    """104,202 parameters under Keras' names, the network called digits-convnet here, equal outputs."""
    model = lecture()
    assert model.count_params() == 104_202
    if by_file:
        model.save(tmp_path / "lecture.keras")
    blueprint, tensors = from_keras(tmp_path / "lecture.keras" if by_file else model)
    assert blueprint == NETWORKS["digits-convnet"].blueprint
    assert sum(tensor.size for tensor in tensors.values()) == 104_202
    answers_alike(model, blueprint, tensors)


def test_a_trained_model_with_its_optimiser_comes_in(tmp_path: Path) -> None:
    """A compiled model that has learnt, dropout and all, gives what it has learnt."""
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.Dropout(0.5), layers.Flatten(), layers.Dense(2)]
    )
    model.compile("adam", "mse")
    draw = np.random.default_rng(0)
    model.fit(draw.random((8, 6, 6, 1)), draw.random((8, 2)), epochs=1, verbose=0)
    model.save(tmp_path / "trained.keras")
    answers_alike(model, *from_keras(str(tmp_path / "trained.keras")))


def test_own_names_become_the_automatic_ones() -> None:
    """Whatever the layers are called, and however many models the session has made before."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2), name="photo"),
            layers.Conv2D(3, 3, name="stem"),
            layers.Conv2D(3, 3, name="conv2d"),
            layers.Flatten(name="a row"),
            layers.Dense(4, name="head"),
        ]
    )
    blueprint, tensors = from_keras(randomised(model))
    assert blueprint.names == ("conv2d", "conv2d_1", "flatten", "dense")
    assert (tensors["conv2d_1.bias"] == model.get_layer("conv2d").get_weights()[1]).all()
    answers_alike(model, blueprint, tensors)


def test_models_inside_a_model_are_unfolded() -> None:
    """The lecture's augmentations as a Sequential of their own, and a functional base, in one chain."""
    augmentation = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2)]
    )
    base_in = keras.Input((9, 9, 4))
    base_out = layers.Conv2D(5, 3, activation="relu")(layers.BatchNormalization()(base_in))
    base = keras.Model(base_in, layers.GlobalAveragePooling2D()(base_out), name="base")
    inputs = keras.Input((11, 11, 3))
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(augmentation(inputs)))
    model = randomised(keras.Model(inputs, layers.Dense(2, activation="softmax")(base(x))))
    blueprint, tensors = from_keras(model)
    assert blueprint == parse(
        "input 11x11x3; randomflip horizontal; randomrotation 0.1; randomzoom 0.2; rescale 1/255; "
        "conv 4 3x3; batchnorm; conv 5 3x3 relu; globalavgpool; dense 2 softmax"
    )
    answers_alike(model, blueprint, tensors)


def test_every_kind_with_numbers_comes_in() -> None:
    """Groups, multipliers, dilation, same padding, pools, normalisation on map and row.

    (Where an average is padded unevenly, Keras 3.15 on PyTorch repeats the edge: its pull request 23233.)
    """
    model = keras.Sequential(
        [
            keras.Input((13, 12, 2)),
            layers.ZeroPadding2D(((1, 0), (2, 1))),
            layers.Conv2D(4, (3, 2), strides=2, padding="same", groups=2, activation="gelu"),
            layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, depth_multiplier=2, use_bias=False),
            layers.BatchNormalization(epsilon=0.01, axis=3),
            layers.ReLU(max_value=6),
            layers.AveragePooling2D(3, strides=1, padding="same"),
            layers.MaxPooling2D(2, strides=1, padding="same"),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Activation("linear"),
            layers.Dense(5, activation="leaky_relu"),
            layers.Dense(3),
            layers.Softmax(),
        ]
    )
    answers_alike(model, *from_keras(randomised(model)))


def test_neither_keras_nor_h5py_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    """Importing these rooms loads neither, nor PyTorch; reading a file loads h5py alone."""
    lecture().save(tmp_path / "net.keras")
    code = (
        "import sys\nimport pellucid.network.keras_write\n"
        "from pellucid.network.keras_read import from_keras\n"
        "heavy = {'keras', 'h5py', 'torch'}\nprint(sorted(heavy & {*sys.modules}))\n"
        "from_keras('net.keras')\nprint(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["[]", "['h5py']"]


# --- what is no chain -------------------------------------------------------------------------------------


def branching(join: Callable[[Any, Any], Any]) -> Any:
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(3, 1, name="a")(inputs)
    b = layers.Conv2D(3, 1, name="b")(a)
    return keras.Model(inputs, join(a, b))


def forked() -> Any:
    inputs = keras.Input((8, 8, 3), name="photo")
    return keras.Model(inputs, [layers.Conv2D(3, 1, name=name)(inputs) for name in "ab"])


def shared() -> Any:
    inputs, twice = keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="twice")
    return keras.Model(inputs, twice(twice(inputs)))


def two_inputs() -> Any:
    one, two = keras.Input((8, 8, 3), name="one"), keras.Input((8, 8, 3), name="two")
    return keras.Model([one, two], layers.Add()([one, two]))


class Own(layers.Layer):
    """A layer of a person's own."""


class OwnModel(keras.Model):
    """A model of a person's own."""

    def call(self, x: Any) -> Any:
        return x


def around(layer: Any) -> Any:
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="first"), layer])


NO_CHAINS = [
    (
        lambda: branching(lambda a, b: layers.Add(name="sum")([a, b])),
        f"The layer 'sum' (Add) of the Keras model takes 2 outputs of other layers. {CHAIN}",
    ),
    (
        lambda: branching(lambda a, b: [a, b]),
        f"The layer 'a' (Conv2D) of the Keras model is one of several outputs. {CHAIN}",
    ),
    (
        forked,
        "The layer 'b' (Conv2D) of the Keras model takes the output of 'photo', not of 'a' before it. "
        f"{CHAIN}",
    ),
    (shared, f"The layer 'twice' (Conv2D) of the Keras model is used 2 times. {CHAIN}"),
    (two_inputs, f"The layer 'two' (InputLayer) of the Keras model is a second input. {CHAIN}"),
    (
        lambda: around(Own(name="mine")),
        "The layer 'mine' (Own) of the Keras model is of a class that does not come with Keras, and code "
        f"from a file is never run. {CHAIN}",
    ),
    (
        lambda: around(layers.Lambda(abs, name="code")),
        "The layer 'code' (Lambda) of the Keras model holds code, and code from a file is never run. "
        f"{CHAIN}",
    ),
    (
        lambda: around(layers.ELU(name="elu")),
        f"The layer 'elu' (ELU) of the Keras model is of a kind that is not known here. {CHAIN}",
    ),
    (
        lambda: around(layers.LeakyReLU(name="leaky")),
        "The layer 'leaky' (LeakyReLU) of the Keras model has negative_slope=0.3: here it is 0.2, as in the "
        f"activation 'leaky_relu'. {CHAIN}",
    ),
    (
        lambda: around(layers.Rescaling([1.0, 2.0], name="two")),
        "The layer 'two' (Rescaling) of the Keras model cannot be: the scale of a rescale cannot be "
        f"[1.0, 2.0]. {CHAIN}",
    ),
    (
        lambda: around(layers.Dense(3, name="head")),
        "In the Keras model, layer 2, 'head', needs a flat row of numbers, and here comes a map of 6x6x2. A "
        "dense layer stands after flatten or a global pooling. Put flatten before it.",
    ),
    (
        lambda: keras.Sequential([keras.Input((784,), name="row"), layers.Dense(3)]),
        "The input 'row' of the Keras model takes 784. A picture of a fixed height, width and number of "
        "channels was expected. Make the model with keras.Input((height, width, channels)).",
    ),
    (
        lambda: keras.Sequential([keras.Input((None, None, 3), name="any"), layers.Conv2D(3, 3)]),
        "The input 'any' of the Keras model takes ?x?x3. A picture of a fixed height, width and number of "
        "channels was expected. Make the model with keras.Input((height, width, channels)).",
    ),
    (
        lambda: keras.Sequential([layers.Conv2D(3, 3)], name="unbuilt"),
        "The layer 'unbuilt' (Sequential) of the Keras model was never given an input (its shape is None). "
        f"{CHAIN}",
    ),
    (
        lambda: OwnModel(name="mine"),
        f"The layer 'mine' (OwnModel) of the Keras model is a model of its own making. {CHAIN}",
    ),
    (
        lambda: "model".split,
        "An object of the type 'builtin_function_or_method' is no Keras model. A keras.Model or the path of "
        "a .keras file was expected. Give one of these.",
    ),
]


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built:UserWarning")
@pytest.mark.filterwarnings("ignore:Layer .* was passed non-serializable keyword arguments:UserWarning")
@pytest.mark.parametrize(("make", "message"), NO_CHAINS, ids=range(len(NO_CHAINS)))
def test_the_first_layer_that_does_not_fit_is_named(make: Callable[[], Any], message: str) -> None:
    """What it is called, of which class it is, and why it does not come in."""
    with pytest.raises(KerasError) as caught:
        from_keras(make())
    assert str(caught.value) == message


def test_a_model_that_keras_cannot_save_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' own reason, in one paragraph."""
    model = lecture()

    def no(*_: Any) -> None:
        raise NotImplementedError("no\nget_config")

    monkeypatch.setattr(model, "save", no)
    with pytest.raises(
        KerasError, match=r"Keras cannot save the model 'functional\w*' \(no get_config\)\. A model"
    ):
        from_keras(model)


# --- files that were changed ------------------------------------------------------------------------------


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with its config.json changed."""
    changed = path.with_name("changed.keras")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(name, data)
    return changed


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class test's network in a file."""
    path = tmp_path_factory.mktemp("saved") / "net.keras"
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, name="first"),
            layers.Conv2D(2, 3, name="second"),
            layers.Flatten(),
            layers.Dense(3, name="head"),
        ]
    )
    model.save(path)
    return path


def swap(config: dict[str, Any]) -> None:
    first, second = config["config"]["layers"][1:3]
    first["config"]["name"], second["config"]["name"] = "second", "first"


CHANGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (
        lambda config: config["config"]["layers"][1]["config"].update(filters=3),
        "the layer 'first' has the tensors (3, 3, 1, 2), (2,) instead of (3, 3, 1, 3), (3,)",
    ),
    (
        lambda config: config["config"]["layers"][4]["config"].update(use_bias=False),
        "the layer 'head' has the tensors (32, 3), (3,) instead of (32, 3)",
    ),
    (swap, "it holds something else than numbers at layers/conv2d/vars"),
    (
        lambda config: config["config"]["layers"].append(
            {
                **config["config"]["layers"][4],
                "config": {**config["config"]["layers"][4]["config"], "units": 3},
            }
        ),
        "it holds no numbers at layers/dense_1/vars",
    ),
    (lambda config: config["config"].update(layers=[]), "its model has no layers"),
    (lambda config: config["config"].update(layers=3), "its config.json is not as Keras writes it"),
    (lambda config: config.pop("class_name"), "its config.json is not as Keras writes it"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES, ids=range(len(CHANGES)))
def test_numbers_that_belong_to_other_layers_are_refused(change: Any, reason: str, saved: Path) -> None:
    """Where the description and the numbers do not agree, the file is damaged."""
    path = rewritten(saved, change)
    with pytest.raises(KerasError) as caught:
        from_keras(path)
    assert str(caught.value) == (
        f"The Keras file '{path}' is damaged ({reason}). A file that Keras 3 wrote with model.save('....keras"
        "') was expected. Copy it again, or save the model again."
    )


def test_a_class_by_the_name_of_one_of_keras_is_not_taken_for_it(saved: Path) -> None:
    """A Conv2D from another module is a person's own."""
    path = rewritten(saved, lambda config: config["config"]["layers"][1].update(module="os"))
    with pytest.raises(KerasError, match=r"The layer 'first' \(Conv2D\) .* does not come with Keras"):
        from_keras(path)


def test_nothing_of_a_file_is_run(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that names os.system as a layer, an activation or an initialiser leaves no trace."""
    trace = tmp_path / "trace"
    attack = {"module": "os", "class_name": "system", "config": {"name": f"touch {trace}"}}

    def arm(config: dict[str, Any]) -> None:
        first = config["config"]["layers"][1]["config"]
        first["kernel_initializer"] = first["activation"] = attack

    with pytest.raises(KerasError, match=r"'first' .* has an activation of its own making"):
        from_keras(rewritten(saved, arm))
    with pytest.raises(KerasError, match="does not come with Keras"):
        from_keras(rewritten(saved, lambda config: config["config"]["layers"][1].update(attack)))
    assert not trace.exists()


def test_a_file_of_very_many_layers_is_read_at_once(tmp_path: Path) -> None:
    """The work grows as the file does, also where the last layer cannot follow."""
    many = [layers.Dropout(0.1, name=f"drop{number}") for number in range(1500)]
    net = keras.Sequential([keras.Input((5, 5, 1)), *many[:2]])
    net.save(tmp_path / "few.keras")
    with zipfile.ZipFile(tmp_path / "few.keras") as archive:
        config = json.loads(archive.read("config.json"))
        rest = {name: archive.read(name) for name in archive.namelist() if name != "config.json"}
    one = config["config"]["layers"][1]
    settings = {"name": "last", "units": 3, "activation": "linear", "use_bias": True}
    last = {**one, "class_name": "Dense", "config": settings}
    config["config"]["layers"][1:] = [
        {**one, "config": {**one["config"], "name": drop.name}} for drop in many
    ] + [last]
    with zipfile.ZipFile(tmp_path / "many.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        for name, data in rest.items():
            archive.writestr(name, data)
    with pytest.raises(KerasError) as caught:
        from_keras(tmp_path / "many.keras")
    assert str(caught.value).startswith("In the Keras model, layer 1501, 'last', needs a flat row of numbers")
