"""What a person may look into, as a module that can be watched: a run, a backbone, or a named network.

All of it is PyTorch, though a run answers through ONNX Runtime: the same weights, with every step in view.
The picture goes through the run's or the backbone's own preprocessing.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.classifier import Classifier
from pellucid.errors import RequestError, RunError, UnknownBackboneError, shown
from pellucid.events import Listener, silent
from pellucid.insight.inside import Groups, Inside, keras_groups, open_module
from pellucid.insight.modules import Asleep, Calibrated
from pellucid.network.account import account
from pellucid.network.blueprint import Augmentation, Blueprint, Rescale
from pellucid.network.build import build
from pellucid.network.catalogue import find_named, is_text
from pellucid.network.parameters import Parameters, initial_parameters
from pellucid.network.text import parse
from pellucid.pictures.file import read_picture
from pellucid.pictures.preprocess import Preprocess
from pellucid.run import Run, load_run
from pellucid.training.own import OwnLayers
from pellucid.training.trunk import Trunk
from pellucid.training.tuned import Tuned

_HEAD = "head"
_TRUNK = ("trunk.module.", "trunk.extractor.", "trunk.")
_LARGEST = 200_000_000  # parameters of a network that is only drawn by chance


@dataclass(frozen=True, eq=False)
class Subject:
    """A network that can be looked into, and how it is given pictures.

    Attributes:
        name: As a person gave it.
        module: The network, to the probabilities where there are any.
        preprocess: What is done to a picture first.
        groups: Which steps make one layer, for ``insight.inside``.
        prefixes: What its layers' names are told without.
        notes: What a reader must know besides.
        classes: The names of what it answers, in the order of its last layer; empty where they have none.
        temperature: What its logits are divided by after its last layer, for the probabilities it answers.
    """

    name: str
    module: nn.Module
    preprocess: Preprocess
    groups: Groups
    prefixes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    temperature: float = 1.0

    def look(self, x_CHW: NDArray[np.float32]) -> Inside:
        """Run it on a picture that has been through the preprocessing: float32 (C, height, width)."""
        return open_module(self.module, x_CHW, groups=self.groups, prefixes=self.prefixes)

    def look_at(self, picture: str | Path) -> Inside:
        """Run it on a picture file.

        Raises:
            SourceError: The picture cannot be read.
        """
        size = self.preprocess.height, self.preprocess.width
        return self.look(self.preprocess.read(read_picture(picture, size)))


def open_subject(given: str, *, download: bool = False, listen: Listener = silent) -> Subject:
    """The network that a person names: a run folder, a named network or a text of one, or a backbone.

    Args:
        given: A run's path, ``digits-convnet``, ``input 28x28x1; conv 32 3x3 relu``, ``efficientnet_lite0``.
        download: Whether a backbone's weights may be fetched where they are not on this machine.
        listen: Told of the progress where something takes long.

    Raises:
        RunError: The run is missing or damaged, or there is nothing of that name.
        BackboneError: The backbone's weights are not here.
        PellucidError: The text is no network.
    """
    if _is_folder(given):
        return of_run(load_run(Path(given), listen=listen), given)
    named = find_named(given)
    if named is not None:
        return of_chance(named.blueprint, named.name)
    if is_text(given):
        return of_chance(parse(given), "text")
    if "/" in given or "\\" in given:
        return of_run(load_run(Path(given), listen=listen), given)
    return of_backbone(given, download=download)


def of_run(run: Run, name: str | None = None) -> Subject:
    """The network that a run answers with."""
    return of_classifier(run.classifier, name or str(run.folder))


def of_classifier(classifier: Classifier, name: str) -> Subject:
    """The network that a classifier answers with: one trained here, or a backbone with a head."""
    if isinstance(classifier.layers, OwnLayers):
        temperature = classifier.head.temperature if classifier.head else 1.0
        calibrated = (
            f"Its answers are calibrated: 'predict' divides the logits by {temperature:.4g} before the "
            "softmax, the network itself does not."
        )
        blueprint, parameters = classifier.layers.blueprint, classifier.layers.parameters
        notes = () if temperature == 1 else (calibrated,)
        subject = _of_blueprint(blueprint, parameters, classifier.preprocess, name, notes)
        return replace(subject, classes=classifier.classes, temperature=temperature)
    if isinstance(classifier.layers, Tuned):
        return _of_trunk(classifier, classifier.layers.trunk, name, classifier.layers.changed)
    if not isinstance(classifier.layers, Trunk):
        raise TypeError(f"no network in {classifier.layers!r}")
    return _of_trunk(classifier, classifier.layers, name, {})


def of_backbone(name: str, *, weights: Path | None = None, download: bool = False) -> Subject:
    """A backbone with its own classifier, to its logits.

    Raises:
        RunError: There is no such backbone, and no run folder of that name either.
        BackboneError: Its weights are not on this machine.
    """
    from pellucid.network.backbone import load_backbone  # timm takes seconds to import

    try:
        backbone = load_backbone(name, weights=weights, download=download)
    except UnknownBackboneError as error:
        raise RunError(
            f"There is neither a run folder nor a network nor a backbone {shown(name)}.",
            error.expected,
            error.advice,
        ) from error
    return Subject(name, backbone.module, backbone.preprocess, {}, classes=backbone.classes)


def of_module(
    module: object,
    height: int,
    width: int,
    classes: tuple[str, ...] = (),
    preprocess: Preprocess | None = None,
) -> Subject:
    """A person's own module, which takes a batch of pictures (N, C, H, W).

    Args:
        module: The module.
        height, width: The picture's own size, at which it goes in where there is no ``preprocess``:
            divided by 255, and in as many channels as the module's first convolution takes.
        classes: What the module answers, in the order of its last layer.
        preprocess: What is done to a picture first.

    Raises:
        RequestError: It is no module, or takes neither grey nor colour.
    """
    if not isinstance(module, nn.Module):
        raise RequestError(
            f"The model is a {type(module).__name__}.",
            "A run, a name, or a torch.nn.Module was expected.",
            "Give one of these, for example 'efficientnet_lite0'.",
        )
    name = type(module).__name__
    if preprocess is not None:
        return Subject(name, module, preprocess, {}, classes=classes)
    first = next((one for one in module.modules() if isinstance(one, nn.Conv2d)), None)
    channels = 3 if first is None else first.in_channels
    if channels not in (1, 3):
        raise RequestError(
            f"The module's first convolution takes {channels} channels.",
            "1 for grey or 3 for colour were expected.",
            "A picture cannot be given to it here; pellucid.insight.inside.open_module opens any tensor.",
        )
    sees = Preprocess(height, width, "squash", (0.0,) * channels, (255.0,) * channels)
    return Subject(name, module, sees, {}, classes=classes)


def of_chance(blueprint: Blueprint, name: str, seed: int = 0) -> Subject:
    """A network that has learnt nothing: its numbers are drawn by chance, as before training.

    Raises:
        RequestError: It is too large to be drawn, or sees pictures of neither one nor three channels.
    """
    parameters = account(blueprint).parameters
    if parameters > _LARGEST:
        raise RequestError(
            f"The network {shown(name)} has {parameters:,} parameters.",
            f"At most {_LARGEST:,} were expected of a network whose numbers are drawn by chance.",
            "Choose a smaller one; 'pellucid network' shows any of them without drawing it.",
        )
    channels = blueprint.input.channels
    if channels not in (1, 3):
        raise RequestError(
            f"The network's input has {channels} channels.",
            "1 for grey or 3 for colour were expected.",
            "Write for example: input 28x28x1.",
        )
    first = next((one for one in blueprint.layers if not isinstance(one, get_args(Augmentation))), None)
    scale = 1.0 if isinstance(first, Rescale) else 255.0
    size = blueprint.input.height, blueprint.input.width
    preprocess = Preprocess(*size, "squash", (0.0,) * channels, (scale,) * channels)
    note = f"It has learnt nothing: its numbers are drawn by chance (seed {seed}), as before training."
    return _of_blueprint(blueprint, initial_parameters(blueprint, seed), preprocess, name, (note,))


def _of_blueprint(
    blueprint: Blueprint, parameters: Parameters, preprocess: Preprocess, name: str, notes: tuple[str, ...]
) -> Subject:
    """A network of ours, with its augmentation layers in their places."""
    network = build(blueprint, parameters).eval()
    groups = keras_groups(network)
    modules = dict(network.named_children())
    steps: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in blueprint.names:
        if layer in groups:
            steps.update((one, modules[one]) for one in groups[layer][1])
        else:
            steps[layer] = Asleep()
    asleep = {row.name: (row.kind, (row.name,)) for row in account(blueprint).rows if row.name not in groups}
    return Subject(name, nn.Sequential(steps).eval(), preprocess, groups | asleep, notes=notes)


def _of_trunk(
    classifier: Classifier, trunk: Trunk, name: str, changed: Mapping[str, NDArray[np.float32]]
) -> Subject:
    """A backbone up to where it is cut, the head that learnt, and its calibrated softmax."""
    backbone = trunk.loaded(changed)
    steps: OrderedDict[str, nn.Module] = OrderedDict(trunk=backbone.cut(trunk.boundary))
    groups: Groups = {}
    head = classifier.head
    if head is not None:
        if len(trunk.output_shape) > 1:
            steps[f"{_HEAD}_flatten"] = nn.Flatten()
        dense = nn.Linear(head.weight_DK.shape[0], head.weight_DK.shape[1])
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(np.ascontiguousarray(head.weight_DK.T)))
            dense.bias.copy_(torch.from_numpy(np.ascontiguousarray(head.bias_K)))
        steps[_HEAD] = dense
        steps[f"{_HEAD}_activation"] = Calibrated(head.temperature)
        groups = {_HEAD: ("Dense", (_HEAD, f"{_HEAD}_activation"))}
    module, classes = nn.Sequential(steps).eval(), classifier.classes
    return Subject(name, module, classifier.preprocess, groups, _TRUNK, classes=classes)


def _is_folder(given: str) -> bool:
    try:
        return Path(given).is_dir()
    except (OSError, ValueError):  # too long for a path, or a NUL byte in it
        return False
