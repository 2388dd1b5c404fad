"""The one exception family: every error says what came, what was expected and how to mend it.

The command line prints such an error as one paragraph and exits with status 2; anything else that
escapes is a bug of ours and keeps its traceback.
"""

# Not printable to Python, but harmless, and part of how Japanese, Persian and emoji names are written.
_HARMLESS = frozenset("\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")


class PellucidError(Exception):
    """A request that cannot be met, told in one paragraph.

    Args:
        came: What came, with the wrong value in it: ``"The folder 'x' holds no picture."``
        expected: What was expected in its place, as a sentence.
        advice: What to do about it, as a sentence.
    """

    def __init__(self, came: str, expected: str, advice: str) -> None:
        super().__init__(came, expected, advice)
        self.came = came
        self.expected = expected
        self.advice = advice

    def __str__(self) -> str:
        paragraph = " ".join(part for part in (self.came, self.expected, self.advice) if part)
        # Some parts come from files: a terminal obeys none of them.
        return "\n".join(printable(line) for line in paragraph.split("\n"))


def printable(name: object) -> str:
    """A path or name that can harm neither a terminal nor a page.

    A file or class may be named by anyone: newlines, terminal escapes, bidirectional overrides and bytes
    that are not UTF-8 are written as their escapes. HTML is not this function's concern.
    """
    text = str(name)
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in _HARMLESS else ascii(letter)[1:-1] for letter in text
    )


def shown(name: object) -> str:
    """The same in quotes, for a message."""
    return f"'{printable(name)}'"


class RequestError(PellucidError):
    """An option or argument that is out of range or does not exist."""


class SourceError(PellucidError):
    """A source of pictures that cannot be read or cannot be learnt from."""


class BackboneError(PellucidError):
    """A backbone that is not known, has no weights on this machine, or cannot be cut there."""


class UnknownBackboneError(BackboneError):
    """No backbone has that name."""


class RunError(PellucidError):
    """A run folder that is missing, damaged, or written by a newer version."""


class StorageError(PellucidError):
    """A folder that cannot be written: no permission, read-only, or full."""


class PictureError(Exception):
    """One picture that cannot be read; ``str(error)`` is the reason, in a few words.

    It is never fatal by itself: whoever reads many pictures names this one and goes on.
    """
