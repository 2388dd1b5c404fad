"""What users install: the wheel, alone in a bare environment, with a cache of its own.

Builds the wheel, installs it into .venv-smoke with what CI pins, and uses it as a newcomer would: `--help` in
under 0.3 s, `demo`, and then `predict` and `evaluate` with the run that the demo left.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
BARE = ROOT / ".venv-smoke"
HELP_SECONDS = 0.3
TRIES = 10


def call(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command to its end and give its standard output; a failure ends the smoke test."""
    shown = " ".join(str(part) for part in command)
    print(f"$ {shown}", flush=True)
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        sys.exit(f"Failed with exit status {done.returncode}: {shown}\n{done.stdout}")
    return done.stdout


def install(wheels: Path) -> Path:
    """Build the wheel, make the bare environment, install the one into the other; gives its `pellucid`."""
    pins = ROOT / "constraints.txt"
    pip = [sys.executable, "-m", "pip"]
    call(*pip, "wheel", "-q", "--no-deps", "--build-constraint", pins, "-w", wheels, ROOT, folder=ROOT)
    (wheel,) = wheels.glob("pellucid-*.whl")
    venv.create(BARE, clear=True, with_pip=False)
    call(*pip, "--python", BARE / "bin" / "python", "install", "-q", "-c", pins, wheel, folder=wheels)
    return BARE / "bin" / "pellucid"


def help_seconds(pellucid: Path, environment: dict[str, str], folder: Path) -> float:
    """The shortest of several times from starting `pellucid --help` to its end."""
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        subprocess.run(
            [pellucid, "--help"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True
        )
        times.append(time.perf_counter() - started)
    return min(times)


def use(pellucid: Path, folder: Path) -> None:
    """Do what a newcomer does first, in an empty folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PELLUCID_CACHE"] = str(folder / "cache")
    seconds = help_seconds(pellucid, environment, folder)
    print(f"pellucid --help: {seconds:.3f} s (shortest of {TRIES})")
    if seconds > HELP_SECONDS:
        sys.exit(f"`pellucid --help` took {seconds:.3f} s; at most {HELP_SECONDS} s is allowed.")

    answer = json.loads(
        call(pellucid, "demo", "--json", folder=folder, environment=environment).splitlines()[-1]
    )
    run = folder / answer["run"]
    wanted = [
        "run.json",
        "model.safetensors",
        "splits.csv",
        "metrics.jsonl",
        "predictions.csv",
        "report.html",
    ]
    missing = [name for name in wanted if not (run / name).is_file()]
    if missing:
        sys.exit(f"The demo's run folder lacks {missing}.")
    print(f"demo: {answer['test']['accuracy']:.3f} on {answer['test']['n']} pictures")
    call(pellucid, "evaluate", run, "builtin:clipart", "--json", folder=folder, environment=environment)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pellucid-smoke-"))
    try:
        use(install(folder), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
