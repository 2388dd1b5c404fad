"""The sets of pictures that come with the package, `builtin:digits` and `builtin:clipart`, as listings."""

from pellucid.data import builtin
from pellucid.data.arrays import list_arrays
from pellucid.data.item import Listing, make_item
from pellucid.errors import SourceError, shown


def list_builtin(name: str) -> Listing:
    """The set called ``name``: digits has the splits train and test, clipart has none.

    Raises:
        SourceError: where there is no such set.
    """
    if name == "digits":
        x_train, y_train, x_test, y_test = builtin.digits()
        return list_arrays("builtin:digits", [(x_train, y_train, "train"), (x_test, y_test, "test")])
    if name == "clipart":
        return _clipart()
    raise SourceError(
        f"There is no built-in set {shown(name)}.",
        "builtin:digits or builtin:clipart was expected.",
        "Name one of these.",
    )


def _clipart() -> Listing:
    names = builtin.clipart_names()
    items = tuple(make_item(name, name.split("/")[0], None) for name in names)
    return Listing(items, lambda index: builtin.clipart_bytes(names[index]))
