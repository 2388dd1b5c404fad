"""``pellucid check``: what is wrong with the pictures, before training."""

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, name_skipped, say, skipped_status, table
from pellucid.cli.progress import Progress
from pellucid.errors import shown

_NAMED = 10


def run(source: str = options.SOURCE, as_json: bool = options.JSON) -> None:
    """Find unreadable, duplicate, leaking and unbalanced pictures, before training."""
    from pellucid.data.check import check_source, summary  # numpy and scipy, which --help does not need
    from pellucid.data.scan import scan
    from pellucid.data.source import open_source

    with Progress() as listen:
        looked = scan(open_source(source), listen)
    findings = check_source(looked)
    if as_json:
        emit(summary(looked, findings))
    else:
        counts = dict.fromkeys(looked.classes, 0)
        for picture in looked.pictures:
            counts[picture.label] += 1
        say(
            table([(name, str(number)) for name, number in counts.items()], ("class", "pictures"), right=(1,))
        )
        say()
        if not findings:
            say("Nothing is wrong with these pictures.")
        for finding in findings:
            say(f"{finding.kind}: {finding.advice}")
            for path in finding.paths[:_NAMED]:
                say(f"  {shown(path)}")
            if len(finding.paths) > _NAMED:
                say(f"  and {len(finding.paths) - _NAMED} more; --json names all of them")
    name_skipped(looked.skipped)
    raise typer.Exit(skipped_status(len(looked.skipped)))
