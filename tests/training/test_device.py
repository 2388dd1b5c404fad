"""Where a training computes: what is not there is refused with what is."""

import pytest
import torch

from pellucid.errors import RequestError
from pellucid.training.device import choose_place


def test_cpu_is_always_there() -> None:
    """Asked for, it is taken; weights stay in float32."""
    place = choose_place("cpu", "fp32")
    assert place.device.type == "cpu"
    assert place.mixed_precision == "no"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_what_is_not_there_is_refused() -> None:
    """No CUDA device."""
    with pytest.raises(RequestError) as caught:
        choose_place("cuda", "fp32")
    assert str(caught.value).startswith("There is no device cuda that PyTorch could use. One of cpu")


def test_another_precision_follows_in_the_same_process() -> None:
    """Accelerate's own state of the last training does not stand in the way of the next."""
    for precision, mixed in (("fp32", "no"), ("bf16", "bf16"), ("fp32", "no")):
        place = choose_place("cpu", precision)
        assert (place.device.type, place.mixed_precision) == ("cpu", mixed)
        with place.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
