"""Keras' classes and settings of layers, and the layers of a blueprint: from one to the other.

A setting that would change what a layer puts out and has no place in a blueprint is refused by its name; what
concerns training alone (initialisers, regularisers, constraints, seeds, ``trainable``) is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from pellucid.errors import shown
from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    ActivationName,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Layer,
    MaxPool,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescale,
    Size,
    ZeroPad,
)

Settings = dict[str, Any]


class MisfitError(Exception):
    """Why a layer does not come in or go out; the text follows the layer's name."""


@dataclass(frozen=True)
class Kind:
    """One of Keras' classes.

    Attributes:
        read: From its settings to a layer; None for one that changes nothing.
        used: The settings that ``read`` looks at.
        fixed: Settings that can have one value only, and that value.
    """

    read: Callable[[Settings], Layer | None]
    used: tuple[str, ...] = ()
    fixed: Settings = field(default_factory=dict)


# --- single settings --------------------------------------------------------------------------------------


def _pair(settings: Settings, name: str) -> Size:
    value = settings[name]
    if isinstance(value, list | tuple) and len(value) == 2:
        return cast(Size, tuple(value))
    return value, value


def _activation(settings: Settings, name: str = "activation") -> ActivationName | None:
    value = settings[name]
    if isinstance(value, dict) and value.get("module") == "keras.layers":
        layer = read_layer(str(value.get("class_name")), value.get("config"))
        if layer is None or isinstance(layer, Activation):
            return layer.name if layer else None
    if value is None or value == "linear":
        return None
    if isinstance(value, str) and value in ACTIVATIONS and value != "scaled_tanh":
        return cast(ActivationName, value)
    if isinstance(value, str):
        raise MisfitError(f"has the activation {shown(value)}, which is not known here")
    raise MisfitError("has an activation of its own making")


def _share(settings: Settings, name: str, low: float = -1) -> float:
    """A factor that Keras gives as f, or as (low * f, f)."""
    value = settings[name]
    if isinstance(value, list | tuple) and len(value) == 2 and value[0] == low * value[1]:
        value = value[1]
    if isinstance(value, list | tuple):
        below = "0" if low == 0 else "minus that"
        raise MisfitError(f"has {name}={list(value)}: here a factor goes from {below} to a number")
    return value  # type: ignore[no-any-return]


def _zoom(settings: Settings) -> Layer:
    width = None if settings["width_factor"] is None else _share(settings, "width_factor")
    return RandomZoom(_share(settings, "height_factor"), width)


def _zeropad(settings: Settings) -> Layer:
    try:
        (top, bottom), (left, right) = settings["padding"]
    except (TypeError, ValueError):
        raise MisfitError(f"has padding={settings['padding']!r}") from None
    return ZeroPad(top, bottom, left, right)


def _pool(make: type[MaxPool] | type[AvgPool]) -> Callable[[Settings], Layer]:
    def read(settings: Settings) -> Layer:
        window, stride = _pair(settings, "pool_size"), settings["strides"]
        steps = None if stride is None or _pair(settings, "strides") == window else _pair(settings, "strides")
        return make(window, steps, settings["padding"])

    return read


def _relu(settings: Settings) -> Layer:
    limits = settings["max_value"], settings["negative_slope"], settings["threshold"]
    known: dict[Any, ActivationName] = {
        (None, 0, 0): "relu",
        (6, 0, 0): "relu6",
        (None, 0.2, 0): "leaky_relu",
    }
    if limits not in known:
        raise MisfitError(
            f"has max_value={limits[0]}, negative_slope={limits[1]}, threshold={limits[2]}: here there are "
            "relu, relu6 (max_value=6) and leaky_relu (negative_slope=0.2)"
        )
    return Activation(known[limits])


def _leaky(settings: Settings) -> Layer:
    slope = settings["negative_slope"]
    if slope != 0.2:
        raise MisfitError(f"has negative_slope={slope}: here it is 0.2, as in the activation 'leaky_relu'")
    return Activation("leaky_relu")


def _norm(settings: Settings) -> Layer:
    axis = settings["axis"]
    if axis not in (-1, [-1], 3, [3]):  # of a batch of maps, 3 is the last axis too
        raise MisfitError(f"has axis={axis}: here it is always the last, -1")
    return BatchNorm(settings["momentum"], settings["epsilon"])


