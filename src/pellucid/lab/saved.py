"""The room Inside as one file that opens offline, with the answers that it needs put into it.

Which layers and cells it holds is the caller's choice. What it does not hold it says.
"""

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.bundle import bundled, lone_page
from pellucid.errors import shown
from pellucid.events import Listener, Notice, phase, silent
from pellucid.insight.cell import place_of
from pellucid.insight.saliency import AT_A_LAYER
from pellucid.lab.exploration import Exploration, asked, style
from pellucid.lab.reply import encoded, parted
from pellucid.storage import storage_errors, write_whole

_MISSING = (
    "This file does not hold that. It was saved with {held}; others are put into it by "
    'explore(...).save_html("inside.html", cells=["LAYER:CHANNEL,ROW,COLUMN"]), and in a notebook or by '
    "'pellucid open' all of them can be opened."
)


class _Store:
    """Answers by their questions, as the page will ask them."""

    def __init__(self, exploration: Exploration, layers: Sequence[str]) -> None:
        self.replies: dict[str, dict[str, Any]] = {}
        self._exploration = exploration
        self._layers = layers

    def is_row(self, layer: str) -> bool:
        """Whether a layer's cells have a unit and no row or column."""
        return len(self._exploration.inside.layer(layer).shape) == 1

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Answer a question, and keep the answer."""
        question = asked(kind, self._exploration, fields)
        reply = self._exploration.answer(question)
        if kind == "start":
            reply = {**reply, "examples": reply["examples"][:1], "fixed": True}
        if kind == "look":
            reply = {**reply, "layers": [one for one in reply["layers"] if one["name"] in self._layers]}
        self.replies[canonical(question)] = _packed(reply)
        return reply


def save(
    exploration: Exploration,
    path: str | Path,
    *,
    layers: Sequence[str] | None = None,
    cells: Sequence[str] = (),
    listen: Listener = silent,
) -> Path:
    """Write the file, whole or not at all; one of the same name is replaced.

    Args:
        exploration: What it shows.
        path: The file, such as ``inside.html``.
        layers: Whose maps it holds: all by default. Of each it holds the thumbnails of all channels, and the
            strongest cell of the strongest one, which the page goes to.
        cells: Further cells, as ``LAYER:CHANNEL,ROW,COLUMN`` or ``LAYER:UNIT``, with the map that each is in.
        listen: Told of the progress, and how large the file is.

    Raises:
        RequestError: There is no such layer or cell.
        StorageError: The file cannot be written.
    """
    inside = exploration.inside
    places = [place_of(one) for one in cells]
    for name, index in places:
        inside.cell(name, *index)  # refuses what there is not, before anything is written
    every = [one.name for one in inside.layers]
    asked_for = set(every if layers is None else [inside.layer(one).name for one in layers])
    wanted = [name for name in every if name in asked_for | {name for name, _ in places}]
    store = _Store(exploration, wanted)
    store.add("start")
    look = store.add("look")
    flat = {one["name"]: bool(one["flat"]) for one in look["layers"]}
    if look["answer"]["best"]:
        for method in AT_A_LAYER:
            store.add("saliency", method=method, unit=None)
    with phase(listen, "Answering", len(wanted) + len(places)) as advance:
        for name in wanted:
            _strongest(store, name, flat[name])
            advance(1)
        for name, index in places:
            store.add("map", layer=name, channel=0 if flat[name] else index[0])
            store.add("cell", layer=name, index=list(index))
            advance(1)
    first = (
        {"layer": places[0][0], "cell": ",".join(map(str, places[0][1]))} if places else {"layer": wanted[0]}
    )
    held = f"the strongest cell of {len(wanted)} layers" + (f" and {len(places)} more" if places else "")
    page = _page(
        exploration, {"replies": store.replies, "missing": _MISSING.format(held=held), "first": first}
    )
    target = Path(path)
    with storage_errors(target, "the page"):
        write_whole(target, page.encode())
    listen(Notice(f"{shown(target)} has {len(page.encode()) / 1e6:.1f} MB and opens offline."))
    return target


def _strongest(store: _Store, layer: str, flat: bool) -> None:
    """What the page asks when a layer is chosen."""
    sheet = store.add("sprite", layer=layer)
    channel = 0 if flat else sheet["order"][0]
    shown_map = store.add("map", layer=layer, channel=channel)
    values = np.frombuffer(shown_map["values"], "<f4")
    # As the page's own strongest(): the first of those furthest from zero.
    at = int(np.argmax(np.nan_to_num(np.abs(values), nan=-1.0)))
    row, column = divmod(at, shown_map["width"])
    index = [at] if store.is_row(layer) else [at, 0, 0] if flat else [channel, row, column]
    store.add("cell", layer=layer, index=index)


def canonical(question: dict[str, Any]) -> str:
    """A question with its fields in one order, as the page's hosts.js writes it."""
    return json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _packed(reply: dict[str, Any]) -> dict[str, Any]:
    body, _ = encoded(reply)
    return {"frame": base64.b64encode(body).decode()} if parted(reply)[1] else {"json": reply}


def _page(exploration: Exploration, store: dict[str, Any]) -> str:
    """The file: one style, one script, and the answers as data; nothing else may run or be fetched."""
    code = f"{bundled('pellucid.lab', 'saved')}$saved.open();\n"
    network, picture = exploration.names
    body = f"""<main>
<h1>Inside {html.escape(network)}</h1>
<p id="wrong" class="wrong" role="alert" hidden></p>
<div id="inside-room"></div>
</main>"""
    title = f"Inside {network}: {picture}"
    return lone_page(title, style(":root"), code, body, {"answers": store}, images="'none'")
