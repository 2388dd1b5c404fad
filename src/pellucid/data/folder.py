"""A folder of class folders, or of train/val/test folders of class folders, as a listing.

It lists names and follows links; it never opens a picture.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.data.item import (
    PLACEHOLDER,
    Item,
    Listing,
    Skipped,
    SplitName,
    is_placeholder,
    make_item,
    split_named,
)
from pellucid.errors import SourceError, shown
from pellucid.pictures.file import read_file

_IGNORED = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found"}
)
_NO_PICTURES = frozenset(
    """.txt .csv .tsv .json .jsonl .xml .md .rst .yaml .yml .toml .ini .cfg .log .html .htm .css .js .py
    .ipynb .sh .bat .doc .docx .xls .xlsx .ods .odt .ppt .pptx .pdf .db .sqlite .npy .npz .parquet .mat .pkl
    .pt .pth .onnx .safetensors .zip .tar .gz .tgz .bz2 .xz .7z .rar .mp3 .wav .url .lnk .exe""".split()  # noqa: SIM905
)
_PICTURES = frozenset(
    """.jpg .jpeg .jpe .jfif .png .gif .bmp .tif .tiff .webp .avif .heic .heif .ppm .pgm .pbm .jp2
    .jxl""".split()  # noqa: SIM905
)
_BESIDE = "stands beside the class folders, so it has no class"
_EXPECTED = "A folder with one folder of pictures for each class was expected."


@dataclass
class _Tree:
    """One folder: what stands in it, by paths relative to the root, and its subfolders by name."""

    path: str
    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    folders: dict[str, "_Tree"] = field(default_factory=dict)

    def every(self) -> Iterator["_Tree"]:
        """This folder and all below it, a folder before what is in it; as deep as a disk allows."""
        waiting = [self]
        while waiting:
            tree = waiting.pop()
            yield tree
            waiting += [tree.folders[name] for name in sorted(tree.folders, reverse=True)]

    @property
    def count(self) -> int:
        """How many pictures stand in it, at any depth."""
        return sum(len(tree.pictures) for tree in self.every())

    @property
    def holds_classes(self) -> bool:
        """Whether most of its pictures stand in subfolders."""
        return self.count > 2 * len(self.pictures)


def list_folder(root: Path) -> Listing:
    """List the class folders in ``root``; items are sorted by path within each class.

    A class folder's pictures may stand at any depth. Where folders named train, val or test hold class
    folders, they give the split. A class folder without a picture is no class and is named as skipped.
    Hidden files and what is no picture by its name are passed over.

    Raises:
        SourceError: where ``root`` cannot be listed, holds no picture, or holds pictures but no folders.
    """
    walk = _Walk(root)
    tree, skipped = walk.tree, walk.skipped
    if not any(folder.count for folder in tree.folders.values()):
        raise _nothing(root, tree, skipped)
    items = _split_items(tree, skipped) if _gives_splits(tree) else _class_items(tree, None, skipped)
    if not items:
        raise _nothing(root, tree, skipped)
    return Listing(tuple(items), _reader(root, items), tuple(skipped))


def _reader(root: Path, items: list[Item]) -> Callable[[int], bytes]:
    def read(index: int) -> bytes:
        return read_file(root / items[index].path)

    return read


class _Walk:
    """All that stands below a root. Linked folders come last, and none is entered twice, so loops end."""

    def __init__(self, root: Path) -> None:
        self.skipped: list[Skipped] = []
        self.tree = _Tree("")
        self._root = root
        self._entered: set[tuple[int, int]] = set()
        self._links: list[tuple[_Tree, str, str]] = []
        try:
            os.scandir(root).close()
        except OSError as error:
            raise SourceError(
                f"The folder {shown(root)} cannot be listed ({error.strerror}).",
                "A folder that this user may read was expected.",
                "Change its permissions, or copy the pictures to a place of your own.",
            ) from error
        self._enter("")
        self._list_all_below(self.tree)
        while self._links:
            parent, name, path = self._links.pop(0)
            if self._enter(path):
                parent.folders[name] = _Tree(path)
                self._list_all_below(parent.folders[name])
            else:
                self.skipped.append(Skipped(path, "a link to a folder that is listed already"))

    def _enter(self, path: str) -> bool:
        """Note that a folder is entered; False where it was before."""
        try:
            status = (self._root / path).stat()
        except OSError:
            return True  # listing it will say why not
        key = (status.st_dev, status.st_ino)
        new = key not in self._entered
        self._entered.add(key)
        return new

    def _list_all_below(self, top: _Tree) -> None:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self._root / folder.path) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.skipped.append(
                    Skipped(folder.path, f"a folder that cannot be listed ({error.strerror})")
                )
                continue
            for entry in found:
                if not entry.name.startswith(".") and entry.name.lower() not in _IGNORED:
                    self._file(entry, folder)
            waiting += folder.folders.values()

    def _file(self, entry: "os.DirEntry[str]", folder: _Tree) -> None:
        """Put one entry where it belongs."""
        path = f"{folder.path}/{entry.name}" if folder.path else entry.name
        suffix = Path(entry.name).suffix.lower()
        if _is(entry.is_dir):
            if entry.is_symlink():
                self._links.append((folder, entry.name, path))
            else:
                self._enter(path)
                folder.folders[entry.name] = _Tree(path)
        elif suffix in _NO_PICTURES:
            folder.others.append(path)
        elif _is(entry.is_file):
            folder.pictures.append(path)
        else:
            lost = entry.is_symlink() and not _is(Path(entry.path).exists)
            self.skipped.append(Skipped(path, "a link to nothing" if lost else "it is not a file"))


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link that leads nowhere, or back to itself
        return False


def _gives_splits(tree: _Tree) -> bool:
    """Whether the folders in the root are splits rather than classes (a class may be named "train")."""
    filled = {name: folder for name, folder in tree.folders.items() if folder.count}
    splits = [name for name in filled if split_named(name)]
    with_classes = any(filled[name].holds_classes for name in splits)
    return with_classes and (len(splits) > 1 or len(filled) == len(splits))


def _split_items(tree: _Tree, skipped: list[Skipped]) -> list[Item]:
    items: list[Item] = []
    _name_strays(tree, skipped)
    for name in sorted(tree.folders):
        folder, split = tree.folders[name], split_named(name)
        if not folder.count:
            continue
        if split is None:
            skipped.append(Skipped(name, "stands beside the train, val and test folders, so it is no split"))
        elif folder.holds_classes:
            items += _class_items(folder, split, skipped)
        else:
            skipped.append(Skipped(name, f"{folder.count} pictures outside class folders have no label"))
    return items


def _class_items(tree: _Tree, split: SplitName | None, skipped: list[Skipped]) -> list[Item]:
    items: list[Item] = []
    told = {one.path for one in skipped}  # a folder that cannot be listed
    _name_strays(tree, skipped)
    for label in sorted(tree.folders):
        folder = tree.folders[label]
        if not folder.count:
            if folder.path not in told:
                skipped.append(Skipped(folder.path, "a folder without a picture, so it is no class"))
            others = [path for part in folder.every() for path in part.others]
            skipped += [Skipped(path, "not a picture (by its name)") for path in others]
        for path in sorted(path for part in folder.every() for path in part.pictures):
            if is_placeholder(path, label):
                skipped.append(Skipped(path, PLACEHOLDER))
            else:
                items.append(make_item(path, label, split))
    return items


def _name_strays(tree: _Tree, skipped: list[Skipped]) -> None:
    """Name the pictures that stand beside the class folders; a LICENSE there is nobody's loss."""
    strays = [path for path in tree.pictures if Path(path).suffix.lower() in _PICTURES]
    skipped += [Skipped(path, _BESIDE) for path in strays]


def _nothing(root: Path, tree: _Tree, skipped: list[Skipped]) -> SourceError:
    if tree.pictures:
        number = "1 file" if len(tree.pictures) == 1 else f"{len(tree.pictures)} files"
        return SourceError(
            f"The folder {shown(root)} holds {number} and no class folders (the first file is"
            f" {shown(tree.pictures[0])}).",
            _EXPECTED,
            "Sort the pictures into folders named after their classes, or list them in a CSV file with the"
            " columns path and label.",
        )
    if skipped:
        return SourceError(
            f"The folder {shown(root)} holds no picture that can be used: {shown(skipped[0].path)} was set"
            f" aside ({skipped[0].reason}).",
            _EXPECTED,
            "Check the permissions and the links, or name another folder.",
        )
    tables = [path for path in tree.others if Path(path).suffix.lower() in (".csv", ".parquet", ".npz")]
    advice = f"Did you mean {shown(root / tables[0])}?" if tables else "Check the path."
    return SourceError(f"The folder {shown(root)} holds no picture.", _EXPECTED, advice)
