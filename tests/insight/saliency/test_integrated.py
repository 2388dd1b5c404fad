"""Integrated gradients: exact where the network is linear, complete where it is not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pellucid.errors import RequestError
from pellucid.events import Advanced, Listener, silent
from pellucid.insight.saliency.growing import finished
from pellucid.insight.saliency.integrated import WORK, IntegratedGradients, along


def integrated_gradients(*given: Any, listen: Listener = silent, **named: Any) -> IntegratedGradients:
    """The whole path."""
    return finished(along(*given, **named), listen, *WORK)


_pictures = arrays(np.float32, (2, 3, 4), elements=st.floats(-9, 9, width=16))


@given(_pictures, _pictures, _pictures)
def test_a_linear_network_gives_weight_times_pixel(
    x_CHW: np.ndarray, w_CHW: np.ndarray, baseline_CHW: np.ndarray
) -> None:
    """w * (x - baseline), whatever the steps; the residue is nothing but rounding."""

    def score(one_CHW: np.ndarray) -> tuple[float, np.ndarray]:
        return float((one_CHW.astype(np.float64) * w_CHW).sum() + 3), w_CHW.astype(np.float64)

    for steps in (1, 5):
        found = integrated_gradients(score, x_CHW, baseline_CHW=baseline_CHW, steps=steps)
        wanted_CHW = w_CHW.astype(np.float64) * (x_CHW.astype(np.float64) - baseline_CHW)
        np.testing.assert_allclose(found.attributions_CHW, wanted_CHW, atol=1e-9)
        np.testing.assert_allclose(found.signed_HW, wanted_CHW.sum(0), atol=1e-9)
        assert found.residue == pytest.approx(0, abs=1e-9)


def test_the_middle_of_each_part_integrates_a_parabola_nearly() -> None:
    """x^2 from 0 to 3 in four parts: the gradients' mean is 3, which gives 9; a cube leaves a residue."""
    x_CHW = np.full((1, 1, 1), 3.0)
    square = integrated_gradients(lambda one: (float(one.sum() ** 2), 2.0 * one), x_CHW, steps=4)
    assert (square.attributions_CHW.item(), square.residue) == (9.0, 0.0)
    assert (square.score, square.baseline_score, square.steps) == (9.0, 0.0, 4)
    cube = integrated_gradients(lambda one: (float(one.sum() ** 3), 3.0 * one**2), x_CHW, steps=4)
    by_hand = 3 * sum(3 * (3 * (step + 0.5) / 4) ** 2 for step in range(4)) / 4
    assert cube.attributions_CHW.item() == pytest.approx(by_hand)
    assert cube.residue == pytest.approx(by_hand - 27)
    finer = integrated_gradients(lambda one: (float(one.sum() ** 3), 3.0 * one**2), x_CHW, steps=40)
    assert abs(finer.residue) == pytest.approx(abs(cube.residue) / 100, rel=0.01)


def test_it_tells_of_each_step() -> None:
    """One event a step."""
    heard = []
    integrated_gradients(lambda one: (0.0, one), np.ones((1, 2, 2)), steps=3, listen=heard.append)
    assert [one.count for one in heard if isinstance(one, Advanced)] == [1, 1, 1]


def test_a_path_without_steps() -> None:
    """It is refused."""
    with pytest.raises(RequestError) as caught:
        integrated_gradients(lambda one: (0.0, one), np.ones((1, 2, 2)), steps=0)
    assert str(caught.value) == (
        "The path has 0 steps. A whole number from 1 was expected. 32 is usual; more make the residue "
        "smaller."
    )
