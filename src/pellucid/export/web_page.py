"""A classifier as one HTML file that answers by itself, in any browser, without a network.

The page is the one that ``serve`` shows; here the numbers stand in it, and its own engine computes. It holds
a few pictures with what the run says of them, and answers for nobody before it has answered for these.
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.bundle import bundled, lone_page, page_text
from pellucid.classifier import Classifier
from pellucid.export.steps import Steps, steps_of

_PACKAGE = "pellucid.classifying"
_LOGITS = "logits"
_WEIGHT, _BIAS = "head.weight", "head.bias"


def web_page(
    classifier: Classifier, name: str, pixels_NHWC: NDArray[np.uint8], probabilities_NK: NDArray[np.floating]
) -> str:
    """The page.

    Args:
        classifier: One with a head, as a run has.
        name: What it is called.
        pixels_NHWC: A few pictures at the network's size.
        probabilities_NK: What the run says of them.

    Raises:
        RequestError: the network holds what the page's engine cannot compute.
        BackboneError: the layers' own graph in the cache is damaged.
    """
    steps = _with_head(classifier)
    tensors, numbers = _laid_out(steps)
    preprocess = classifier.preprocess
    told: dict[str, Any] = {
        "model": name,
        "classes": classifier.classes,
        "preprocess": preprocess.to_json(),
        "temperature": classifier.head.temperature if classifier.head else 1.0,
        "input": "pictures",
        "output": steps.output,
        "steps": steps.steps,
        "tensors": tensors,
        "proof": [
            {"pixels": _base64(_rgb(pixels_HWC).tobytes()), "probabilities": probabilities_K.tolist()}
            for pixels_HWC, probabilities_K in zip(pixels_NHWC, probabilities_NK, strict=True)
        ],
    }
    return _page(name, told, numbers)


def _with_head(classifier: Classifier) -> Steps:
    """The layers' steps, and the head as the last."""
    head = classifier.head
    if head is None:
        raise ValueError("a classifier without a head has learnt nothing")
    steps = steps_of(classifier.layers.graph())
    steps.add("flat", [steps.output], "head.features")
    steps.tensors |= {
        _WEIGHT: np.asarray(head.weight_DK, np.float32),
        _BIAS: np.asarray(head.bias_K, np.float32),
    }
    steps.add("dense", ["head.features", _WEIGHT, _BIAS], _LOGITS)
    return steps


def _laid_out(steps: Steps) -> tuple[Sequence[dict[str, Any]], str]:
    """Where each tensor lies among all numbers, and these: float32, little-endian, in base64."""
    places, parts, start = [], [], 0
    for name, values in steps.tensors.items():
        places.append({"name": name, "shape": list(values.shape), "from": start, "numbers": values.size})
        parts.append(np.ascontiguousarray(values, "<f4").tobytes())
        start += values.size
    return places, _base64(b"".join(parts))


def _rgb(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels_HWC, 3, axis=2) if pixels_HWC.shape[2] == 1 else pixels_HWC


def _page(name: str, told: dict[str, Any], numbers: str) -> str:
    """The file: one style, one script, and data; nothing else may run or be fetched."""
    code, css = f"{bundled(_PACKAGE, 'offline')}$offline.start();\n", page_text(_PACKAGE, "serve.css")
    body = page_text(_PACKAGE, "index.html").partition("<body>\n")[2].partition("</body>")[0]
    asking, _, rest = body.partition("<details>")
    main = asking + _HOW + rest.partition("</details>\n")[2].rstrip()
    title = f"{name}: what is on this picture?"
    return lone_page(title, css, code, main, {"network": told, "numbers": numbers}, images="blob:")


_HOW = """<p class="quiet">The classifier is in this file: your pictures go nowhere, and no network is needed.
  <span id="how">It is being checked.</span></p>
"""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
