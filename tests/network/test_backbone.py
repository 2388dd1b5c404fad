"""Pretrained networks: the right weights in the right places, and clear words where there are none."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from pellucid.errors import BackboneError, UnknownBackboneError
from pellucid.network.backbone import Backbone, load_backbone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone("efficientnet_lite0")


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(timm.create_model("resnet18", num_classes=1000).state_dict(), path)
    return path


def test_shipped_weights_stand_where_the_package_had_them(lite0: Backbone) -> None:
    """Tensors of known layers of the package's file are found, unchanged, under timm's names."""
    packaged = torch.load(lite0.weights.path, map_location="cpu", weights_only=True)
    state = lite0.module.state_dict()
    for theirs, ours in {
        "_conv_stem.weight": "conv_stem.weight",
        "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
        "_blocks.1._expand_conv.weight": "blocks.1.0.conv_pw.weight",
        "_blocks.15._bn2.running_var": "blocks.6.0.bn3.running_var",
        "_bn1.running_mean": "bn2.running_mean",
        "_fc.bias": "classifier.bias",
    }.items():
        assert torch.equal(state[ours], packaged[theirs]), ours
    assert sum(p.numel() for p in lite0.module.parameters()) == 4_652_008
    assert not lite0.module.training
    assert not any(p.requires_grad for p in lite0.module.parameters())


def test_its_preprocessing_and_classes_come_with_it(lite0: Backbone) -> None:
    """224 pixels, the whole picture, -1 to 1; a thousand different names in WordNet's order."""
    assert lite0.preprocess.to_json() | {"version": 0} == {
        "height": 224,
        "width": 224,
        "fit": "squash",
        "mean": [127.5] * 3,
        "std": [127.5] * 3,
        "resample": "bilinear",
        "version": 0,
    }
    assert len(set(lite0.classes)) == len(lite0.classes) == 1000
    assert lite0.classes[0] == "tench, Tinca tinca"
    assert lite0.classes[309] == "bee"
    assert lite0.classes[310] == "ant, emmet, pismire"


def test_cuts_agree_with_the_whole_network(lite0: Backbone) -> None:
    """The pooled features are the mean of the last maps, and the classifier on them gives the logits."""
    x_NCHW = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (2, 3, 224, 224)).astype(np.float32))
    with torch.inference_mode():
        pooled = lite0.cut("pool")(x_NCHW)
        torch.testing.assert_close(lite0.module.classifier(pooled), lite0.cut("logits")(x_NCHW))
        torch.testing.assert_close(lite0.cut("bn2")(x_NCHW).mean((2, 3)), pooled, atol=1e-5, rtol=1e-5)
        for boundary, shape in {"blocks.0": (16, 112, 112), "blocks.4": (112, 14, 14)}.items():
            assert lite0.cut(boundary)(x_NCHW).shape == (2, *shape)
    assert lite0.boundaries()[:3] == ("conv_stem", "bn1", "blocks.0")
    assert lite0.boundaries()[-2:] == ("pool", "logits")


def test_a_boundary_that_does_not_exist_names_those_that_do(lite0: Backbone) -> None:
    """The nearest right one is offered."""
    with pytest.raises(BackboneError) as caught:
        lite0.cut("block.4")
    assert str(caught.value).startswith("The backbone 'efficientnet_lite0' has no boundary 'block.4'.")
    assert str(caught.value).endswith("Did you mean 'blocks.4' or 'blocks.6' or 'blocks.5'?")


def test_any_timm_network_takes_weights_from_a_file(resnet_file: Path) -> None:
    """A timm name with a file of its weights loads strictly, with timm's own preprocessing."""
    backbone = load_backbone("resnet18", weights=resnet_file)
    assert backbone.weights.path == str(resnet_file)
    assert backbone.preprocess.mean == pytest.approx((123.675, 116.28, 103.53))
    with torch.inference_mode():
        assert backbone.cut("layer4")(torch.zeros(1, 3, 224, 224)).shape == (1, 512, 7, 7)
        assert backbone.cut("pool")(torch.zeros(1, 3, 224, 224)).shape == (1, 512)


def test_weights_that_are_not_here_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched unasked: the paragraph names the file, the repository and the flag."""
    monkeypatch.setattr("pellucid.network.backbone.try_to_load_from_cache", lambda *names: None)
    with pytest.raises(BackboneError) as caught:
        load_backbone("resnet18")
    assert str(caught.value) == (
        "The weights of 'resnet18' are not on this machine. They are the file model.safetensors of "
        "'timm/resnet18.a1_in1k' on the Hugging Face hub; nothing is fetched unless you ask. "
        "'pellucid train' and 'pellucid predict' fetch them with --download. Or get the file where there is "
        "a network ('hf download timm/resnet18.a1_in1k model.safetensors') and copy it here: 'pellucid "
        "train' takes it with --weights FILE."
    )


def test_weights_in_the_hubs_cache_are_used(resnet_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is in the local Hugging Face cache is found without a network."""
    monkeypatch.setattr("pellucid.network.backbone.try_to_load_from_cache", lambda *names: str(resnet_file))
    assert load_backbone("resnet18").weights.path == str(resnet_file)


def test_an_unknown_name_is_told_with_near_ones() -> None:
    """A name that timm does not know gets the nearest that it does."""
    with pytest.raises(UnknownBackboneError, match="There is no backbone 'resnet81'"):
        load_backbone("resnet81")


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04 not a zip"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_weights_file_is_one_paragraph(tmp_path: Path, content: bytes, suffix: str) -> None:
    """Whatever is wrong with the file, the message names it."""
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(BackboneError, match=r"^The weights file .* cannot be read"):
        load_backbone("resnet18", weights=path)


def test_a_text_in_place_of_weights_is_told_in_words(tmp_path: Path) -> None:
    """Not by the number of its first letter; nor is a file that is not there by the system's own."""
    (tmp_path / "w.pth").write_text("epoch,loss\n")
    for name, reason in (("w.pth", "it holds no tensors"), ("no.pth", "No such file or directory")):
        with pytest.raises(BackboneError) as caught:
            load_backbone("resnet18", weights=tmp_path / name)
        assert str(caught.value).startswith(
            f"The weights file '{tmp_path / name}' cannot be read ({reason})."
        )


def test_code_in_a_weights_file_is_refused(tmp_path: Path) -> None:
    """A file whose reading would run code is refused, and the code does not run."""

    class Malicious:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"x": Malicious()}, tmp_path / "evil.pth")
    with pytest.raises(BackboneError, match="cannot be read"):
        load_backbone("resnet18", weights=tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_network_are_refused(resnet_file: Path) -> None:
    """Strict loading: every tensor in its place or none."""
    with pytest.raises(BackboneError, match="do not fit the network 'resnet34'"):
        load_backbone("resnet34", weights=resnet_file)
