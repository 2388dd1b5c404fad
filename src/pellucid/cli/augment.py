"""``pellucid augment``: pictures beside views of them, as training will see them."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, name_skipped, say, skipped_status
from pellucid.errors import RequestError, SourceError, shown
from pellucid.request import check_seed
from pellucid.storage import safe_stem, storage_errors, whole_folder
from pellucid.training.rung import called

if TYPE_CHECKING:
    from pellucid.report.views import Row

_MOST_VIEWS = 64
_MOST_PICTURES = 100
_PAGE, _SHEET = "views.html", "views.png"


def run(
    source: str = options.SOURCE,
    preset: str = typer.Option(
        "lecture",
        help="none, shift, light, lecture or strong, or transforms such as 'RandomFlip horizontal; "
        "RandomRotation 0.05'.",
    ),
    views: int = typer.Option(8, help="Views of each picture, 1 to 64."),
    number: int = typer.Option(6, help="Pictures, as evenly from the classes as can be, 1 to 100."),
    seed: int = typer.Option(0, help="Another seed draws other views."),
    out: Path | None = typer.Option(
        None, help="The folder to write; it must not exist. Default: views/NAME-PRESET-1."
    ),
    as_json: bool = options.JSON,
) -> None:
    """Show views of some pictures: a page and a PNG, with what was drawn for each in words."""
    from pellucid.data.source import open_source  # numpy and OpenCV, which --help does not need
    from pellucid.pictures.augment.text import augmentation
    from pellucid.report.sheet import sheet
    from pellucid.report.views import page, rows, summary

    _check("views", views, _MOST_VIEWS, "8 are enough to see what a preset does.")
    _check("pictures", number, _MOST_PICTURES, "6 are enough to see what a preset does.")
    check_seed(seed)  # as for training, whose views these are
    if out is not None and out.exists():
        raise RequestError(
            f"{shown(out)} exists already.",
            "A folder that does not exist was expected, so that nothing is overwritten.",
            "Choose another name with --out, or remove it first.",
        )
    plan = augmentation(preset)
    made, skipped = rows(open_source(source), plan, number, views, seed)
    if not made:
        raise _nothing(source, bool(skipped))
    folder = out or _free_folder(source, preset)
    with storage_errors(folder, "the views"), whole_folder(folder) as partial:
        html = page(source, preset, plan, made, seed)
        (partial / _PAGE).write_text(html, encoding="utf-8")
        (partial / _SHEET).write_bytes(sheet(made))
    if as_json:
        emit(
            {
                "out": str(folder),
                "page": str(folder / _PAGE),
                "sheet": str(folder / _SHEET),
                "preset": preset,
                "seed": seed,
                "augmentation": plan.to_json(),
                "pictures": summary(made),
                "skipped": [{"path": one.path, "reason": one.reason} for one in skipped],
            }
        )
    else:
        _tell(made, folder)
    name_skipped(skipped)
    raise typer.Exit(skipped_status(len(skipped)))


def _tell(rows: Sequence["Row"], folder: Path) -> None:
    """What was drawn and where to look at it, for a person."""
    for row in rows:
        say(f"{shown(row.path)}:")
        for view in row.views:
            say(f"  {view.said}")
    say()
    say(f"The page: {folder / _PAGE}")
    say(f"As a PNG: {folder / _SHEET}")


def _check(what: str, value: int, most: int, advice: str) -> None:
    if not 1 <= value <= most:
        raise RequestError(
            f"The number of {what} is {value:,}.",
            f"A whole number from 1 to {most} was expected.",
            advice,
        )


def _nothing(source: str, tried: bool) -> SourceError:
    """Why there is no picture to make views of."""
    if tried:
        return SourceError(
            f"None of the pictures chosen from {shown(source)} can be read.",
            "Pictures to make views of were expected.",
            "'pellucid check' names what is wrong with each.",
        )
    return SourceError(
        f"{shown(source)} gives all of its pictures to validation and test.",
        "Pictures to learn from were expected: others are never changed.",
        "Name the folder of the split itself to see views of those.",
    )


def _free_folder(source: str, preset: str) -> Path:
    """views/NAME-PRESET-1, or the next number that is free."""
    name = safe_stem(Path(source.removeprefix("builtin:")).name, "pictures")
    candidates = (Path("views") / f"{name}-{called(preset)}-{turn}" for turn in count(1))
    return next(folder for folder in candidates if not folder.exists())
