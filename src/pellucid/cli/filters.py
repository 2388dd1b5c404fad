"""What ``pellucid explain --filters`` does: a PNG of kernels, or of the patches that excite channels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pellucid.cli.output import complain, emit, name_skipped, say, skipped_status
from pellucid.cli.png import check_png, free_png
from pellucid.cli.progress import Progress
from pellucid.errors import RequestError, printable, shown

if TYPE_CHECKING:
    from pellucid.insight.filters.patches import Excitement


def draw_filters(
    model: str,
    source: str | None,
    layer: str | None,
    channels: str | None,
    out: Path | None,
    *,
    download: bool = False,
    as_json: bool = False,
) -> None:
    """Write the PNG and tell: the first layer's kernels, or with a source the patches of a layer.

    Raises:
        PellucidError: There is no such network, source, layer or channel, or the PNG cannot be written.
        typer.Exit: Some pictures were skipped: 3.
    """
    check_png(out)
    wanted = None if channels is None else _numbers(channels)
    if source is None:
        if layer is not None or wanted is not None:
            raise RequestError(
                f"{'--layer' if layer is not None else '--channels'} was given with --filters and no --from.",
                "A source of pictures was expected: what a layer looks for is seen in what excites it.",
                "Add for example: --from builtin:clipart",
            )
        _draw_kernels(model, out, download=download, as_json=as_json)
        return
    _draw_patches(model, source, layer, wanted, out, download=download, as_json=as_json)


def _draw_kernels(model: str, out: Path | None, *, download: bool, as_json: bool) -> None:
    import numpy as np

    from pellucid.insight.filters.kernels import first_kernels  # PyTorch takes seconds to import
    from pellucid.insight.filters.sheet import kernel_sheet
    from pellucid.insight.subject import open_subject

    with Progress() as listen:
        subject = open_subject(model, download=download, listen=listen)
    see = subject.preprocess
    kernels = first_kernels(subject.look(np.zeros((see.channels, see.height, see.width), np.float32)))
    place = _write(out, kernels.layer, "kernels", kernel_sheet(kernels))
    number, *shape = kernels.weight_OHWI.shape
    if as_json:
        told = {"out": str(place), "layer": kernels.layer, "kernels": number, "shape": shape}
        emit({**told, "notes": [*subject.notes]})
        return
    for note in subject.notes:
        complain(note)
    say(f"{kernels.layer}: {number} kernels of {' x '.join(map(str, shape))} (height x width x channels)")
    say(f"The picture: {printable(place)}")


def _draw_patches(
    model: str,
    source: str,
    layer: str | None,
    channels: list[int] | None,
    out: Path | None,
    *,
    download: bool,
    as_json: bool,
) -> None:
    from pellucid.data.source import open_source
    from pellucid.insight.filters.patches import excite
    from pellucid.insight.filters.sheet import patch_sheet
    from pellucid.insight.subject import open_subject

    opened = open_source(source)
    with Progress() as listen:
        subject = open_subject(model, download=download, listen=listen)
        found = excite(subject, opened, layer, channels=channels, listen=listen)
    place = _write(out, found.layer.name, "patches", patch_sheet(found))
    skipped = (*opened.skipped, *found.skipped)
    if as_json:
        emit(
            {"out": str(place), **_json(found), "notes": [*subject.notes]}
            | {"skipped": [{"path": one.path, "reason": one.reason} for one in skipped]}
        )
    else:
        for note in subject.notes:
            complain(note)
        _tell(found)
        say(f"The picture: {printable(place)}")
    name_skipped(skipped)
    raise typer.Exit(skipped_status(len(skipped)))


def _tell(found: "Excitement") -> None:
    """The strongest patch of each channel."""
    layer = found.layer
    say(f"{layer.name} ({layer.kind}): what excites its channels most, of {found.pictures:,} pictures")
    for channel in found.channels:
        if not channel.patches:
            say(f"channel {channel.channel}: nothing does.")
            continue
        first = channel.patches[0]
        say(
            f"channel {channel.channel}: {first.value:.4g} at row {first.row}, column {first.column} of "
            f"{printable(first.path)}"
        )


def _json(found: "Excitement") -> dict[str, Any]:
    """The keys of the contract."""
    return {
        "layer": found.layer.name,
        "pictures": found.pictures,
        "channels": [
            {
                "channel": one.channel,
                "patches": [
                    {
                        "path": patch.path,
                        "row": patch.row,
                        "column": patch.column,
                        "value": patch.value,
                        "pixels": patch.field.to_json(),
                    }
                    for patch in one.patches
                ],
            }
            for one in found.channels
        ],
    }


def _write(out: Path | None, layer: str, what: str, png: bytes) -> Path:
    from pellucid.storage import storage_errors, write_whole

    place = out or free_png(layer, what)
    with storage_errors(place, "the picture"):
        write_whole(place, png)
    return place


def _numbers(text: str) -> list[int]:
    """Channels that are written with commas."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() and len(word) < 10 for word in words):
        raise RequestError(
            f"The channels are {shown(text)}.",
            "Numbers from 0, parted by commas, were expected.",
            "Write for example: --channels 0,7,12",
        )
    return [int(word) for word in words]
