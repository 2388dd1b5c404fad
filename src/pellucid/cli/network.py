"""``pellucid network``: every layer of a network, with what it costs and how that is counted."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say, table
from pellucid.errors import RunError, UnknownBackboneError, shown

if TYPE_CHECKING:
    from pellucid.network.account import Account, Row

_RECORD = "run.json"


@dataclass(frozen=True)
class _Found:
    """A network that was asked for: what it is called, what is known of it, what it costs."""

    name: str
    about: str
    account: "Account"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "about": self.about, **self.account.to_json()}


def run(
    network: str = typer.Argument(
        ...,
        metavar="NAME-or-TEXT-or-FILE-or-RUN-or-BACKBONE",
        help="A named network (digits-convnet, digits-dense, lenet5, lenet5-1998, class-test, alexnet, "
        "vgg16, dense-full-hd), a text such as 'input 28x28x1; conv 32 3x3 relu; flatten; dense 10', a file "
        "that holds one, a run folder, or a backbone's name.",
    ),
    compare: str | None = typer.Option(
        None, "--compare", metavar="OTHER", help="Set the totals of another network beside this one's."
    ),
    as_json: bool = options.JSON,
) -> None:
    """Show a network's layers: shapes, parameters with their arithmetic, multiply-adds, what each sees."""
    found = _find(network)
    other = None if compare is None else _find(compare)
    if as_json:
        emit(found.to_json() | ({"compare": other.to_json()} if other else {}))
    elif other is not None:
        _tell_both(found, other)
    else:
        _tell(found)


def _find(given: str) -> _Found:
    """The network of this name, text, file, run or backbone, and its account."""
    from pellucid.network.account import account  # what --help does not need
    from pellucid.network.catalogue import find_named, is_text, no_network, read_network
    from pellucid.network.text import parse

    named = find_named(given)
    if named is not None:
        return _Found(named.name, f"{named.about}.\nSource: {named.source}.", named.account())
    if is_text(given):
        return _Found("text", "", account(parse(given)))
    name = given if given.isprintable() else shown(given)
    if _is_folder(given):
        return _of_run(Path(given), name)
    text = read_network(Path(given))
    if text is not None:
        return _Found(name, "", account(parse(text)))
    also = ("a run folder", "the name of a timm network")
    if re.fullmatch(r"[A-Za-z0-9_.]{1,80}", given) is None:
        raise no_network(given, also=also)
    from pellucid.network.traced import trace_backbone  # torch and timm take seconds to import

    try:
        return _Found(given, "a backbone; its layers by their paths in timm", trace_backbone(given))
    except UnknownBackboneError as error:
        raise no_network(given, tuple(re.findall(r"'([^']+)'", error.advice)), also) from error


def _is_folder(given: str) -> bool:
    try:
        return Path(given).is_dir()
    except OSError:  # too long for a path, for example
        return False


def _of_run(folder: Path, name: str) -> _Found:
    """The network of a run: its own, or the backbone that it stands on with its head."""
    from pellucid.network.account import account
    from pellucid.network.text import parse

    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        text = record.get("network")
        cut = None if text is not None else [str(record["backbone"][key]) for key in ("name", "boundary")]
        classes = len(record["classes"])
    except FileNotFoundError as error:
        raise RunError(
            f"There is no run at {shown(folder)}.",
            f"A run folder was expected: one that 'pellucid train' made, with {_RECORD} in it.",
            "Check the path.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"The run {shown(folder)} does not say its network.",
            f"A run folder whose {_RECORD} is as 'pellucid train' wrote it was expected.",
            "Restore it from a copy, or train again.",
        ) from error
    if cut is None:
        return _Found(name, "the network that this run trained", account(parse(str(text))))
    from pellucid.network.traced import trace_backbone

    about = f"{cut[0]} up to '{cut[1]}', frozen, and the head that learnt"
    return _Found(name, about, trace_backbone(cut[0], cut[1], classes))


