"""What a network answers for a picture, and how that answer changes with what lies before it.

The score of a class is its logit, before the last softmax or sigmoid, and not its probability, whose gradient
vanishes where the network is sure. What is made of the gradients is the methods' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.errors import RequestError, printable, shown
from pellucid.insight.inside import Inside
from pellucid.insight.operation import Distance, Elementwise, Operation, Passing, Softmax
from pellucid.insight.record import INPUT
from pellucid.network.threads import threads_of_torch
from pellucid.network.weights import nearest

Link = Literal["softmax", "sigmoid", "none"]
"""How logits become probabilities; ``none`` for a single number that is no probability."""

_LISTED = 6


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer for one picture.

    Attributes:
        inside: The network with the picture in it.
        step: The step whose output is the logits.
        sign: -1 where the smallest number wins, as of distances; the logits are then minus that output.
        link: How logits become probabilities.
        ended: Whether the network itself ends in that link, so that it gives probabilities.
        within: The temperature of the network's own softmax.
        temperature: What logits are divided by besides, for the probabilities that are answered.
        names: The classes' names; empty where they have none.
        logits_K: float64, one for each class.
    """

    inside: Inside
    step: str
    sign: float
    link: Link
    ended: bool
    within: float
    temperature: float
    names: tuple[str, ...]
    logits_K: NDArray[np.float64]

    def confidence(self, index: int) -> float | None:
        """The probability of a class, 0 to 1; None where the output is no probability."""
        if self.link == "none":
            return None
        logits_NK = self.logits_K[None] / self.within / self.temperature
        return float(_probabilities(logits_NK, self.link)[0, index])

    def label(self, index: int) -> str:
        """The name of a class, or its number where it has none."""
        return self.names[index] if self.names else str(index)

    def choose(self, target: str | int | None) -> int:
        """The class that is meant, as its place among the logits.

        Args:
            target: Its name, one of several that commas part in it, or its number from 0; None for the class
                that the network answers.

        Raises:
            RequestError: There is no such class; the message names the nearest.
        """
        if target is None:
            return int(self.logits_K.argmax())
        if isinstance(target, int) or not self.names:
            number = int(target) if isinstance(target, int) or target.isdecimal() else -1
            if 0 <= number < len(self.logits_K):
                return number
            raise self._no_class(target)
        found = [place for place, name in enumerate(self.names) if name == target]
        found = found or [place for place, name in enumerate(self.names) if target in _synonyms(name)]
        if len(found) != 1:
            raise self._no_class(target, [self.names[place] for place in found])
        return found[0]

    def _no_class(self, target: str | int, meant: Sequence[str] = ()) -> RequestError:
        if meant:
            came = f"The network has {len(meant)} classes that are called {shown(target)}."
            listed = "; ".join(map(shown, meant))
            return RequestError(came, f"One was expected: {listed}.", "Give the whole name of one.")
        classes, words = len(self.logits_K), [*self.names]
        if self.names:
            listed = "; ".join(map(shown, self.names[:_LISTED])) + ("; ..." if classes > _LISTED else "")
            words += [word for name in self.names for word in _synonyms(name) if word != name]
        else:
            listed = f"0 to {classes - 1:,}, without names" if classes > 1 else "0, without a name"
        return RequestError(
            f"The network has no class {shown(target)}.",
            f"It has {classes:,} class{'' if classes == 1 else 'es'}: {listed}.",
            nearest(str(target), words) or "Choose one of them.",
        )

    def chances(self, x_NCHW: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities for other pictures, (N, C, H, W) -> (N, K); the logits where there are none."""
        values_NK = self.inside.trace.run(torch.as_tensor(x_NCHW)).detach().cpu().double().numpy()
        values_NK = self.sign * values_NK.reshape(len(x_NCHW), -1)
        if self.link == "none":
            return np.asarray(values_NK)
        if not self.ended:
            return _probabilities(values_NK / self.within / self.temperature, self.link)
        return values_NK if self.temperature == 1 else _tempered(values_NK, self.link, self.temperature)

    def gradients(self, index: int, step: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A step's output and the gradient of the class's logit with respect to it, float64 of its shape.

        Raises:
            RequestError: The answer does not depend on that step, or PyTorch has no gradient for it.
        """
        _, seen = self._backward(index, self.inside.trace.value(INPUT), step)
        if seen.value is None or seen.gradient is None:
            raise _no_gradient(step)
        shape = self.inside.trace.steps[step].shape
        return seen.value.reshape(shape), seen.gradient.reshape(shape)

    def gradients_at(self, index: int, x_CHW: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        """The class's logit for another picture, and its gradient with respect to the pixels, (C, H, W).

        Raises:
            RequestError: PyTorch has no gradient for this network.
        """
        score, seen = self._backward(index, x_CHW, INPUT)
        if seen.gradient is None:
            raise _no_gradient(INPUT)
        return score, seen.gradient.reshape(x_CHW.shape)

    def _backward(self, index: int, x_CHW: NDArray[Any], step: str) -> tuple[float, "_Watch"]:
        """The logit of a class, and what was seen at a step while its gradient came past."""
        leaf = torch.tensor(np.asarray(x_CHW))[None].requires_grad_()
        watch = _Watch(step, self.step)
        try:
            with threads_of_torch(1):
                self.inside.trace.replay(leaf * 1, watch)  # a leaf itself may not be written over
                if watch.logits is None or not watch.logits.requires_grad:
                    raise _no_gradient(step)
                score = self.sign * watch.logits.reshape(-1)[index]
                torch.autograd.grad(score, leaf, allow_unused=True)  # no parameter is given a gradient
        except RuntimeError as error:  # without gradients the network did run, when it was opened
            raise _no_gradient(step, error) from error
        return float(score.detach()), watch


@dataclass(eq=False)
class _Watch:
    """Keeps one step's output and the gradient that comes back to it, and holds the logits.

    A hook on the tensor when it is made takes the gradient, so that it is that output's even where a later
    step writes over it.
    """

    step: str
    answer: str
    logits: Tensor | None = field(default=None, init=False)
    value: NDArray[np.float64] | None = field(default=None, init=False)
    gradient: NDArray[np.float64] | None = field(default=None, init=False)

    def __call__(self, name: str, output: Tensor) -> None:
        if name == self.step:
            self.value = _numbers(output)
            if output.requires_grad:
                cast(Any, output).register_hook(self._came)
        if name == self.answer:
            self.logits = output

    def _came(self, gradient: Tensor) -> None:
        self.gradient = _numbers(gradient)


def answer_of(inside: Inside, names: Sequence[str] = (), temperature: float = 1.0) -> Answer:
    """What the network answers for its picture.

    Args:
        inside: The network with the picture in it.
        names: The classes in the order of its output; left aside where they are of another number.
        temperature: What its logits are divided by besides, for the probabilities that are answered.

    Raises:
        RequestError: It does not end in one row of numbers, one for each class.
    """
    steps, name = inside.trace.steps, inside.trace.output
    if name is None or sum(size > 1 for size in steps[name].shape) > 1:
        given = "several outputs, or none" if name is None else _size(steps[name].shape)
        raise RequestError(
            f"The network ends in {given}.",
            "One row of numbers was expected at its end, one number for each class.",
            "Give a network that classifies; 'pellucid explain --cell' opens the numbers of any network.",
        )
    link: Link | None = None
    within = 1.0
    while name != INPUT and _is_link(operation := steps[name].operation):
        if isinstance(operation, Softmax):
            link, within = "softmax", within * operation.temperature
        elif isinstance(operation, Elementwise):
            link = "sigmoid"
        (name,) = steps[name].inputs
        if link:
            break
    sign = -1.0 if isinstance(steps[name].operation, Distance) and link is None else 1.0
    logits_K = sign * inside.trace.value(name).astype(np.float64).reshape(-1)
    ended = link is not None
    link = link or ("softmax" if len(logits_K) > 1 else "none")
    named = tuple(names) if len(names) == len(logits_K) else ()
    return Answer(inside, name, sign, link, ended, within, temperature, named, logits_K)


def _is_link(operation: Operation) -> bool:
    """Whether it stands between the logits and the output."""
    if isinstance(operation, Elementwise):
        return operation.name == "sigmoid"
    return isinstance(operation, Softmax | Passing)


def _probabilities(logits_NK: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    if link == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(logits_NK / 2)))
    powers_NK = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
    return np.asarray(powers_NK / powers_NK.sum(axis=1, keepdims=True))


def _tempered(chances_NK: NDArray[np.float64], link: Link, temperature: float) -> NDArray[np.float64]:
    """Probabilities as they are when their logits are divided by a temperature."""
    least = np.finfo(np.float64).tiny
    logits_NK = np.log(np.maximum(chances_NK, least))
    if link == "sigmoid":
        logits_NK = logits_NK - np.log(np.maximum(1 - chances_NK, least))
    return _probabilities(logits_NK / temperature, link)


def _synonyms(name: str) -> list[str]:
    """ImageNet's classes hold several names: ``koala, koala bear, kangaroo bear``."""
    return [word.strip() for word in name.split(",")]


def _numbers(tensor: Tensor) -> NDArray[np.float64]:
    return np.array(tensor.detach().cpu().double().numpy())


def _size(shape: Sequence[int]) -> str:
    channels, *sides = shape
    return "x".join(map(str, [*sides, channels]))


def _no_gradient(step: str, error: RuntimeError | None = None) -> RequestError:
    where = "its picture" if step == INPUT else f"its step {shown(step)}"
    reason = "" if error is None else f" ({printable(' '.join(str(error).split())[:300])})"
    return RequestError(
        f"The network's answer has no gradient with respect to {where}{reason}.",
        "A network whose answer PyTorch can follow back to there was expected.",
        "Choose the method 'occlusion', which needs no gradient, or another layer.",
    )
