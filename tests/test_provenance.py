"""What a figure depends on besides the pictures."""

import platform
from importlib.metadata import version

from pellucid import provenance
from pellucid.workers import cores


def test_versions_are_those_that_are_installed() -> None:
    """Python's and the libraries' versions are named, and the package's own."""
    versions = provenance.versions()
    assert versions["python"] == platform.python_version()
    for library in ("onnxruntime", "opencv-python-headless", "torchvision", "accelerate"):
        assert versions[library] == version(library)
    assert provenance.pellucid_version() == version("pellucid")


def test_the_machine_is_named() -> None:
    """The processor, the usable cores and the system are known."""
    machine = provenance.machine()
    assert machine["cores"] == cores() >= 1
    assert machine["system"] == platform.system()
    assert machine["processor"]
