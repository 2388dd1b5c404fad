"""The PNG that a command writes: which names will do, and which is taken where none is given."""

from itertools import count
from pathlib import Path

from pellucid.errors import RequestError, printable, shown
from pellucid.storage import safe_stem

_SUFFIX = ".png"


def check_png(out: Path | None, picture: str | None = None) -> None:
    """Before anything is computed: whether a PNG can be meant, and not the picture itself.

    Raises:
        RequestError: Its name ends otherwise, it is a folder, or it is the picture.
    """
    if out is None:
        return
    if out.suffix.lower() != _SUFFIX:
        example = out.with_suffix(_SUFFIX) if out.name else Path("map.png")
        raise RequestError(
            f"The picture to write is {shown(out)}.",
            "A name that ends in .png was expected.",
            f"Write for example: --out {printable(example)}",
        )
    if out.is_dir():
        raise RequestError(
            f"{shown(out)} is a folder.",
            "The name of a file was expected.",
            f"Write for example: --out {printable(out / 'map.png')}",
        )
    if picture is not None and out.exists() and Path(picture).exists() and out.samefile(picture):
        raise RequestError(
            f"{shown(out)} is the picture itself.",
            "Another file was expected, so that the picture is not lost.",
            "Choose another name with --out, or leave it out.",
        )


def free_png(given: str, what: str) -> Path:
    """GIVEN-WHAT.png in this folder, or the first of -2, -3 ... that is free; given may be anything."""
    stem = safe_stem(given, "picture")
    names = (f"{stem}-{what}{'' if turn == 1 else f'-{turn}'}{_SUFFIX}" for turn in count(1))
    return next(Path(name) for name in names if not Path(name).exists())
