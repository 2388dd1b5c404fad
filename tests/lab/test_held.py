"""What the lab keeps between questions: bounded, the oldest goes first, and what is gone is made again."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.insight.subject import open_subject
from pellucid.lab import held, inside
from pellucid.lab.examples import example_bytes
from pellucid.lab.held import ForgottenError, Held, Shelf
from pellucid.lab.place import HERE
from pellucid.lab.question import QuestionError
from pellucid.run import Run

PICTURE = "digits/3"
NETWORK = "input 28x28x1; conv 2 3x3; flatten; dense 3 softmax"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30))
def test_a_shelf_never_weighs_more_than_its_limit_but_for_one_thing(puts: list[tuple[int, int]]) -> None:
    """After each thing that is put there; the newest one is always there."""
    shelf: Shelf[int] = Shelf(12)
    for name, weight in puts:
        shelf.put(name, name, weight)
        assert shelf.weight <= 12 or len(shelf) == 1
        assert shelf.get(name) == name
    assert shelf.weight >= 0


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    """Asking makes a thing new again; dropping takes its weight with it."""
    shelf: Shelf[str] = Shelf(2)
    shelf.put("a", "A", 1)
    shelf.put("b", "B", 1)
    assert shelf.get("a") == "A"
    shelf.put("c", "C", 1)
    assert shelf.get("b") is None
    assert shelf.get("a") == "A"
    shelf.drop(lambda name: name == "a")
    assert (shelf.get("a"), shelf.weight) == (None, 1)


def test_equal_pictures_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is found by it until others took its place; one that was named at the start stays."""
    monkeypatch.setattr(held, "PICTURE_BYTES", 10)
    kept = Held()
    first, always = kept.add_picture(b"123456"), kept.add_picture(b"always", always=True)
    assert first == kept.add_picture(b"123456") != kept.add_picture(b"7")
    assert kept.picture(first) == b"123456"
    kept.add_picture(b"8" * 9)
    assert kept.picture(always) == b"always"
    with pytest.raises(ForgottenError) as caught:
        kept.picture(first)
    assert str(caught.value) == (
        "That picture is no longer kept here. A picture that was given since the lab was opened was "
        "expected. Give it again."
    )


@pytest.mark.parametrize("name", ["", "x", "own-", "own-zz", "../x", "/etc/passwd", "clipart/../x"])
def test_an_unknown_picture_is_told(name: str) -> None:
    """As what it is: not there, and not forgotten."""
    with pytest.raises(QuestionError) as caught:
        Held().picture(name)
    assert not isinstance(caught.value, ForgottenError)
    assert str(caught.value) == (
        f"There is no picture '{name}'. A shipped picture or one that was given was expected. "
        "Choose one of the list."
    )


def test_a_pass_is_made_once() -> None:
    """The same object for equal questions; of another picture another one; anew when the room is needed."""
    kept = Held()
    inside = kept.inside(NETWORK, PICTURE)
    assert kept.inside(NETWORK, PICTURE) is inside
    assert kept.inside(NETWORK, "digits/4") is not inside
    assert kept.subject(NETWORK) is kept.subject(NETWORK)
    small = Held()
    small._passes.limit = 0
    first = small.inside(NETWORK, PICTURE)
    small.inside(NETWORK, "digits/4")
    again = small.inside(NETWORK, PICTURE)
    assert again is not first
    assert (again.value("dense") == first.value("dense")).all()


def test_a_network_of_ones_own_is_kept_under_its_name() -> None:
    """As a notebook gives it."""
    kept, subject = Held(), open_subject("class-test")
    kept.add_subject(subject)
    assert kept.subject("class-test") is subject


def test_a_network_of_ones_own_is_forgotten_with_its_passes() -> None:
    """Its picture goes when nobody else gave the same one; while a network is looked into, nothing waits."""
    kept, subject = Held(), open_subject(NETWORK)
    one, other = (replace(subject, name=name) for name in ("notebook-1#x", "notebook-2#x"))
    data = example_bytes(PICTURE) or b""
    picture = kept.add_picture(data, always=True)
    assert kept.add_picture(data, always=True) == picture
    for added in (one, other):
        kept.add_subject(added)
        kept.inside(added.name, picture)
    kept.forget(one.name, picture)
    assert len(kept._passes) == 1
    assert kept.picture(picture)
    with ThreadPoolExecutor(1) as thread, kept.lock:
        thread.submit(kept.forget, other.name, picture).result(30)
        assert kept.subject(other.name) is other
    kept.add_subject(one)
    assert len(kept._passes) == 0
    for gone in (lambda: kept.subject(other.name), lambda: kept.picture(picture)):
        with pytest.raises(QuestionError):
            gone()


def test_a_run_that_was_replaced_is_opened_anew(
    scratched: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network and passes; what is asked of the old one is refused, and so is a run that is gone."""
    monkeypatch.setattr(HERE, "folder", tmp_path)
    monkeypatch.setattr(HERE, "network", None)
    monkeypatch.setattr(inside, "HELD", Held())
    name = "run/scratched"
    question = {"network": name, "picture": PICTURE}
    before = inside.look(question)
    old, first = inside.asked({**question, "stamp": before["stamp"]})
    assert inside.asked(question) == (old, first)
    weights = scratched.folder / "model.safetensors"
    time = weights.stat().st_mtime_ns + 10**6
    os.utime(weights, ns=(time, time))
    new, second = inside.asked(question)
    assert new is not old
    assert second is not first
    assert inside.look(question)["stamp"] != before["stamp"]
    with pytest.raises(QuestionError) as caught:
        inside.asked({**question, "stamp": before["stamp"]})
    assert str(caught.value) == (
        "The network 'run/scratched' was replaced since its layers were shown. The network that is shown was "
        "expected. Load the page anew."
    )
    assert "stamp" not in inside.look({"network": NETWORK, "picture": PICTURE})
    shutil.rmtree(scratched.folder)
    with pytest.raises(QuestionError, match="There is no network 'run/scratched' here"):
        inside.asked(question)


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    """It is kept as any other, and refused in words when it is looked at."""
    kept = Held()
    name = kept.add_picture(b"no picture")
    with pytest.raises(QuestionError, match=r"^The picture cannot be read: it is not a picture"):
        kept.inside(NETWORK, name)
