"""Large blocks that are freed stay with the process."""

import subprocess
import sys

import pytest

_CODE = """
import resource
import numpy as np
from pellucid.training.allocator import keep_freed_memory
if {kept}:
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        held = [np.ones(3_000_000, np.float32) for _ in range(4)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc is asked")
def test_a_freed_block_is_used_again() -> None:
    """Four blocks of 12 MB, twenty times over, touch hardly a new page; else they touch all."""
    faults = {}
    for kept in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", _CODE.format(kept=kept)], capture_output=True, text=True, check=True
        )
        faults[kept] = int(done.stdout)
    assert faults[True] < 100
    assert faults[False] > 10 * max(faults[True], 1)
