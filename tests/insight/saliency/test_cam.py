"""Class activation maps: the two formulas, by hand and against their definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pellucid.insight.saliency.cam import Part, grad_cam, layer_cam

_maps = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float64, shape, elements=st.floats(-100, 100))] * 2)
)


def test_grad_cam_by_hand() -> None:
    """Each channel's weight is the mean of its gradients; the map is the weighted sum, its sign kept."""
    activations_CHW = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    gradients_CHW = np.array([[[1.0, 3.0]], [[-2.0, 0.0]]])
    found = grad_cam(activations_CHW, gradients_CHW, 0.5)
    np.testing.assert_array_equal(found.weights_C, [2, -1])
    np.testing.assert_array_equal(found.signed_HW, [[2 * 1 - 3, 2 * 2 - 4]])
    assert found.bias == 0.5
    assert found.largest(1) == [(0, 2.0)]
    assert found.largest() == [(0, 2.0), (1, -1.0)]
    assert found.parts(1) == [Part(1, -1.0, -7.0)]
    assert found.parts() == [Part(1, -1.0, -7.0), Part(0, 2.0, 6.0)]
    assert sum(part.adds for part in found.parts()) == found.signed_HW.sum()


def test_layer_cam_by_hand() -> None:
    """Each cell's weight is what is positive of its own gradient."""
    activations_CHW = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    gradients_CHW = np.array([[[1.0, 3.0]], [[-2.0, 0.5]]])
    np.testing.assert_array_equal(layer_cam(activations_CHW, gradients_CHW).signed_HW, [[1, 2 * 3 + 4 * 0.5]])


@given(_maps)
def test_the_maps_are_their_definitions(maps: tuple[np.ndarray, np.ndarray]) -> None:
    """Sums over channels and cells one by one give the same numbers."""
    activations_CHW, gradients_CHW = maps
    channels, height, width = activations_CHW.shape
    for row in range(height):
        for column in range(width):
            by_channel, by_cell = 0.0, 0.0
            for channel in range(channels):
                weight = sum(gradients_CHW[channel].ravel()) / (height * width)
                by_channel += weight * activations_CHW[channel, row, column]
                gradient = gradients_CHW[channel, row, column]
                by_cell += max(gradient, 0) * activations_CHW[channel, row, column]
            found = grad_cam(activations_CHW, gradients_CHW), layer_cam(activations_CHW, gradients_CHW)
            np.testing.assert_allclose(found[0].signed_HW[row, column], by_channel, atol=1e-9)
            np.testing.assert_allclose(found[1].signed_HW[row, column], by_cell, atol=1e-9)
