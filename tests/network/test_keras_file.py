"""A .keras file on the disk: what is none, what is damaged, and what leads out of it."""

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.keras_file import KerasError, opened
from pellucid.network.keras_read import from_keras

EXPECTED = "A file that Keras 3 wrote with model.save('....keras') was expected."
AGAIN = f"{EXPECTED} Copy it again, or save the model again."


def conv(name: str, **settings: Any) -> dict[str, Any]:
    config = {
        "name": name,
        "filters": 2,
        "kernel_size": [3, 3],
        "strides": [1, 1],
        "padding": "valid",
        "data_format": "channels_last",
        "dilation_rate": [1, 1],
        "groups": 1,
        "activation": "linear",
        "use_bias": False,
    }
    return {"module": "keras.layers", "class_name": "Conv2D", "config": config | settings}


CONFIG = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "config": {"name": "in", "batch_shape": [None, 8, 8, 1]},
            },
            conv("first"),
        ],
    },
}
KERNEL = np.arange(18, dtype=np.float32).reshape(3, 3, 1, 2)


def numbers(fill: Callable[[Any], None] | None = None) -> bytes:
    """The HDF5 file of that model, as Keras lays it out."""
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "first"
        if fill is None:
            group["0"] = KERNEL
        else:
            fill(group)
    return data.getvalue()