def _named(settings: Settings) -> Layer | None:
    name = _activation(settings)
    return Activation(name) if name else None


# --- Keras' classes ---------------------------------------------------------------------------------------

_LAST = {"data_format": "channels_last"}
_SEEN_BEYOND = {**_LAST, "fill_mode": "reflect", "interpolation": "bilinear", "fill_value": 0}
_SLIDING = ("kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
_POOLING = ("pool_size", "strides", "padding")
_GLOBAL = {**_LAST, "keepdims": False}

KINDS: dict[str, Kind] = {
    "Conv2D": Kind(
        lambda of: Conv(
            of["filters"],
            _pair(of, "kernel_size"),
            _pair(of, "strides"),
            of["padding"],
            _pair(of, "dilation_rate"),
            of["groups"],
            _activation(of),
            of["use_bias"],
        ),
        ("filters", "groups", *_SLIDING),
        _LAST,
    ),
    "DepthwiseConv2D": Kind(
        lambda of: DepthwiseConv(
            _pair(of, "kernel_size"),
            _pair(of, "strides"),
            of["padding"],
            _pair(of, "dilation_rate"),
            of["depth_multiplier"],
            _activation(of),
            of["use_bias"],
        ),
        ("depth_multiplier", *_SLIDING),
        _LAST,
    ),
    "MaxPooling2D": Kind(_pool(MaxPool), _POOLING, _LAST),
    "AveragePooling2D": Kind(_pool(AvgPool), _POOLING, _LAST),
    "GlobalAveragePooling2D": Kind(lambda _: GlobalAvgPool(), (), _GLOBAL),
    "GlobalMaxPooling2D": Kind(lambda _: GlobalMaxPool(), (), _GLOBAL),
    "Flatten": Kind(lambda _: Flatten(), (), _LAST),
    "Dense": Kind(
        lambda of: Dense(of["units"], _activation(of), of["use_bias"]), ("units", "activation", "use_bias")
    ),
    "Dropout": Kind(lambda of: Dropout(of["rate"]), ("rate",)),
    "BatchNormalization": Kind(
        _norm,
        ("momentum", "epsilon", "axis"),
        {"center": True, "scale": True},
    ),
    "Rescaling": Kind(lambda of: Rescale(of["scale"], of["offset"]), ("scale", "offset")),
    "Activation": Kind(_named, ("activation",)),
    "ReLU": Kind(_relu, ("max_value", "negative_slope", "threshold")),
    "LeakyReLU": Kind(_leaky, ("negative_slope",)),
    "Softmax": Kind(lambda _: Activation("softmax"), (), {"axis": -1}),
    "ZeroPadding2D": Kind(_zeropad, ("padding",), _LAST),
    "RandomFlip": Kind(lambda of: RandomFlip(of["mode"]), ("mode",), _LAST),
    "RandomRotation": Kind(lambda of: RandomRotation(_share(of, "factor")), ("factor",), _SEEN_BEYOND),
    "RandomZoom": Kind(_zoom, ("height_factor", "width_factor"), _SEEN_BEYOND),
    "RandomTranslation": Kind(
        lambda of: RandomTranslation(_share(of, "height_factor"), _share(of, "width_factor")),
        ("height_factor", "width_factor"),
        _SEEN_BEYOND,
    ),
    "RandomContrast": Kind(lambda of: RandomContrast(_share(of, "factor", 0)), ("factor",), _LAST),
    "RandomBrightness": Kind(lambda of: RandomBrightness(_share(of, "factor")), ("factor",), _LAST),
}

# What does not change an output once the numbers are there.
_TRAINING = {"name", "trainable", "dtype", "seed", "synchronized", "renorm_momentum", "value_range"}
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")


def read_layer(class_name: str, settings: Any) -> Layer | None:
    """A layer from the class and the settings that Keras wrote; None for one that changes nothing.

    Raises:
        MisfitError: the class is not known, or a setting has no place in a blueprint.
        BlueprintError: a setting is out of range.
    """
    kind = KINDS.get(class_name)
    if class_name == "Lambda":
        raise MisfitError("holds code, and code from a file is never run")
    if kind is None:
        raise MisfitError("is of a kind that is not known here")
    if not isinstance(settings, dict):
        raise MisfitError("has no settings")
    _need_float32(settings.get("dtype"))
    for name, value in settings.items():
        if name in kind.fixed:
            if value != kind.fixed[name]:
                raise MisfitError(f"has {name}={value!r}: here it is always {kind.fixed[name]!r}")
        elif name not in kind.used and not _is_of_training(name) and value is not None and value is not False:
            raise MisfitError(f"has the setting {name}={value!r}, which is not known here")
    missing = [name for name in kind.used if name not in settings]
    if missing:
        raise MisfitError(f"lacks its setting {shown(missing[0])}")
    try:
        return kind.read(settings)
    except (TypeError, ValueError) as error:
        raise MisfitError("has settings that are not as Keras writes them") from error


def _is_of_training(name: str) -> bool:
    return name in _TRAINING or name.endswith(_OF_TRAINING)


def _need_float32(policy: Any) -> None:
    while isinstance(policy, dict):
        policy = policy["config"].get("name") if isinstance(policy.get("config"), dict) else "?"
    if policy not in (None, "float32"):
        raise MisfitError(f"computes in {shown(policy)}: here all numbers are float32")


# --- and back ---------------------------------------------------------------------------------------------


def write_layer(layer: Layer) -> tuple[str, Settings]:
    """The class and the settings of a layer, for ``getattr(keras.layers, class)(**settings)``.

    Raises:
        MisfitError: Keras has no such layer.
    """
    if getattr(layer, "activation", None) == "scaled_tanh" or layer == Activation("scaled_tanh"):
        raise MisfitError("has the activation 'scaled_tanh', which Keras does not have")
    match layer:
        case Conv():
            if layer.table is not None:
                raise MisfitError(f"sees its channels through the table {shown(layer.table)}")
            return "Conv2D", {"filters": layer.filters, "groups": layer.groups, **_sliding(layer)}
        case DepthwiseConv():
            return "DepthwiseConv2D", {"depth_multiplier": layer.multiplier, **_sliding(layer)}
        case MaxPool() | AvgPool():
            pool = {"pool_size": layer.window, "strides": layer.stride, "padding": layer.padding, **_LAST}
            return "MaxPooling2D" if isinstance(layer, MaxPool) else "AveragePooling2D", pool
        case GlobalAvgPool() | GlobalMaxPool():
            return f"Global{'Average' if isinstance(layer, GlobalAvgPool) else 'Max'}Pooling2D", _GLOBAL
        case Flatten():
            return "Flatten", _LAST
        case Dense():
            return "Dense", {"units": layer.units, "activation": layer.activation, "use_bias": layer.bias}
        case Dropout():
            return "Dropout", {"rate": layer.rate}
        case BatchNorm():
            return "BatchNormalization", {"momentum": layer.momentum, "epsilon": layer.epsilon}
        case Rescale():
            return "Rescaling", {"scale": layer.scale, "offset": layer.offset}
        case Activation():
            return "Activation", {"activation": layer.name}
        case ZeroPad():
            padding = ((layer.top, layer.bottom), (layer.left, layer.right))
            return "ZeroPadding2D", {"padding": padding, **_LAST}
    return _write_augmentation(layer)


def _sliding(layer: Conv | DepthwiseConv) -> Settings:
    return {
        "kernel_size": layer.kernel,
        "strides": layer.stride,
        "padding": layer.padding,
        "dilation_rate": layer.dilation,
        "activation": layer.activation,
        "use_bias": layer.bias,
        **_LAST,
    }


def _write_augmentation(layer: Layer) -> tuple[str, Settings]:
    name = type(layer).__name__
    match layer:
        case RandomFlip():
            return name, {"mode": layer.mode, **_LAST}
        case RandomZoom() | RandomTranslation():
            return name, {"height_factor": layer.height, "width_factor": layer.width, **_LAST}
        case RandomRotation():
            return name, {"factor": layer.factor, **_LAST}
        case RandomContrast() | RandomBrightness():
            return name, {"factor": layer.factor}
    raise MisfitError("is of a kind that Keras does not have")
