"""A command run to its end in a process of its own: how long it took, its peak memory, what it printed.

Linux counts the memory of the process that starts a command into the command's peak. So whoever measures here
stays small: NumPy and all that is heavier is imported only by the processes that are started.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_UNITS_A_MIB = 2**20 if sys.platform == "darwin" else 2**10


@dataclass(frozen=True)
class Ended:
    """A command that came to its end.

    Attributes:
        seconds: Wall clock, from before it was started until it was gone.
        processor_seconds: What it and its own children computed, summed over cores.
        peak_mib: The most memory that was resident at a time (of the largest, if it had children).
        output: Its standard output.
    """

    seconds: float
    processor_seconds: float
    peak_mib: float
    output: str

    def answer(self) -> dict[str, Any]:
        """The JSON object on the last line of its output."""
        found: dict[str, Any] = json.loads(self.output.splitlines()[-1])
        return found


def run(
    command: Sequence[str | Path], *, variables: Mapping[str, str] | None = None, folder: Path = ROOT
) -> Ended:
    """Run a command with these environment variables added; a failure ends the benchmark and is shown."""
    environment = {**os.environ, **(variables or {})}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=environment, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        printed = output.read().decode("utf-8", "replace")
        if process.returncode != 0:
            told = errors.read().decode("utf-8", "replace")[-4000:]
            raise SystemExit(
                f"Exit status {process.returncode}: {' '.join(map(str, command))}\n{told}{printed}"
            )
    return Ended(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _UNITS_A_MIB, printed)


def run_module(name: str, *arguments: str | Path) -> dict[str, Any]:
    """The answer of one of the benchmark's own modules, run in a process of its own."""
    return run([sys.executable, "-m", name, *arguments]).answer()
