"""Saliency by the name of its method: for a network with a picture in it, a map of what speaks for a class.

    inside = subject.look_at(picture)  # or insight.inside.open_module(net, x_CHW)
    found = saliency(inside, classes=subject.classes, temperature=subject.temperature)
    found.map_HW                        # float32 in 0..1, at the layer's resolution
    found.upsampled(224, 224)           # over the network's whole input
    found.evidence.weights_C            # Grad-CAM's own numbers

The formulas are in rooms of their own; here is which layer and which class are meant.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from pellucid.errors import RequestError, shown
from pellucid.events import Listener, silent
from pellucid.insight.cell import Layer
from pellucid.insight.inside import Inside
from pellucid.insight.operation import (
    AdaptivePooling,
    Dense,
    GlobalPooling,
    Operation,
    Passing,
    Pooling,
    Reshaping,
    Shape,
)
from pellucid.insight.record import INPUT
from pellucid.insight.saliency import AT_A_LAYER, METHODS, Method, integrated, occlusion
from pellucid.insight.saliency.answer import Answer, answer_of
from pellucid.insight.saliency.cam import GradCam, LayerCam, grad_cam, layer_cam
from pellucid.insight.saliency.grid import Axis, Grid, grid_of, maps_of
from pellucid.insight.saliency.growing import finished
from pellucid.insight.saliency.integrated import along
from pellucid.insight.saliency.map import Evidence, Saliency, scaled
from pellucid.insight.saliency.occlusion import coverings
from pellucid.network.weights import nearest

_WORK = {"occlusion": occlusion.WORK, "integrated-gradients": integrated.WORK}
_LISTED = 12
_ROUGH = 0.1  # of the difference of the scores
_EXACT = (
    "What follows the layer is a mean over its rows and columns and one dense layer, so the map is exact "
    "(CAM, Zhou et al. 2016): its cells, with the negative ones, add up to the logit less its bias."
)


def saliency(
    inside: Inside,
    method: str = "grad-cam",
    *,
    layer: str | None = None,
    target: str | int | None = None,
    classes: Sequence[str] = (),
    temperature: float = 1.0,
    listen: Listener = silent,
) -> Saliency:
    """Find where the picture speaks for a class: the last of ``growing``, with the same arguments.

    Args:
        listen: Told of the progress of occlusion and of integrated gradients, which take long.

    Raises:
        RequestError: There is no such method, layer or class, the layer has no map, or the network does not
            end in one number for each class.
    """
    parts = growing(inside, method, layer=layer, target=target, classes=classes, temperature=temperature)
    work = _WORK.get(method)
    if work is None:  # at a layer the map comes at once
        return next(parts)
    return finished(parts, listen, *work)


def growing(
    inside: Inside,
    method: str = "grad-cam",
    *,
    layer: str | None = None,
    target: str | int | None = None,
    classes: Sequence[str] = (),
    temperature: float = 1.0,
) -> Iterator[Saliency]:
    """The map as it grows, from nothing at all to the whole; at a layer it comes at once.

    Args:
        inside: The network with the picture in it.
        method: ``grad-cam``, ``layer-cam``, ``occlusion`` or ``integrated-gradients``.
        layer: For the first two, a layer with a map; None for the last one on the way to the answer.
        target: The class by name, or by number from 0; None for the one that the network answers.
        classes: The names of the classes in the order of the network's output.
        temperature: What its logits are divided by besides, for the probabilities that are answered.

    Raises:
        RequestError: As for ``saliency``.
    """
    if method not in METHODS:
        known = ", ".join(METHODS)
        advice = nearest(method, [*METHODS]) or "Choose one of them."
        raise RequestError(f"There is no method {shown(method)}.", f"{known} are known.", advice)
    answer = answer_of(inside, classes, temperature)
    index = answer.choose(target)
    if method in AT_A_LAYER:
        yield _by_layer(answer, index, cast(Method, method), layer)
        return
    if layer is not None:
        raise RequestError(
            f"The method {shown(method)} was given the layer {shown(layer)}.",
            "No layer was expected: it works on the pixels themselves.",
            "Leave the layer out, or choose the method grad-cam or layer-cam.",
        )
    yield from _by_pixels(answer, index, cast(Method, method))


def layers_with_map(inside: Inside) -> list[Layer]:
    """The layers whose output has the picture's rows and columns, more than one cell of them, in order."""
    maps = maps_of(inside)
    return [one for one in inside.layers if one.steps[-1] in maps]


def _by_layer(answer: Answer, index: int, method: Method, name: str | None) -> Saliency:
    """Grad-CAM or LayerCAM at a layer."""
    layer = _chosen(answer, name)
    step = layer.steps[-1]
    values_CHW, gradients_CHW = answer.gradients(index, step)
    evidence: GradCam | LayerCam
    if method == "grad-cam":
        evidence = grad_cam(values_CHW, gradients_CHW, _bias_behind(answer, step, index))
    else:
        evidence = layer_cam(values_CHW, gradients_CHW)
    notes = (_EXACT,) if isinstance(evidence, GradCam) and evidence.bias is not None else ()
    return _told(answer, index, method, layer.name, evidence, grid_of(answer.inside, step), notes)


