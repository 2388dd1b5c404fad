"""``pellucid cache``: what is stored on this machine, and clearing it."""

import shutil
from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say, table
from pellucid.storage import cache_folder, storage_errors

_PARTS = {
    "trunks": "exported backbones",
    "activations": "computed features",
    "facts": "what is known of each picture",
}


def run(
    clear: bool = typer.Option(False, "--clear", help="Delete all of it; it is made anew when needed."),
    as_json: bool = options.JSON,
) -> None:
    """Show what is stored on this machine, or clear it."""
    folder = cache_folder()
    sizes = {part: sum(path.stat().st_size for path in _files(folder, part)) for part in _PARTS}
    if clear:
        with storage_errors(folder, "the cache"):
            for part in _PARTS:
                for path in folder.glob(f"{part}*"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if as_json:
        emit({"folder": str(folder), "bytes": sum(sizes.values()), "parts": sizes, "cleared": clear})
        return
    say(f"{'Cleared' if clear else 'The cache is'} {folder}")
    rows = [(_PARTS[part], f"{size / 2**20:.1f}") for part, size in sizes.items()]
    say(table(rows, ("what", "MiB"), right=(1,)))


def _files(folder: Path, part: str) -> list[Path]:
    return [path for top in folder.glob(f"{part}*") for path in (top, *top.rglob("*")) if path.is_file()]
