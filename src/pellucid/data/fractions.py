"""The shares of train, val and test, as a person writes them."""

from dataclasses import dataclass

from pellucid.errors import RequestError, shown


@dataclass(frozen=True)
class Fractions:
    """The shares of train, val and test; they sum to 1 and train is above 0.

    Raises:
        RequestError: for other numbers.
    """

    train: float = 0.70
    val: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        parts = (self.train, self.val, self.test)
        if not (self.train > 0 and self.val >= 0 and self.test >= 0 and abs(sum(parts) - 1) < 1e-6):
            raise _bad_fractions(",".join(f"{100 * part:g}" for part in parts))

    @classmethod
    def parse(cls, text: str) -> "Fractions":
        """From "70,15,15" (percent, summing to 100) or "0.7,0.15,0.15" (summing to 1).

        Raises:
            RequestError: for anything else.
        """
        try:
            train, val, test = (float(part) for part in text.split(","))
        except ValueError as error:
            raise _bad_fractions(text) from error
        total = train + val + test
        if not (abs(total - 100) < 1e-6 or abs(total - 1) < 1e-6):
            raise _bad_fractions(text)
        try:
            return cls(train / total, val / total, test / total)
        except RequestError as error:
            raise _bad_fractions(text) from error


def _bad_fractions(text: str) -> RequestError:
    return RequestError(
        f"The split {shown(text)} cannot be used.",
        "Three numbers, for train, val and test, that sum to 100 were expected; train above 0, none below.",
        "Write for example 70,15,15.",
    )
