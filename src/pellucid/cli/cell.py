"""What ``pellucid explain --cell`` prints: one number's arithmetic as a table, its pixels and its uses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pellucid.cli.output import complain, emit, say, table
from pellucid.cli.progress import Progress

if TYPE_CHECKING:
    from pellucid.insight.arithmetic import Term
    from pellucid.insight.cell import Cell
    from pellucid.insight.receptive import Field
    from pellucid.insight.uses import Use

LARGEST = 12
"""How many terms are printed unless all are asked for."""

_MANY = 4


def open_cell(
    model: str, picture: str, cell: str, *, every: bool = False, download: bool = False, as_json: bool = False
) -> None:
    """Open the cell that is written ``LAYER:CHANNEL,ROW,COLUMN`` and print it.

    Raises:
        PellucidError: There is no such network, picture, layer or place.
    """
    from pellucid.insight.cell import place_of

    layer, index = place_of(cell)  # before PyTorch is loaded, which takes seconds
    from pellucid.insight.subject import open_subject

    with Progress() as listen:
        subject = open_subject(model, download=download, listen=listen)
        inside = subject.look_at(picture)
    opened = inside.cell(layer, *index)
    if as_json:
        emit({"path": picture, **opened.to_json(), "traced_by": inside.trace.how, "notes": [*subject.notes]})
        return
    for note in subject.notes:
        complain(note)
    _tell(opened, every)


def _tell(cell: "Cell", every: bool) -> None:
    """The arithmetic as a table, then where the number comes from and where it goes."""
    layer = cell.layer
    size = _size(layer.output_shape)
    say(f"{layer.name} ({layer.kind}), {_place(*cell.places)} of {size}")
    say()
    for origin in () if cell.worked.terms else cell.inputs:
        shape = (*origin.shape[1:], origin.shape[0]) if len(origin.shape) == 3 else origin.shape
        numbers = f"from {_number(origin.least)} to {_number(origin.largest)}, mean {_number(origin.mean)}"
        say(f"input: {origin.source}, {_size(shape)}, {numbers}")
    if cell.worked.terms:
        say(_terms(cell, every))
        say()
    say(_results(cell))
    say()
    say(_pixels(cell.pixels))
    for use in cell.uses:
        say(_use(use))
    if not cell.uses:
        say("used by: no later layer; it is an answer of the network.")


def _terms(cell: "Cell", every: bool) -> str:
    """The largest terms, the others in one line, and how many there are."""
    terms = sorted(cell.worked.terms, key=lambda term: (-abs(term.product), term.padding))
    listed, others = (terms, []) if every or len(terms) <= LARGEST + 1 else _folded(terms)
    rows = [_row(term) for term in listed]
    if others:
        total = sum(term.product for term in others)
        rows.append([f"{len(others):,} other terms", "", "", "", "", "", _number(total)])
    flat = all(term.row is None for term in terms)
    header = ["from", "unit" if flat else "channel", "row", "column", "input", "weight", "product"]
    kept = [0, 1, 4, 5, 6] if flat else [*range(7)]
    return table(
        [[row[place] for place in kept] for row in rows],
        [header[place] for place in kept],
        right=range(1, len(kept)),
    )


def _folded(terms: Sequence["Term"]) -> tuple[Sequence["Term"], Sequence["Term"]]:
    return terms[:LARGEST], terms[LARGEST:]


def _row(term: "Term") -> list[str]:
    source = f"{term.source}, padding" if term.padding else term.source
    places = ["" if place is None else str(place) for place in (term.channel, term.row, term.column)]
    return [source, *places, _number(term.input), _number(term.weight), _number(term.product)]


def _results(cell: "Cell") -> str:
    """From the products to the framework's own number, a line each."""
    worked = cell.worked
    if not worked.known:
        return table(
            [["PyTorch's value", _number(cell.value), worked.formula]], ("", "", ""), right=(1,)
        ).lstrip()
    linear = worked.formula.startswith("sum of the products")
    details = {key: value for key, value in worked.details.items() if (key, value) != ("equally_large", 1)}
    rows = [[key.replace("_", " "), _number(value), ""] for key, value in details.items()]
    if linear:
        products = worked.sum - worked.bias
        rows.append(["sum of the products", _number(products), f"{len(worked.terms):,} terms"])
    if worked.bias or "bias" in worked.formula:
        rows.append(["bias", _number(worked.bias), ""])
    rows.append(["sum", _number(worked.sum), "in float64" if linear else worked.formula])
    if cell.activation:
        inner = cell.activation
        rows += [[key.replace("_", " "), _number(value), ""] for key, value in inner.details.items()]
        rows.append([inner.name, _number(inner.output), inner.formula])
    rows.append(["PyTorch's value", _number(cell.value), ""])
    rows.append(["residue", f"{cell.residue:.1e}", "PyTorch's value less ours"])
    return "\n".join(table(rows, ("", "", ""), right=(1,)).splitlines()[1:])


def _pixels(field: "Field | None") -> str:
    if field is None:
        return "pixels: none can change it."
    height, width = field.bottom - field.top + 1, field.right - field.left + 1
    text = f"pixels: rows {field.top} to {field.bottom}, columns {field.left} to {field.right}"
    text += f" ({height} x {width}) of the picture as the network sees it"
    sides = zip(field.beyond, ("above", "to the left", "below", "to the right"), strict=True)
    beyond = ", ".join(f"{number} {side}" for number, side in sides if number)
    text += f"; padding stands for what lies beyond its edges ({beyond})" if beyond else ""
    return text + ("." if field.exact else "; at most, since a layer on the way is of an unknown kind.")


def _use(use: "Use") -> str:
    if not use.known:
        return f"used by: {use.layer} ({use.kind}); in which cells is not known."
    axes = zip(("channel", "row", "column"), (use.channels, use.rows, use.columns), strict=True)
    named = [
        ("unit" if not use.rows and axis == "channel" else axis, places) for axis, places in axes if places
    ]
    where = ", ".join(_places(axis, places) for axis, places in named)
    won = ""
    if use.won is not None:
        won = f"; it wins {use.won:,} of {use.cells:,}"
        if use.cells == 1:
            won = "; it wins there" if use.won else "; another wins there"
    return (
        f"used by: {use.layer} ({use.kind}), {where}: {use.cells:,} cell{'' if use.cells == 1 else 's'}{won}."
    )


def _places(axis: str, places: Sequence[int]) -> str:
    if len(places) <= _MANY:
        return f"{axis}{'' if len(places) == 1 else 's'} {', '.join(map(str, places))}"
    if places[-1] - places[0] + 1 == len(places):
        return f"{axis}s {places[0]} to {places[-1]}"
    return f"{len(places)} {axis}s from {places[0]} to {places[-1]}"


def _place(channel: int, row: int | None, column: int | None) -> str:
    if row is None:
        return f"unit {channel}"
    return f"channel {channel}, row {row}" + ("" if column is None else f", column {column}")


def _size(shape: Sequence[int]) -> str:
    size = "x".join(map(str, shape))
    return f"{size} (height x width x channels)" if len(shape) == 3 else size


def _number(value: float | None) -> str:
    """Six digits that count; a dash where there is no number."""
    return "-" if value is None else f"{value + 0.0:.6g}"  # no minus before a zero
