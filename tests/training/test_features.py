"""Features are computed once for each picture's content, whatever happens in between."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.errors import PictureError, RequestError
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.view import View
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.features import Engine, Features, cache_limit, embed, extract, extract_views
from pellucid.training.trunk import open_trunk


def features_of(folder: Path, backbone: str, fit: str = "squash") -> Features:
    looked = scan(open_source(folder))
    trunk = open_trunk(backbone)
    own = trunk.preprocess
    preprocess = Preprocess(own.height, own.width, fit, own.mean, own.std)
    return extract(looked.pictures, looked.source.read, trunk, preprocess)


def test_features_are_the_networks_own(tiny: str, colours: Path) -> None:
    """Each row is what the network says of that picture: here the means of its colours."""
    found = features_of(colours, tiny)
    paths = [colours / item.path for item in open_source(colours).items]
    expected = [
        (np.asarray(Image.open(path).resize((8, 8), Image.Resampling.BILINEAR)) / 127.5 - 1).mean((0, 1))
        for path in paths
    ]
    np.testing.assert_allclose(found.rows.array(), expected, atol=1e-5)
    assert found.computed == 72
    assert found.skipped == ()


def test_nothing_is_computed_twice(tiny: str, colours: Path) -> None:
    """A second run computes nothing, ten new pictures cost ten, and a copy or a new name costs none."""
    assert features_of(colours, tiny).computed == 72
    assert features_of(colours, tiny).computed == 0
    for n in range(10):
        Image.new("RGB", (9, 9), (n, 100, 0)).save(colours / "red" / f"new{n}.png")
    (colours / "red" / "00.png").rename(colours / "red" / "renamed.png")
    (colours / "red" / "copy.png").write_bytes((colours / "red" / "01.png").read_bytes())
    assert features_of(colours, tiny).computed == 10


def test_another_preprocessing_is_computed_anew(tiny: str, colours: Path) -> None:
    """The preprocessing is part of what a row is known by."""
    squashed = features_of(colours, tiny)
    cropped = features_of(colours, tiny, fit="crop")
    assert cropped.computed == 72
    assert np.abs(cropped.rows.array() - squashed.rows.array()).max() > 1e-3


def test_a_picture_that_goes_or_changes_meanwhile_is_named(tiny: str, colours: Path) -> None:
    """Between scan and decoding a file may vanish, break or change: each is skipped with its reason."""
    looked = scan(open_source(colours))
    (colours / "red" / "03.png").unlink()
    Image.new("RGB", (5, 5)).save(colours / "red" / "04.png")
    trunk = open_trunk(tiny)
    found = extract(looked.pictures, looked.source.read, trunk, trunk.preprocess)
    assert [Path(one.path).name for one in found.skipped] == ["03.png", "04.png"]
    assert found.skipped[1].reason == "it changed while it was being read"
    assert found.rows.shape == (70, 3)
    assert len(found.positions) == 70


def test_views_of_a_picture_share_its_decoding(
    tiny: str, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is decoded once for all views; each view has the rows that it has when asked for alone."""
    looked, trunk = scan(open_source(colours)), open_trunk(tiny)
    asked = (looked.pictures, looked.source.read, trunk, trunk.preprocess)
    views = [View(preset("strong"), 7, number) for number in range(5)]
    decoded: list[bytes] = []
    pixels = Preprocess.pixels
    monkeypatch.setattr(Preprocess, "pixels", lambda own, data: decoded.append(data) or pixels(own, data))
    alone = extract_views(*asked, views[2:3])
    assert (len(decoded), alone[0].computed) == (72, 72)
    together = extract_views(*asked, [None, *views])
    assert len(decoded) == 2 * 72
    assert [one.computed for one in together] == [72, 72, 72, 0, 72, 72]
    np.testing.assert_array_equal(together[3].rows.array(), alone[0].rows.array())
    np.testing.assert_array_equal(together[0].rows.array(), extract(*asked).rows.array())
    assert len(decoded) == 2 * 72
    means = [one.rows.array().mean() for one in together]
    assert len(set(means)) == 6