def _tell(found: _Found) -> None:
    """The table of the layers, the totals, and what to know about them."""
    from pellucid.network.account import COUNTED

    told = found.account
    if found.about:
        say(f"{found.name}: {found.about}")
        say()
    knows_fields = any(row.receptive_field for row in told.rows)
    say(_layers(told, knows_fields))
    say()
    say(_learnt(told))
    say(f"Activations: {_bytes(told.activation_bytes)} for one picture in float32, all layers together.")
    say(COUNTED)
    if knows_fields:
        say("sees: how much of the picture (height x width) one number of the output is made from.")
        say("step: how many pixels of the picture lie between two neighbours of the output.")
    for note in told.notes:
        say()
        say(note)


def _layers(told: "Account", knows_fields: bool) -> str:
    """The layers as columns; on a narrow terminal without the one that repeats what was asked for."""
    knows_texts = all(row.text for row in told.rows)
    some_fixed = told.trainable != told.parameters
    kind = "as text" if knows_texts else "kind"
    header = ["layer", kind, "output", "counted as", "parameters", "learnt", "multiply-adds", "sees", "step"]
    rows = [["input", "", _size(told.input_shape), *[""] * 6]]
    rows += [_cells(row, knows_texts) for row in told.rows]
    learnt = f"{told.trainable:,}"
    rows.append(["total", "", "", "", f"= {told.parameters:,}", learnt, f"{told.macs:,}", "", ""])
    left_out = {"learnt"} if not some_fixed else set()
    left_out |= set() if knows_fields else {"sees", "step"}
    text = _columns(header, rows, left_out)
    if sys.stdout.isatty() and len(text.partition("\n")[0]) > shutil.get_terminal_size().columns:
        text = _columns(header, rows, left_out | {kind})
    first, *others, total = text.splitlines()
    return "\n".join([first, *others, "-" * max(map(len, text.splitlines())), total])


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], left_out: set[str]) -> str:
    kept = [place for place, word in enumerate(header) if word not in left_out]
    right = [place for place, word in enumerate(kept) if word >= 2]
    return table([[row[place] for place in kept] for row in rows], [header[place] for place in kept], right)


def _cells(row: "Row", knows_texts: bool) -> list[str]:
    """A row's cells; its arithmetic without the sum, which the next cell shows, and without remarks."""
    how = row.arithmetic.partition(f" = {row.parameters:,}")[0] if row.parameters else row.arithmetic
    return [
        row.name,
        row.text if knows_texts else row.kind,
        _size(row.output_shape) or "(not run)",
        how,
        f"= {row.parameters:,}" if row.parameters else "0",
        f"{row.trainable:,}",
        f"{row.macs:,}",
        _size(row.receptive_field or ()),
        _step(row.stride),
    ]


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _step(stride: tuple[int, int] | None) -> str:
    if stride is None:
        return ""
    return str(stride[0]) if stride[0] == stride[1] else _size(stride)


def _learnt(told: "Account") -> str:
    """How many parameters there are and how many learn; weights and biases apart where they are very many."""
    learnt = (
        "all of them learnt" if told.trainable == told.parameters else f"{told.trainable:,} of them learnt"
    )
    apart = f" ({told.weights:,} weights and {told.biases:,} biases)" if told.weights >= 10**9 else ""
    size = _bytes(4 * told.parameters)
    return f"Parameters: {told.parameters:,}{apart}, {learnt}; {size} in float32."


def _bytes(number: int) -> str:
    """A size as a person reads it, in powers of 1,000."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.3g} {unit}"


def _tell_both(one: _Found, other: _Found) -> None:
    """The totals of two networks side by side, and how many times the first the second is."""
    from pellucid.network.account import COUNTED

    first, second = _totals(one.account), _totals(other.account)
    rows = [
        (name, f"{number:,}", f"{second[name]:,}", f"{second[name] / number:.3g} x" if number else "")
        for name, number in first.items()
    ]
    names = [one.name, other.name]
    if names[0] == names[1]:
        names = [f"{names[0]} 1", f"{names[1]} 2"]
    say(table(rows, ("", *names, "second / first"), right=(1, 2, 3)))
    say()
    say(COUNTED)
    for found, name in ((one, names[0]), (other, names[1])):
        for note in found.account.notes:
            say()
            say(f"{name}: {note}")


def _totals(told: "Account") -> dict[str, int]:
    return {
        "parameters": told.parameters,
        "learnt": told.trainable,
        "multiply-adds": told.macs,
        "activation bytes": told.activation_bytes,
        "layers with parameters": sum(row.parameters > 0 for row in told.rows),
    }
