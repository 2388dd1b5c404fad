"""``pellucid network``: every layer of a network, with what it costs and how that is counted."""

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say, table
from pellucid.errors import RequestError, RunError, UnknownBackboneError, shown

if TYPE_CHECKING:
    from pellucid.network.account import Account, Row

_KERAS = ".keras"
_WIDEST = 110  # columns of prose, where the terminal does not say that it has fewer


@dataclass(frozen=True)
class _Found:
    """A network that was asked for: what it is called, what is known of it, what it costs."""

    name: str
    about: str
    account: "Account"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "about": self.about, **self.account.to_json()}


def run(
    network: str | None = typer.Argument(
        None,
        metavar="NAME-or-TEXT-or-FILE-or-RUN-or-BACKBONE",
        help="A named network (digits-convnet, digits-dense, lenet5, lenet5-1998, class-test, alexnet, "
        "vgg16, dense-full-hd), a text such as 'input 28x28x1; conv 32 3x3 relu; flatten; dense 10', a file "
        "that holds one, a .keras file, a run folder, or a backbone's name. Without it, the named networks "
        "are listed.",
    ),
    compare: str | None = typer.Option(
        None, "--compare", metavar="OTHER", help="Set another network beside this one."
    ),
    as_json: bool = options.JSON,
) -> None:
    """Show a network's layers: shapes, parameters with their arithmetic, multiply-adds, what each sees."""
    if network is None:
        _list(compare, as_json)
        return
    found = _find(network)
    other = None if compare is None else _find(compare)
    if as_json:
        emit(found.to_json() | ({"compare": other.to_json()} if other else {}))
    elif other is not None:
        _tell_both(found, other)
    else:
        _tell(found)


def _list(compare: str | None, as_json: bool) -> None:
    """The networks that have a name, and what each is."""
    from pellucid.network.catalogue import NETWORKS

    if compare is not None:
        raise RequestError(
            f"--compare {shown(compare)} was given, and no network to compare it with.",
            "Two networks were expected.",
            f"Write, for example: pellucid network digits-convnet --compare {shown(compare)}",
        )
    told = [(named, named.account().parameters) for named in NETWORKS.values()]
    if as_json:
        listed = [
            {
                "name": named.name,
                "about": named.about,
                "source": named.source,
                "text": named.text,
                "parameters": parameters,
            }
            for named, parameters in told
        ]
        emit({"networks": listed})
        return
    rows = [(named.name, f"{parameters:,}") for named, parameters in told]
    columns = table(rows, ("network", "parameters"), right=(1,)).splitlines()
    for column, about in zip(columns, ["what it is", *(named.about for named, _ in told)], strict=True):
        _say_prose(about, f"{column}  ")
    say()
    _say_prose(
        "'pellucid network NAME' shows its layers. A text of your own, a file that holds one, a .keras file, "
        "a run folder and the name of a timm network do as well."
    )


def _find(given: str) -> _Found:
    """The network of this name, text, file, run or backbone, and its account."""
    from pellucid.network.account import account  # what --help does not need
    from pellucid.network.catalogue import find_named, is_text, no_network, read_network
    from pellucid.network.text import parse

    named = find_named(given)
    if named is not None:
        return _Found(named.name, f"{named.about}. Source: {named.source}.", named.account())
    if is_text(given):
        return _Found("text", "", account(parse(given)))
    name = given if given.isprintable() else shown(given)
    if _is_folder(given):
        return _of_run(Path(given), name)
    if given.lower().endswith(_KERAS) and "\0" not in given:
        from pellucid.network.keras_read import from_keras

        return _Found(
            name, "a Keras model, its layers by the names of a fresh session", account(from_keras(given)[0])
        )
    text = read_network(Path(given))
    if text is not None:
        return _Found(name, "", account(parse(text)))
    also = ("a .keras file", "a run folder", "the name of a timm network")
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
    from pellucid.run import RECORD, read_record

    record = read_record(folder)
    try:
        text = record.get("network")
        cut = None if text is not None else [str(record["backbone"][key]) for key in ("name", "boundary")]
        classes = len(record["classes"])
        above = str(record["finetune"]["boundary"]) if "finetune" in record else None
    except (KeyError, TypeError) as error:
        raise RunError(
            f"The run {shown(folder)} does not say its network.",
            f"A run folder whose {RECORD} is as 'pellucid train' wrote it was expected.",
            "Restore it from a copy, or train again.",
        ) from error
    if cut is None:
        return _Found(name, "the network that this run trained", account(parse(str(text))))
    from pellucid.network.traced import trace_backbone

    how = "frozen" if above is None else f"fine-tuned above '{above}'"
    about = f"{cut[0]} up to '{cut[1]}', {how}, and the head that learnt"
    return _Found(name, about, trace_backbone(cut[0], cut[1], classes, above))