def _by_pixels(answer: Answer, index: int, method: Method) -> Iterator[Saliency]:
    """Occlusion or integrated gradients, of the pixels themselves."""
    x_CHW = answer.inside.trace.value(INPUT)
    if x_CHW.ndim != 3:
        raise RequestError(
            "The network's input is a flat row.",
            "A picture was expected.",
            "Give a network that sees pictures.",
        )
    if method == "occlusion":
        for covering in coverings(answer.chances, x_CHW, index):
            yield _told(answer, index, method, None, covering, covering.grid, ())
        return
    _, height, width = x_CHW.shape
    grid = Axis.stretched(height, height), Axis.stretched(width, width)
    for path in along(lambda one_CHW: answer.gradients_at(index, one_CHW), x_CHW):
        difference = path.score - path.baseline_score
        rough = path.done == path.steps and abs(path.residue) > _ROUGH * abs(difference)
        notes = (_coarse(path.residue, difference),) if rough else ()
        yield _told(answer, index, method, None, path, grid, notes)


def _coarse(residue: float, difference: float) -> str:
    return (
        f"The parts of all pixels add up to {difference + residue:.4g}, and not to the {difference:.4g} by "
        "which the score differs from that of an empty picture: the map is rough."
    )


def _told(
    answer: Answer,
    index: int,
    method: Method,
    layer: str | None,
    evidence: Evidence,
    grid: Grid,
    notes: tuple[str, ...],
) -> Saliency:
    map_HW, scale = scaled(evidence.signed_HW)
    best = int(answer.logits_K.argmax())
    return Saliency(
        method=method,
        layer=layer,
        index=index,
        label=answer.label(index),
        logit=float(answer.logits_K[index]),
        confidence=answer.confidence(index),
        predicted=answer.label(best),
        predicted_confidence=answer.confidence(best),
        map_HW=map_HW,
        scale=scale,
        grid=grid,
        evidence=evidence,
        notes=notes,
    )


def _chosen(answer: Answer, name: str | None) -> Layer:
    """The layer of that name, or the last with a map that the answer is made from."""
    inside = answer.inside
    maps = layers_with_map(inside)
    if name is None:
        before = _before(answer)
        leading = [layer for layer in maps if layer.steps[-1] in before]
        if leading:
            return leading[-1]
        raise RequestError(
            "The network has no layer with a map of more than one cell.",
            "A convolutional network was expected.",
            "Choose a method that works on the pixels: occlusion or integrated-gradients.",
        )
    layer = inside.layer(name)
    if layer in maps or layer.shape[1:] == (1, 1):
        return layer
    names = [one.name for one in maps]
    listed = ", ".join(names) if len(names) <= _LISTED else f"{', '.join(names[:4])} to {names[-1]}"
    size = "x".join(f"{side:,}" for side in layer.shape)
    size = f"a flat row of {size}" if len(layer.shape) == 1 else size
    raise RequestError(
        f"The layer {shown(name)} has no map: its output is {size}.",
        f"A layer with rows and columns was expected: {listed or 'this network has none'}.",
        "Choose one of them, or none for the last." if names else "Choose a method that works on the pixels.",
    )


def _before(answer: Answer) -> set[str]:
    """The steps that the logits are made from."""
    steps = answer.inside.trace.steps
    found = {answer.step}
    for step in reversed(list(steps.values())):
        if step.name in found:
            found |= set(step.inputs)
    return found


def _bias_behind(answer: Answer, step: str, index: int) -> float | None:
    """The class's bias where a mean over the map and one dense layer are all that follows; else None."""
    trace = answer.inside.trace
    pooled = False
    while step != answer.step:
        users = trace.users(step)
        if len(users) != 1 or len(users[0].inputs) != 1:
            return None
        (user,) = users
        operation = user.operation
        if isinstance(operation, Dense):
            if not pooled or user.name != answer.step:
                return None
            return 0.0 if operation.bias_U is None else float(operation.bias_U[index])
        if _is_mean(operation, trace.steps[step].shape):
            pooled = True
        elif not isinstance(operation, Passing | Reshaping):
            return None
        step = user.name
    return None


def _is_mean(operation: Operation, shape: Shape) -> bool:
    """Whether it takes the mean over the whole of a map of this shape."""
    if isinstance(operation, GlobalPooling):
        return not operation.maximum
    if isinstance(operation, AdaptivePooling):
        return operation.size == (1, 1) and not operation.maximum
    if not isinstance(operation, Pooling):
        return False
    slide = operation.slide
    whole = slide.window == shape[1:] and slide.pads == ((0, 0), (0, 0)) and slide.dilation == (1, 1)
    return whole and not operation.maximum and operation.counted in ("inside", "padding")
