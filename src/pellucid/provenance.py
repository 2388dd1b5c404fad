"""What a figure depends on besides the pictures: the versions of the libraries, and the machine."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pellucid.workers import cores

_LIBRARIES = (
    "numpy",
    "onnxruntime",
    "pillow",
    "simplejpeg",
    "opencv-python-headless",
    "scipy",
    "safetensors",
    "torch",
    "torchvision",
    "timm",
    "accelerate",
)


def pellucid_version() -> str:
    """The version of the installed package."""
    try:
        return version("pellucid")
    except PackageNotFoundError:
        return "0 (not installed)"


def versions() -> dict[str, str]:
    """Library -> version, of those that are installed; none is imported for it."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """The processor's name, how many cores this process may use, and the operating system."""
    return {"processor": _processor(), "cores": cores(), "system": platform.system()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # no such file outside Linux; what Python knows will do
    return platform.processor() or platform.machine()