def _tell(found: _Found) -> None:
    """The table of the layers, the totals, and what to know about them."""
    from pellucid.network.account import COUNTED

    told = found.account
    if found.about:
        _say_prose(f"{found.name}: {found.about}")
        say()
    layers, left_out = _layers(told)
    say(layers)
    say()
    if left_out:
        _say_prose(f"For want of room without the columns: {', '.join(left_out)}.")
    _say_prose(_learnt(told))
    size = _bytes(told.activation_bytes)
    _say_prose(f"Activations: {size} for one picture in float32, all layers together.")
    _say_prose(COUNTED)
    shown_columns = layers.partition("\n")[0].split()
    if "sees" in shown_columns:
        until = "" if all(row.receptive_field for row in told.rows) else ", told until branches meet"
        _say_prose(
            f"sees: how much of the picture (height x width) one number of the output is made from{until}."
        )
    if "step" in shown_columns:
        _say_prose("step: how many pixels of the picture lie between two neighbours of the output.")
    for note in told.notes:
        say()
        _say_prose(note)


def _say_prose(text: str, before: str = "") -> None:
    """A paragraph, in lines as long as the terminal's and never very long; ``before`` stands left of it."""
    width = max(min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST), 40)
    lines = textwrap.wrap(
        text,
        max(width, len(before) + 20),
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )
    say("\n".join(lines))


def _layers(told: "Account") -> tuple[str, list[str]]:
    """The layers as columns, and the columns that a narrow terminal goes without."""
    knows_texts = all(row.text for row in told.rows)
    kind = "as text" if knows_texts else "kind"
    header = ["layer", kind, "output", "counted as", "parameters", "learnt", "multiply-adds", "sees", "step"]
    rows = [["input", "", _size(told.input_shape), *[""] * 6]]
    rows += [_cells(row, knows_texts) for row in told.rows]
    learnt = f"{told.trainable:,}"
    rows.append(["total", "", "", "", f"= {told.parameters:,}", learnt, f"{told.macs:,}", "", ""])
    idle = {"learnt"} if told.trainable == told.parameters else set()
    can_go = [kind]
    if any(row.receptive_field for row in told.rows):
        can_go += ["step", "sees"]
    else:
        idle |= {"sees", "step"}
    left_out: list[str] = []
    text = _columns(header, rows, idle)
    while can_go and sys.stdout.isatty() and _width(text) > shutil.get_terminal_size().columns:
        left_out.append(can_go.pop(0))
        text = _columns(header, rows, idle.union(left_out))
    first, *others, total = text.splitlines()
    return "\n".join([first, *others, "-" * _width(text), total]), left_out


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], left_out: set[str]) -> str:
    kept = [place for place, word in enumerate(header) if word not in left_out]
    right = [place for place, word in enumerate(kept) if word >= 2]
    return table([[row[place] for place in kept] for row in rows], [header[place] for place in kept], right)


def _cells(row: "Row", knows_texts: bool) -> list[str]:
    """A row's cells; its arithmetic without the sum, which the next cell shows, and without remarks."""
    how = row.arithmetic.partition(f" = {row.parameters:,}")[0] if row.parameters else row.arithmetic
    how = how.replace(f" = {row.weights:,} weights, + {row.biases:,} biases", f" + {row.biases:,}")
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
    return "x".join(map(str, shape)) if len(shape) > 1 else "".join(f"{size:,}" for size in shape)


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
    """Two networks side by side: their layers, their totals, and how many times the first the second is."""
    from pellucid.network.account import COUNTED

    names = [one.name, other.name]
    if names[0] == names[1]:
        names = [f"{names[0]} 1", f"{names[1]} 2"]
    pairs = zip_longest(_outline(one.account), _outline(other.account), fillvalue=("", "", ""))
    header = (names[0], "output", "parameters", "", names[1], "output", "parameters")
    say(table([(*left, "", *right) for left, right in pairs], header, right=(1, 2, 5, 6)))
    say()
    first, second = _totals(one.account), _totals(other.account)
    rows = [
        (name, f"{number:,}", f"{second[name]:,}", f"{second[name] / number:.3g} x" if number else "")
        for name, number in first.items()
    ]
    say(table(rows, ("", *names, "second / first"), right=(1, 2, 3)))
    say()
    _say_prose(COUNTED)
    for found, name in ((one, names[0]), (other, names[1])):
        for note in found.account.notes:
            say()
            _say_prose(f"{name}: {note}")


def _outline(told: "Account") -> list[tuple[str, str, str]]:
    """Each layer's name, what it puts out, and how many parameters it has."""
    layers = [(row.name, _size(row.output_shape) or "(not run)", f"{row.parameters:,}") for row in told.rows]
    return [("input", _size(told.input_shape), ""), *layers]


def _totals(told: "Account") -> dict[str, int]:
    return {
        "parameters": told.parameters,
        "learnt": told.trainable,
        "multiply-adds": told.macs,
        "activation bytes": told.activation_bytes,
        "layers with parameters": sum(row.parameters > 0 for row in told.rows),
    }
