"""Where in a picture a network finds what speaks for a class: ``method.saliency(inside, ...)``."""

from typing import Literal, get_args

Method = Literal["grad-cam", "layer-cam", "occlusion", "integrated-gradients"]
METHODS: tuple[str, ...] = get_args(Method)
AT_A_LAYER: tuple[str, ...] = ("grad-cam", "layer-cam")
"""Those that look at a layer's map; the others look at the pixels."""
