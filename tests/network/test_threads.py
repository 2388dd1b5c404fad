"""PyTorch on so many threads for a while, and as before afterwards, whatever happened."""

import pytest
import torch

from pellucid.network.threads import threads_of_torch


def test_the_number_of_threads_is_put_back() -> None:
    """Also where the block fails."""
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="within"), threads_of_torch(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ValueError("within")
    assert torch.get_num_threads() == before
