"""Which networks the lab may look into: runs below its folder, backbones, named networks, and texts."""

import shutil
from pathlib import Path

import pytest

from pellucid.errors import PellucidError
from pellucid.lab.place import Place
from pellucid.lab.subjects import first, listed, name_of, subject_of
from pellucid.run import Run


@pytest.fixture
def place(scratched: Run, tmp_path: Path) -> Place:
    """A folder with a run two folders below it, and another run outside that was named."""
    folder = tmp_path / "lab"
    shutil.copytree(scratched.folder, folder / "runs" / "lines")
    return Place(folder, str(scratched.folder))


def test_what_there_is_to_choose(place: Place) -> None:
    """Runs by their path below the folder, the named one first; the backbone; networks drawn by chance."""
    found = listed(place)
    outside = str(Path(place.network or "").resolve())
    assert [one.name for one in found if one.group == "runs"] == [f"run/{outside}", "run/runs/lines"]
    names = [one.name for one in found]
    assert "efficientnet_lite0" in names
    assert "digits-convnet" in names
    assert "dense-full-hd" not in names  # nobody has 100 TB


def test_what_it_begins_with(place: Place) -> None:
    """The run that was named, wherever it lies; without one the default backbone; a network by its name."""
    assert first(place) == f"run/{Path(place.network or '').resolve()}"
    assert first(Place(place.folder)) == "efficientnet_lite0"
    assert name_of("Digits_Convnet", place) == "digits-convnet"
    assert name_of(str(place.folder / "runs" / "lines"), place) == "run/runs/lines"


def test_a_run_is_opened(place: Place) -> None:
    """With its classes."""
    subject = subject_of("run/runs/lines", place)
    assert subject.classes == ("lying", "slanted", "standing")
    assert subject.name == "run/runs/lines"


@pytest.mark.parametrize("name", ["class-test", "input 8x8x1; conv 2 3x3; flatten; dense 2"])
def test_a_network_that_has_learnt_nothing_is_opened(name: str) -> None:
    """By its name, or as a text."""
    assert subject_of(name, Place(Path("nowhere"))).name == name


@pytest.mark.parametrize(
    "name", ["run/other", "run/../lab/runs/lines", "run/", "/etc", "..", "<img src=x onerror=alert(1)>", ""]
)
def test_nothing_else_is_opened(place: Place, name: str) -> None:
    """Not a path, not a run outside that nobody named: it is told what there is."""
    if name == "":
        with pytest.raises(PellucidError):
            subject_of(name, place)
        return
    with pytest.raises(PellucidError) as caught:
        subject_of(name, place)
    assert str(caught.value).startswith(f"There is no network '{name}' here. One of ")
    assert "runs below the lab's folder, backbones, networks with a name." in str(caught.value)


def test_a_network_that_is_too_large() -> None:
    """Its parameters are counted before they are drawn."""
    with pytest.raises(PellucidError) as caught:
        subject_of("dense-full-hd", Place(Path("nowhere")))
    assert "parameters. At most 70,000,000 are drawn by chance only to be looked at." in str(caught.value)
