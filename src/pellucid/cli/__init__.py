"""The command line: parse, call, print. One file a command; what a command does is in the rooms below.

Results go to standard output, everything else to standard error. Exit status: 0 done; 2 the request cannot
be met; 3 done, but some inputs were skipped, each named; 130 interrupted by Ctrl-C; 1 a bug.
"""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from pellucid.cli import (
    augment,
    backbones,
    cache,
    check,
    compare,
    demo,
    evaluate,
    explain,
    export,
    network,
    open,  # noqa: A004
    predict,
    serve,
    train,
)
from pellucid.cli.output import complain
from pellucid.errors import PellucidError

_INTERRUPTED = "Interrupted. No half-written run was left; features computed so far are kept in the cache."


class _Commands(TyperGroup):
    """Typer would end an interrupted command without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for; an interrupt says what is kept and how to go on."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            complain(str(stop) or _INTERRUPTED)
            sys.exit(130)


app = typer.Typer(
    name="pellucid",
    cls=_Commands,
    help="From a folder of pictures to a classifier that can be trusted, on the machine you have.",
    epilog="Start with: pellucid demo",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing Rich would be a third of the time of --help
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for command in (
    demo,
    train,
    evaluate,
    predict,
    explain,
    compare,
    export,
    serve,
    check,
    augment,
    open,
    network,
    backbones,
    cache,
):
    app.command(command.__name__.rpartition(".")[2])(command.run)


def _version(wanted: bool) -> None:
    if wanted:
        from pellucid.provenance import pellucid_version

        typer.echo(pellucid_version())
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line; a request that cannot be met ends in one paragraph and exit status 2."""
    try:
        app()
    except PellucidError as error:
        complain(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read standard output is gone (as in '| head'); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
