"""A picture's file as a person names it: its bytes, once it is known that they are a picture."""

from pathlib import Path

from pellucid.errors import PictureError, SourceError, shown
from pellucid.pictures.decode import decode


def read_picture(picture: str | Path, at_least: tuple[int, int] | None = None) -> bytes:
    """The bytes of a picture file that can be decoded.

    Args:
        picture: Its path.
        at_least: (height, width) down to which a JPEG may be decoded, which is faster (``decode``).

    Raises:
        SourceError: There is no such file, or it is no picture.
    """
    try:
        data = Path(picture).read_bytes()
        decode(data, at_least)
    except (OSError, ValueError, PictureError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            f"The picture {shown(picture)} cannot be read ({reason}).",
            "A picture file was expected, such as a JPEG or a PNG.",
            "Check the path, or choose another picture.",
        ) from error
    return data