def write(path: Path, parts: dict[str, bytes | str], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def parts(**other: bytes | str) -> dict[str, bytes | str]:
    whole = {
        "metadata.json": json.dumps({"keras_version": "3.5.0"}),
        "config.json": json.dumps(CONFIG),
        "model.weights.h5": numbers(),
    }
    return whole | {
        name.replace("_json", ".json").replace("_h5", ".h5"): data for name, data in other.items()
    }


def message(path: Path) -> str:
    with pytest.raises(KerasError) as caught:
        from_keras(path)
    return str(caught.value)


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_is_read_without_keras(how: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras need not be installed; zipped again by other tools, the file is the same."""
    monkeypatch.setitem(sys.modules, "keras", None)
    blueprint, tensors = from_keras(write(tmp_path / "net.keras", parts(), how))
    assert blueprint.names == ("conv2d",)
    assert (tensors["conv2d.kernel"] == KERNEL).all()


def test_numbers_of_other_precisions_become_float32(tmp_path: Path) -> None:
    """Half and double precision are read; whole numbers are none of Keras'."""

    def as_type(dtype: Any) -> Path:
        data = numbers(lambda group: group.create_dataset("0", data=KERNEL.astype(dtype)))
        return write(tmp_path / "net.keras", parts() | {"model.weights.h5": data})

    for dtype in (np.float16, np.float64):
        kernel = from_keras(as_type(dtype))[1]["conv2d.kernel"]
        assert kernel.dtype == np.float32
        assert (kernel == KERNEL).all()
    assert "layers/conv2d/vars/0 is no plain array of numbers" in message(as_type(np.int32))


def test_there_is_no_such_file(tmp_path: Path) -> None:
    """A missing file and a folder are told apart by the system's own words."""
    assert message(tmp_path / "no.keras") == (
        f"The file '{tmp_path}/no.keras' cannot be read (No such file or directory). {EXPECTED} Check the "
        "path and its permissions."
    )
    assert message(tmp_path) == (
        f"The file '{tmp_path}' cannot be read (Is a directory). {EXPECTED} Check the path and its "
        "permissions."
    )


def test_an_h5_file_is_told_how_to_be_saved_again(tmp_path: Path) -> None:
    """Keras' older format is named, and the way out of it."""
    path = tmp_path / "old.h5"
    path.write_bytes(numbers())
    assert message(path) == (
        f"The file '{path}' is an HDF5 file: Keras' older format, or weights alone. {EXPECTED} If it holds "
        "a whole model, open it in Keras and save it again with the ending .keras."
    )


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    """Empty, a text, a picture."""
    path = tmp_path / "net.keras"
    path.write_bytes(data)
    assert message(path) == (
        f"The file '{path}' is no Keras file: it is no zip archive. {EXPECTED} Check the path, or save the "
        "model again with the ending .keras."
    )


def test_an_older_keras_is_named(tmp_path: Path) -> None:
    """Keras 2 wrote .keras files of another layout."""
    path = write(tmp_path / "net.keras", parts(metadata_json='{"keras_version": "2.15.0"}'))
    assert message(path) == (
        f"The file '{path}' was written by Keras 2.15.0. {EXPECTED} Open it in Keras 3 and save it again."
    )


DAMAGED = [
    ({"config.json": None}, "it holds no config.json"),
    ({"model.weights.h5": None}, "it holds no model.weights.h5"),
    ({"config.json": "{"}, "its config.json is no JSON"),
    ({"config.json": "[" * 100_000}, "its config.json is no JSON"),
    ({"config.json": b"\xff\xfe\x00"}, "its config.json is no JSON"),
    ({"config.json": "[]"}, "its config.json describes no model"),
    ({"config.json": "{}"}, "its config.json is not as Keras writes it"),
    ({"metadata.json": "3"}, "its metadata.json describes no model"),
    ({"config.json": " " * (33 * 2**20)}, "its config.json is larger than 32 MB"),
    ({"model.weights.h5": b"none"}, "model.weights.h5 is no HDF5 file, or is cut off"),
    ({"model.weights.h5": numbers()[:-20]}, "model.weights.h5 is no HDF5 file, or is cut off"),
]


@pytest.mark.parametrize(("changed", "reason"), DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_one_clear_paragraph(changed: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """What is missing or wrong, and what to do."""
    left = {name: data for name, data in (parts() | changed).items() if data is not None}
    path = write(tmp_path / "net.keras", left)
    assert message(path) == f"The Keras file '{path}' is damaged ({reason}). {AGAIN}"


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path) -> None:
    """Zeros without end, zipped, are not unpacked into the memory; stored as Keras does, they are read."""
    endless = {"model.weights.h5": numbers() + bytes(65 * 2**20)}
    path = write(tmp_path / "net.keras", parts() | endless, zipfile.ZIP_DEFLATED)
    assert message(path) == (
        f"The Keras file '{path}' is damaged (its model.weights.h5 unpacks from 0.1 MB to 65 MB). {AGAIN}"
    )
    assert from_keras(write(path, parts() | endless))[0].names == ("conv2d",)


def test_a_file_without_metadata_is_read(tmp_path: Path) -> None:
    """The version is of use only to name an older Keras."""
    left = parts()
    del left["metadata.json"]
    assert from_keras(write(tmp_path / "net.keras", left))[0].names == ("conv2d",)


def test_a_file_that_is_cut_off_or_locked_is_damaged(tmp_path: Path) -> None:
    """A download that stopped; wrong bytes inside; a password."""
    path = write(tmp_path / "net.keras", parts())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    wrong = f"The Keras file '{path}' is damaged (its zip archive is cut off or has wrong bytes). {AGAIN}"
    assert message(path) == wrong
    place = whole.index(b'"class_name"')
    path.write_bytes(whole[:place] + b"X" + whole[place + 1 :])
    assert message(path) == wrong
    locked = bytearray(whole)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := locked.find(signature, at + 1)) >= 0:
            locked[at + offset] |= 1
    path.write_bytes(locked)
    assert "its zip archive is encrypted or packed in an unknown way" in message(path)


def soft(group: Any) -> None:
    group["1"] = KERNEL
    group["0"] = h5py.SoftLink("/layers/conv2d/vars/1")


def external(group: Any) -> None:
    group["0"] = h5py.ExternalLink("other.h5", "/secret")


def outside(group: Any) -> None:
    group.create_dataset("0", KERNEL.shape, "f4", external=[("secret.bin", 0, KERNEL.nbytes)])


def virtual(group: Any) -> None:
    layout = h5py.VirtualLayout(KERNEL.shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", "secret", KERNEL.shape)
    group.create_virtual_dataset("0", layout)


def never_written(group: Any) -> None:
    group.create_dataset("0", KERNEL.shape, "f4")


def packed(group: Any) -> None:
    group.create_dataset("0", data=KERNEL, compression="gzip")


def a_group(group: Any) -> None:
    group.create_group("0")


ELSEWHERE = [
    (soft, "it holds no numbers at layers/conv2d/vars"),
    (external, "it holds no numbers at layers/conv2d/vars"),
    (outside, "layers/conv2d/vars/0 is no plain array of numbers"),
    (virtual, "layers/conv2d/vars/0 is no plain array of numbers"),
    (never_written, "layers/conv2d/vars/0 is no plain array of numbers"),
    (packed, "layers/conv2d/vars/0 is no plain array of numbers"),
    (a_group, "it holds something else than numbers at layers/conv2d/vars"),
]


@pytest.mark.parametrize(("fill", "reason"), ELSEWHERE, ids=lambda value: getattr(value, "__name__", ""))
def test_numbers_that_lie_elsewhere_are_not_fetched(
    fill: Callable[[Any], None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file leads to no other file, and stands for no more numbers than it holds."""
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(b"0123" * 1000)
    with h5py.File("other.h5", "w") as other:
        other["secret"] = KERNEL
    path = write(tmp_path / "net.keras", parts() | {"model.weights.h5": numbers(fill)})
    assert reason in message(path)


def test_a_huge_network_is_not_allocated(tmp_path: Path) -> None:
    """A file of a few kilobytes that speaks of a kernel of 10^15 numbers is refused at once."""
    config = json.loads(json.dumps(CONFIG))
    config["config"]["layers"][1] = conv("first", filters=10**9)
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 8, 8, 10**5]
    shape = (3, 3, 10**5, 10**9)
    data = numbers(lambda group: group.create_dataset("0", shape, "f4"))
    path = write(
        tmp_path / "net.keras", parts() | {"config.json": json.dumps(config), "model.weights.h5": data}
    )
    assert "layers/conv2d/vars/0 is no plain array of numbers" in message(path)


def test_h5py_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """One paragraph says what to install."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(KerasError) as caught, opened(Path("net.keras")):
        pass
    assert str(caught.value) == (
        "The package 'h5py' is needed for Keras models and cannot be imported (import of h5py halted; None "
        'in sys.modules). It comes with an extra of Pellucid. Run: pip install "pellucid[keras]"'
    )


@settings(max_examples=300)
@given(data=st.data())
def test_wrong_bytes_never_end_in_a_traceback(data, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a few bytes changed or the end cut off, in the archive or in a part, one paragraph at most."""
    path, whole = tmp_path_factory.mktemp("bytes") / "net.keras", parts()
    inside = data.draw(st.sampled_from(["config.json", "model.weights.h5", None]))
    if inside:
        part = whole[inside]
        whole[inside] = changed(data, part.encode() if isinstance(part, str) else part)
    write(path, whole)
    if not inside:
        path.write_bytes(changed(data, path.read_bytes()))
    try:
        from_keras(path)
    except KerasError as error:
        assert str(error).startswith(("The ", "In the Keras model, layer 1, "))
    assert os.listdir(path.parent) == ["net.keras"]


def changed(data: Any, whole: bytes) -> bytes:
    wrong = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        wrong[data.draw(st.integers(0, len(wrong) - 1))] = data.draw(st.integers(0, 255))
    return bytes(wrong[: data.draw(st.sampled_from([len(wrong), len(wrong) - 30]))])
