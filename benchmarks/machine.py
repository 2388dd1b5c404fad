"""This machine: its processor and versions, and how fast it multiplies matrices and decodes JPEGs now."""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SIDE = 2048
_TRIES = 8
_PACKAGES = ("numpy", "onnxruntime", "pillow", "simplejpeg", "scipy", "torch", "timm", "pellucid")


def describe() -> dict[str, object]:
    """Processor, cores, memory and system; nothing that names the machine or its user."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """The versions of Python, of what is installed beside it, and of this checkout."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"commit": _commit()}


def _processor() -> str:
    """The model, its family and stepping: a virtual machine's model name says little."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    wide = [name for name in ("avx512f", "avx2", "asimd") if name in known.get("flags", "").split()]
    return f"{known.get('model name', '')}, family {known.get('cpu family')}, {' '.join(wide[:1])}".strip(
        ", "
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")


def multiply() -> float:
    """GFLOP/s of a float32 matrix product of side 2,048 on all cores, the best of some."""
    import numpy as np

    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    b, out = a.T.copy(), np.empty_like(a)
    return 2 * SIDE**3 / _best(lambda: np.matmul(a, b, out)) / 1e9


def decode_rate(folder: Path, number: int = 200) -> float:
    """Pictures a second from bytes in memory to RGB, on one core."""
    from pellucid.pictures.decode import decode

    encoded = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))[:number]]
    return len(encoded) / _best(lambda: [decode(data) for data in encoded], 3)


def _best(work: Callable[[], object], tries: int = _TRIES) -> float:
    """The shortest of some times, after one that does not count."""
    work()
    seconds = []
    for _ in range(tries):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Print one JSON object: gflops, or pictures a second where a folder is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machine", description=__doc__)
    parser.add_argument("--decode", type=Path, metavar="FOLDER")
    folder = parser.parse_args().decode
    print(json.dumps({"decode": decode_rate(folder)} if folder else {"gflops": multiply()}))


if __name__ == "__main__":
    main()