def test_many_views_take_some_decodings_each(
    tiny: str, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Views are made so many at a time as memory bounds; each is what it is by itself."""
    looked, trunk = scan(open_source(colours)), open_trunk(tiny)
    asked = (looked.pictures[:5], looked.source.read, trunk, trunk.preprocess)
    views = [View(preset("light"), 1, number) for number in range(7)]
    monkeypatch.setattr("pellucid.training.features._VIEWS", 3)
    sizes: list[int] = []
    whole = Engine.__call__
    monkeypatch.setattr(
        Engine, "__call__", lambda own, data, seen: sizes.append(len(seen)) or whole(own, data, seen)
    )
    found = extract_views(*asked, views)
    assert sorted(sizes) == [1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    monkeypatch.setattr("pellucid.training.features._VIEWS", 16)
    again = extract_views(*asked, views[::-1], kind=np.float16)
    for one, other in zip(found, reversed(again), strict=True):
        np.testing.assert_allclose(one.rows.array(), other.rows.array(), atol=2e-3)


def test_a_picture_that_goes_is_missing_from_every_view(tiny: str, colours: Path) -> None:
    """What cannot be read is named once, and the rows of the others stand at their places."""
    looked, trunk = scan(open_source(colours)), open_trunk(tiny)
    (colours / "red" / "03.png").unlink()
    views = [None, View(preset("light"), 0, 0)]
    found = extract_views(looked.pictures, looked.source.read, trunk, trunk.preprocess, views)
    for one in found:
        assert [Path(gone.path).name for gone in one.skipped] == ["03.png"]
        assert (one.rows.shape, one.computed) == ((71, 3), 71)


def test_damaged_rows_are_computed_again(tiny: str, colours: Path, own_cache: Path) -> None:
    """A row whose checksum fails is not used."""
    before = features_of(colours, tiny).rows.array()
    (rows,) = own_cache.glob("activations/*/*.rows")
    data = bytearray(rows.read_bytes())
    data[5] ^= 255
    rows.write_bytes(data)
    again = features_of(colours, tiny)
    assert again.computed == 1
    np.testing.assert_array_equal(again.rows.array(), before)


def test_one_broken_picture_does_not_disturb_its_neighbours(tiny: str, colours: Path) -> None:
    """In a stream each picture gets its own row or its own reason, in order."""
    trunk = open_trunk(tiny)
    good = [(colours / "red" / f"{n:02d}.png").read_bytes() for n in range(6)]
    encoded = [good[0], b"", good[1], PictureError("gone"), good[2], good[3], b"no picture", good[4], good[5]]
    engine = Engine(trunk, trunk.preprocess)
    answers = list(embed(engine, len(encoded), encoded.__getitem__))
    broken = [number for number, answer in enumerate(answers) if isinstance(answer, PictureError)]
    assert broken == [1, 3, 6]
    alone = [row for data in good for row in embed(engine, 1, [data].__getitem__)]
    rows = [answer for answer in answers if not isinstance(answer, PictureError)]
    np.testing.assert_allclose(rows, alone, atol=1e-6)


def test_the_cache_is_bounded(
    tiny: str, colours: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit the oldest features go, and the work still gets its rows."""
    features_of(colours, tiny)
    (old,) = own_cache.glob("activations/*/*.rows")
    os.utime(old, (1, 1))
    monkeypatch.setenv("PELLUCID_CACHE_LIMIT", "0.0000008")  # 859 bytes; 72 rows of 12 bytes are 864
    assert features_of(colours, tiny, fit="crop").rows.shape == (72, 3)
    assert not old.exists()


def test_a_limit_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable's mistake is one clear paragraph."""
    monkeypatch.setenv("PELLUCID_CACHE_LIMIT", "lots")
    with pytest.raises(RequestError) as caught:
        cache_limit()
    assert str(caught.value) == (
        "The environment variable PELLUCID_CACHE_LIMIT is 'lots'. A number of GiB was expected, such as 10 "
        "or 0.5. Set it to a number, or unset it."
    )
