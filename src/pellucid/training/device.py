"""Where a training computes, and how precisely: Accelerate's answer to what was asked for."""

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState

from pellucid.errors import RequestError


def choose_place(device: str, precision: str) -> Accelerator:
    """The device and the precision of the products.

    CUDA and MPS are untested: nobody has run them yet.

    Args:
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the fastest that is there.
        precision: ``fp32`` or ``bf16``; the weights stay in float32.

    Raises:
        RequestError: there is no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device, True):
        raise RequestError(
            f"There is no device {device} that PyTorch could use.",
            f"One of {', '.join(name for name, found in there.items() if found)}, or auto, was expected.",
            "Leave --device out.",
        )
    mixed = "no" if precision == "fp32" else precision
    _forget_the_last(device, mixed)
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed)


def _forget_the_last(device: str, mixed: str) -> None:
    """Accelerate keeps one device and one precision a process and refuses another: forget these first.

    Not where several processes train together, which have found each other through what would be forgotten.
    """
    known = AcceleratorState._shared_state
    if not known or PartialState().num_processes > 1:
        return
    if known.get("_mixed_precision") != mixed or known["device"].type != device:
        AcceleratorState._reset_state(reset_partial_state=True)
