"""The kernels of the first convolution, as pictures."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.errors import RequestError
from pellucid.insight.filters.kernels import first_kernels
from pellucid.insight.inside import open_module


def test_colours_are_weights_and_grey_is_nought() -> None:
    """Each kernel goes to its own largest; a kernel of zeros is grey."""
    conv = nn.Conv2d(3, 2, (1, 2), bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, :, 0, 1] = torch.tensor([4.0, -2.0, 0.0])
    found = first_kernels(open_module(nn.Sequential(nn.ReLU(), conv), torch.rand(3, 4, 4)))
    assert (found.layer, found.weight_OHWI.shape) == ("1", (2, 1, 2, 3))
    np.testing.assert_allclose(found.pictures(), [[[[0.5] * 3, [1, 0.25, 0.5]]], [[[0.5] * 3, [0.5] * 3]]])


def test_grey_networks_and_others_have_one_number_a_pixel() -> None:
    """The lecture's filters, whose pictures are themselves; of two input channels, their mean."""
    conv = nn.Conv2d(1, 1, 3, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 1, 1, 1, -1, 1, 1, 1, 1]).reshape(1, 1, 3, 3))
    (picture_HWC,) = first_kernels(open_module(nn.Sequential(conv), torch.rand(1, 7, 5))).pictures()
    np.testing.assert_array_equal(picture_HWC[:, :, 0], [[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    two = first_kernels(open_module(nn.Sequential(nn.Conv2d(2, 3, 3)), torch.rand(2, 7, 5)))
    assert two.pictures().shape == (3, 3, 3, 1)


def test_a_network_without_a_convolution() -> None:
    """It has no kernels to be shown."""
    with pytest.raises(RequestError) as caught:
        first_kernels(open_module(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), torch.rand(1, 4, 4)))
    assert str(caught.value) == (
        "The network has no convolution. A network with kernels to be shown was expected. Choose a "
        "convolutional network."
    )
