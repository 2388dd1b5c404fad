"""A picture's file: its bytes, or why they cannot be had."""

import errno
import stat
from pathlib import Path

from pellucid.errors import PictureError, SourceError, shown
from pellucid.pictures.decode import decode

_LARGEST = 2**30


def read_file(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        OSError: where it cannot be read.
        PictureError: where it is no file (a pipe would never end) or larger than any picture.
    """
    try:
        status = path.stat()
    except ValueError as error:  # a zero byte in the name
        raise PictureError("no file can have this name") from error
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("it is not a file")
    if status.st_size > _LARGEST:
        raise PictureError(f"it is too large for a picture ({status.st_size:,} bytes)")
    return path.read_bytes()


def why_unread(error: OSError | PictureError) -> str:
    """Why a picture cannot be read, in a few words."""
    if isinstance(error, PictureError):
        return str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to read it"
    if error.errno == errno.ENOENT:
        return "there is no such file"
    return f"it cannot be read ({error.strerror or error})"


def read_picture(picture: str | Path, at_least: tuple[int, int] | None = None) -> bytes:
    """The bytes of a picture file that can be decoded.

    Args:
        picture: Its path.
        at_least: (height, width) down to which a JPEG may be decoded, which is faster (``decode``).

    Raises:
        SourceError: There is no such file, or it is no picture.
    """
    try:
        data = read_file(Path(picture))
        decode(data, at_least)
    except (OSError, PictureError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            f"The picture {shown(picture)} cannot be read ({reason}).",
            "A picture file was expected, such as a JPEG or a PNG.",
            "Check the path, or choose another picture.",
        ) from error
    return data
