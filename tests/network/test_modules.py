"""What PyTorch lacks of Keras' layers, each against a sum by hand."""

import torch

from pellucid.network.modules import ChannelScale, Distance, Global, PaddedConv2d, torch_pads


def test_pads_are_reordered_for_torch() -> None:
    """((top, bottom), (left, right)) becomes (left, right, top, bottom)."""
    assert torch_pads(((1, 2), (3, 4))) == (3, 4, 1, 2)


def test_a_mask_closes_connections() -> None:
    """With a mask of zeros for one channel, that channel changes nothing and gets no gradient."""
    conv = PaddedConv2d(
        2, 1, (3, 3), stride=(1, 1), dilation=(1, 1), pads=((0, 1), (0, 1)), groups=1, bias=True
    )
    conv.mask = torch.tensor([1.0, 0.0])[None, :, None, None]
    x = torch.randn(1, 2, 5, 5)
    other = x.clone()
    other[:, 1] += 1
    assert torch.equal(conv(x), conv(other))
    assert conv(x).shape == (1, 1, 4, 4)
    conv(x).sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad[:, 1].abs().max() == 0
    assert conv.weight.grad[:, 0].abs().max() > 0


def test_distance_is_squared_and_euclidean() -> None:
    """(1, 2) is 1 + 4 from the origin and 0 from itself."""
    distance = Distance(2, 2)
    distance.points = torch.tensor([[0.0, 1.0], [0.0, 2.0]])
    assert distance(torch.tensor([[1.0, 2.0]])).tolist() == [[5.0, 0.0]]


def test_channel_scale_and_global_pooling() -> None:
    """Each channel has its own factor and summand; a map becomes its mean or its largest number."""
    scale = ChannelScale(2)
    with torch.no_grad():
        scale.scale.copy_(torch.tensor([2.0, 3.0]))
        scale.bias.copy_(torch.tensor([1.0, 0.0]))
    x = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert scale(x)[0, 0].tolist() == [[1, 3], [5, 7]]
    assert Global(maximum=True)(x).tolist() == [[3, 7]]
    assert Global(maximum=False)(x).tolist() == [[1.5, 5.5]]
