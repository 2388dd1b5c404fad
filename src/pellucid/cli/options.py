"""Options that several commands share, and those whose help and default are the fields of a request."""

from dataclasses import MISSING, fields
from typing import Any

import typer

from pellucid.request import TrainRequest

JSON = typer.Option(False, "--json", help="Print one JSON object as the last line of standard output.")
DOWNLOAD = typer.Option(
    False, "--download", help="Fetch a backbone's weights where they are not on this machine."
)
RUN_OR_MODEL = typer.Argument(
    ...,
    metavar="RUN-or-BACKBONE",
    help="A run folder, an .onnx file that was exported from one, or a backbone's name such as "
    "efficientnet_lite0.",
)
_SOURCE = (
    "A folder of class folders, a CSV or Parquet file with path,label[,split], an .npz, a folder of IDX "
    "files, builtin:digits or builtin:clipart."
)
SOURCE = typer.Argument(..., metavar="SOURCE", help=_SOURCE)
SOURCE_OR_RESUME = typer.Argument(None, metavar="SOURCE", help=_SOURCE)

_FIELDS = {field.name: field for field in fields(TrainRequest)}


def of_request(name: str, default: Any = MISSING) -> Any:
    """The option for a field of ``TrainRequest``: ``class_weights`` becomes ``--class-weights``."""
    field = _FIELDS[name]
    return typer.Option(
        field.default if default is MISSING else default,
        "--" + name.replace("_", "-"),
        help=field.metadata["help"],
    )
