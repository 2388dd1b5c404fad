"""A ``.keras`` file as it lies on the disk: a zip archive of what the model is (JSON) and its numbers (HDF5).

Read without Keras: nothing in the file is run. What the JSON means is ``network.keras_read``'s business.
"""

import io
import json
import math
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError, shown

_CONFIG, _WEIGHTS, _METADATA = "config.json", "model.weights.h5", "metadata.json"
_LONGEST_CONFIG = 32 * 2**20  # bytes
# Keras does not pack numbers, and learnt ones hardly can be: what is larger and denser is a trap.
_UNSUSPECTED, _DENSEST = 64 * 2**20, 50  # bytes; unpacked bytes a packed one
_HDF5 = b"\x89HDF\r\n\x1a\n"
# What h5py raises where the bytes of a file are wrong.
_HDF5_ERRORS = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)
_A_KERAS_FILE = "A file that Keras 3 wrote with model.save('....keras') was expected."


class KerasError(PellucidError):
    """A Keras model that does not come in, or a network that does not go out as one."""


def needs(package: str, reason: str) -> KerasError:
    """The error where Keras or h5py cannot be imported."""
    return KerasError(
        f"The package '{package}' is needed for Keras models and cannot be imported ({reason}).",
        "It comes with an extra of Pellucid.",
        'Run: pip install "pellucid[keras]"',
    )


class Numbers:
    """The tensors of a ``.keras`` file, each by its layer's place in the file; made by ``opened``."""

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        self._file = file

    def tensors(self, place: str, name: str) -> list[Any]:
        """The tensors of a layer, in Keras' order, not yet read.

        Args:
            place: Where they lie, such as ``layers/conv2d_1``.
            name: The layer's name, which stands beside them.

        Raises:
            KerasError: the place does not exist, is another layer's, or leads out of the file.
        """
        try:
            group = self._file
            for part in (*place.split("/"), "vars"):
                group = _child(group, part)
            found = [_child(group, str(number)) for number in range(len(group))]
            if group.attrs.get("name", name) == name and all(hasattr(one, "dtype") for one in found):
                return found
        except _HDF5_ERRORS as error:
            raise damaged(self._path, f"it holds no numbers at {place}/vars") from error
        raise damaged(self._path, f"it holds something else than numbers at {place}/vars")

    def read(self, tensor: Any) -> NDArray[np.float32]:
        """A tensor as float32.

        Raises:
            KerasError: its numbers are not all in the file, or are no floating-point numbers.
        """
        try:
            size = tensor.dtype.itemsize * math.prod(tensor.shape)
            # Keras writes plain arrays. Others may stand for more than there is, or lie in another file.
            strange = tensor.external or tensor.chunks or tensor.dtype.kind != "f"
            if not strange and tensor.id.get_storage_size() == size:
                return np.asarray(tensor[()], np.float32)
        except _HDF5_ERRORS as error:
            raise damaged(self._path, f"{_WEIGHTS} cannot be read") from error
        raise damaged(self._path, f"{tensor.name.lstrip('/')} is no plain array of numbers")


def _child(group: Any, name: str) -> Any:
    """What lies in the group itself: a link to elsewhere, perhaps to another file, is not followed."""
    if not isinstance(group.get(name, getlink=True), _h5py().HardLink):
        raise KeyError(name)
    return group[name]


def save_model(model: Any, path: Path) -> None:
    """Let Keras write its model to a ``.keras`` file; what it raises is not changed."""
    with warnings.catch_warnings():
        # On PyTorch, Keras 3.15 makes arrays of its tensors in a way that NumPy 2 warns of.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept", DeprecationWarning)
        model.save(path)


def damaged(path: Path, reason: str) -> KerasError:
    """The error for a file that begins like a ``.keras`` file and is none."""
    return KerasError(
        f"The Keras file {shown(path)} is damaged ({reason}).",
        _A_KERAS_FILE,
        "Copy it again, or save the model again.",
    )


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise needs("h5py", str(error)) from error
    return h5py


@contextmanager
def opened(path: Path) -> Iterator[tuple[dict[str, Any], Numbers]]:
    """What the model is, as Keras' JSON says, and its numbers; closed at the end of the block.

    Raises:
        KerasError: there is no such file, it is no ``.keras`` file, it is damaged, or h5py is missing.
    """
    h5py = _h5py()
    config, numbers = _parts(path)
    try:
        file = h5py.File(io.BytesIO(numbers), "r")
    except _HDF5_ERRORS as error:
        raise damaged(path, f"{_WEIGHTS} is no HDF5 file, or is cut off") from error
    with file:
        yield config, Numbers(path, file)


def _parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON and the bytes of the HDF5 file."""
    begin = _beginning(path)
    if begin == _HDF5:
        raise KerasError(
            f"The file {shown(path)} is an HDF5 file: Keras' older format, or weights alone.",
            _A_KERAS_FILE,
            "If it holds a whole model, open it in Keras and save it again with the ending .keras.",
        )
    if not begin.startswith(b"PK"):
        raise KerasError(
            f"The file {shown(path)} is no Keras file: it is no zip archive.",
            _A_KERAS_FILE,
            "Check the path, or save the model again with the ending .keras.",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            _need_keras_3(path, archive, names)
            for name in (_CONFIG, _WEIGHTS):
                if name not in names:
                    raise damaged(path, f"it holds no {name}")
            if archive.getinfo(_CONFIG).file_size > _LONGEST_CONFIG:
                raise damaged(path, f"its {_CONFIG} is larger than {_LONGEST_CONFIG // 2**20} MB")
            weights = archive.getinfo(_WEIGHTS)
            if weights.file_size > max(_UNSUSPECTED, _DENSEST * weights.compress_size):
                packed, unpacked = weights.compress_size / 2**20, weights.file_size / 2**20
                raise damaged(path, f"its {_WEIGHTS} unpacks from {packed:,.1f} MB to {unpacked:,.0f} MB")
            config = _parsed(path, archive.read(_CONFIG), _CONFIG)
            return config, archive.read(_WEIGHTS)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise damaged(path, "its zip archive is cut off or has wrong bytes") from error
    except (RuntimeError, NotImplementedError) as error:
        raise damaged(path, "its zip archive is encrypted or packed in an unknown way") from error


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5))
    except OSError as error:
        raise KerasError(
            f"The file {shown(path)} cannot be read ({error.strerror or error}).",
            _A_KERAS_FILE,
            "Check the path and its permissions.",
        ) from error


def _parsed(path: Path, data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"its {name} is no JSON") from error
    if not isinstance(found, dict):
        raise damaged(path, f"its {name} describes no model")
    return found


def _need_keras_3(path: Path, archive: zipfile.ZipFile, names: list[str]) -> None:
    if _METADATA not in names or archive.getinfo(_METADATA).file_size > _LONGEST_CONFIG:
        return
    version = str(_parsed(path, archive.read(_METADATA), _METADATA).get("keras_version", ""))
    if version.startswith(("0.", "1.", "2.")):
        raise KerasError(
            f"The file {shown(path)} was written by Keras {version}.",
            _A_KERAS_FILE,
            "Open it in Keras 3 and save it again.",
        )
