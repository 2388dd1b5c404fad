"""``pellucid backbones``: what there is."""

import pytest


def test_the_shipped_ones_are_listed(pellucid) -> None:
    """Lite0 is here; the others say what to install."""
    said = pellucid("backbones", "--json")
    assert said.status == 0
    here = {one["name"]: one for one in said.last["backbones"]}
    assert here["efficientnet_lite0"]["installed"] is True
    assert here["efficientnet_lite2"]["installed"] in (True, False)
    assert "efficientnet_lite0  yes" in pellucid("backbones").out


@pytest.mark.slow
def test_all_of_timms_can_be_listed(pellucid) -> None:
    """Hundreds of names, each once."""
    names = [one["name"] for one in pellucid("backbones", "--all", "--json").last["backbones"]]
    assert "resnet18.a1_in1k" in names
    assert len(names) == len(set(names)) > 500


@pytest.mark.slow
def test_boundaries_are_named(pellucid) -> None:
    """Where a backbone can be cut."""
    said = pellucid("backbones", "--boundaries", "efficientnet_lite0", "--json")
    assert said.last["boundaries"][-3:] == ["bn2", "pool", "logits"]
    assert "blocks.4" in pellucid("backbones", "--boundaries", "efficientnet_lite0").out.splitlines()


@pytest.mark.slow
def test_boundaries_need_no_weights(pellucid) -> None:
    """Of a network whose weights are not here too."""
    assert "layer4" in pellucid("backbones", "--boundaries", "resnet18").out.splitlines()
