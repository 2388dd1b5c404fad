"""The room Inside in a notebook: the page's own modules in a widget, whose questions the kernel answers.

The widget is anywidget's, which is not needed for anything else and is imported when a cell shows one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.bundle import bundled
from pellucid.errors import RequestError
from pellucid.events import Event, Notice
from pellucid.lab import saved
from pellucid.lab.exchange import exchange
from pellucid.lab.exploration import Exploration, Picture, exploration, style
from pellucid.pictures.preprocess import Preprocess

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.inside import Inside


class Explorer:
    """What a notebook's cell shows: a network with a picture in it, every number of which opens."""

    def __init__(self, opened: Exploration) -> None:
        self._opened = opened
        self._widget: Any = None

    @property
    def inside(self) -> "Inside":
        """The same pass in Python: its layers, and ``cell`` with the arithmetic of one number."""
        return self._opened.inside

    @property
    def widget(self) -> Any:
        """The anywidget that the cell shows.

        Raises:
            RequestError: anywidget is not installed.
        """
        if self._widget is None:
            self._widget = _make_widget(self._opened)
        return self._widget

    def save_html(
        self, path: str | Path, *, layers: Sequence[str] | None = None, cells: Sequence[str] = ()
    ) -> Path:
        """Write one file that opens offline and holds the answers for these layers and cells.

        Args:
            path: The file, such as ``inside.html``; one that is there is replaced.
            layers: Whose maps it holds, each with its strongest cell: all by default.
            cells: Further cells, as ``conv2d_1:12,5,7`` or ``dense:3``.

        Raises:
            RequestError: There is no such layer or cell.
            StorageError: The file cannot be written.
        """
        return saved.save(self._opened, path, layers=layers, cells=cells, listen=_print)

    def _repr_mimebundle_(self, **wanted: Any) -> Any:
        """What IPython asks an object of a cell for."""
        try:
            return self.widget._repr_mimebundle_(**wanted)
        except RequestError as error:
            return {"text/plain": str(error)}


def explore(
    model: object,
    picture: Picture,
    *,
    classes: Sequence[str] = (),
    preprocess: Preprocess | None = None,
) -> Explorer:
    """Open a network with a picture in it: as the last line of a notebook's cell it shows the room Inside.

    Args:
        model: A run folder or a run, a backbone's or a network's name, a network's text, or a
            ``torch.nn.Module`` of one's own that takes a batch of pictures (N, C, H, W).
        picture: A file, a Pillow image, or uint8 (H, W, 3) or (H, W).
        classes: What a module of one's own answers, in the order of its last layer.
        preprocess: What is done to a picture for such a module; left out, the picture goes in at its own
            size, its numbers divided by 255.

    Raises:
        PellucidError: There is no such network or picture.
    """
    opened = exploration(model, picture, tuple(classes), preprocess)
    return Explorer(opened)


def _make_widget(opened: Exploration) -> Any:
    """A widget that asks this process."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise RequestError(
            "anywidget is not installed, so that no widget can be shown.",
            "It was expected beside Pellucid, in the notebook's own environment.",
            "Install it: pip install 'pellucid[notebook]'; or write a file with explore(...).save_html.",
        ) from error

    class Widget(anywidget.AnyWidget):
        """Its state is the page's style and what is chosen; all else goes by messages."""

        _esm = f"{bundled('pellucid.lab', 'widget')}export default $widget;\n"
        style = traitlets.Unicode(style(":host")).tag(sync=True)
        chosen = traitlets.Dict().tag(sync=True)

    made = Widget()
    made.on_msg(lambda widget, content, buffers: _reply(widget, content, opened))
    return made


def _reply(widget: Any, content: Any, opened: Exploration) -> None:
    """Answer a message of the page, as the server answers a request."""
    if not isinstance(content, dict) or not isinstance(content.get("id"), str):
        return
    reply = exchange(str(content.get("question", "")).encode("utf-8", "replace"), opened.answer)
    widget.send({"id": content["id"], "status": reply.status, "type": reply.kind}, buffers=[reply.body])


def _print(event: Event) -> None:
    """What a person should know, in the cell's output."""
    if isinstance(event, Notice):
        print(event.text)
