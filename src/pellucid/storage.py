"""Files and folders that appear whole or not at all, and the user's cache folder."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from pellucid.errors import RequestError, StorageError, shown
from pellucid.events import Listener, Notice

_PARTIAL = ".partial-"
_temporary: dict[Path, tempfile.TemporaryDirectory[str]] = {}  # removed when the process ends


def cache_folder() -> Path:
    """The user's cache: ``$PELLUCID_CACHE`` where set, else the platform's own place (not created here)."""
    chosen = os.environ.get("PELLUCID_CACHE")
    return Path(chosen) if chosen else user_cache_path("pellucid", appauthor=False)


def writable_cache(listen: Listener) -> Path:
    """The user's cache folder, made if need be; where it cannot be written, a temporary one of this process.

    A cache that cannot be written costs time, not results; a notice says so once.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        return _temporary_cache(folder, error.strerror or str(error), listen)


def _temporary_cache(folder: Path, reason: str, listen: Listener) -> Path:
    if folder not in _temporary:
        _temporary[folder] = tempfile.TemporaryDirectory(prefix="pellucid-")
        listen(
            Notice(
                f"The cache {shown(folder)} cannot be written ({reason}); what is computed now is kept until "
                "this command ends. Set PELLUCID_CACHE to a folder of your own to keep it."
            )
        )
    return Path(_temporary[folder].name)


@contextmanager
def storage_errors(path: Path, what: str) -> Iterator[None]:
    """Turn the operating system's refusals while writing ``what`` at ``path`` into one clear paragraph.

    Raises:
        StorageError: for a full disk, a missing permission, a read-only place, a name that is too long.
    """
    try:
        yield
    except OSError as error:
        raise _refusal(error, path, what) from error


def _refusal(error: OSError, path: Path, what: str) -> StorageError:
    place = f"{what} at {shown(path)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(
            f"The disk ran full while writing {place}.",
            "Nothing half-written was left there.",
            "Free some space ('pellucid cache --clear' empties Pellucid's cache) or choose another place.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            f"There is no permission to write {place} ({error.strerror}).",
            "A folder that this user may write to was expected.",
            "Choose another place, or change the permissions.",
        )
    return StorageError(
        f"Could not write {place}: {error.strerror or error}.",
        "A folder that can be written to was expected.",
        "Choose another place.",
    )


@contextmanager
def whole_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give an empty folder beside ``folder`` to fill; at the end of the block it is renamed to ``folder``.

    What killed writers of the same folder left behind is removed first.

    Args:
        folder: The folder that shall appear.
        replace: Whether a folder that stands there already is replaced.

    Raises:
        FileExistsError: ``folder`` exists when the block ends, and ``replace`` is false.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = partial_name(folder)
    _sweep(folder.parent, prefix)
    partial = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=folder.parent))
    try:
        yield partial
        for written in partial.rglob("*"):
            if written.is_file():
                _flush(written)
        partial.chmod(0o777 & ~_umask())
        if folder.exists():
            if not replace:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))
            _exchange(partial, folder, prefix)
        else:
            partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _exchange(partial: Path, folder: Path, prefix: str) -> None:
    """Put ``partial`` where ``folder`` stands; that one is removed after, and stays where this fails."""
    aside = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=folder.parent))
    try:
        with suppress(FileNotFoundError):  # another writer was quicker
            folder.rename(aside / "old")
        try:
            partial.rename(folder)
        except OSError:
            with suppress(OSError):
                (aside / "old").rename(folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def refuse_no_place(path: Path) -> None:
    """Refuse a new file that could not be written, before any work.

    Raises:
        RequestError: it exists already, or its folder does not.
    """
    if path.exists():
        raise RequestError(
            f"{shown(path)} exists already.",
            "A file that does not exist was expected.",
            "Choose another name.",
        )
    if not path.parent.is_dir():
        raise RequestError(
            f"There is no folder {shown(path.parent)} to write {shown(path.name)} to.",
            "A file's name in a folder that exists was expected.",
            "Make the folder first, or choose another.",
        )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it: it appears whole or not at all, over one that was there.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=partial_name(path), dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        _flush(partial)
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def put_whole(partial: Path, path: Path) -> None:
    """Put a file that was written elsewhere on the same disk in its place, once all of it is on the disk.

    Raises:
        OSError: it cannot be put there.
    """
    _flush(partial)
    partial.replace(path)


def safe_stem(given: str, otherwise: str) -> str:
    """The beginning of a file name, after whatever was given, for a suffix and a number to follow.

    It holds letters of any language, digits, dots, dashes and underscores, is not hidden, and has 60
    characters and 180 bytes at most.

    Args:
        given: What it is to be called after.
        otherwise: What it is called where nothing of that is left.
    """
    letters = re.sub(r"[^\w.-]+", "-", given).strip("-.")[:60]
    return letters.encode()[:180].decode(errors="ignore") or otherwise


def partial_name(path: Path) -> str:
    """What the names begin with of what is being written for ``path``: 255 bytes are the most of a name."""
    start = os.fsencode(path.name)[:100].decode("utf-8", "ignore")
    return f".{start}{_PARTIAL}"


def _sweep(parent: Path, prefix: str) -> None:
    """Remove the partial folders whose writer is no longer alive."""
    for left in [entry for entry in parent.iterdir() if entry.name.startswith(prefix)]:
        owner = left.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
