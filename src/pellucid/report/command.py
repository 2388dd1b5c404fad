"""The command line that repeats a run, quoted so that a shell takes it whatever the names are."""

import os
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np


def command(request: Mapping[str, Any]) -> str:
    """What to type to make this run again; an option that decides its own value is left out.

    Args:
        request: The ``request`` of a run's record.
    """
    options = [("--recipe", request["recipe"])]
    if request.get("network") is None or request.get("steps") is not None:
        options.append(("--backbone", request["backbone"]))
    options += [
        (flag, request[key])
        for flag, key in (
            ("--weights", "weights"),
            ("--network", "network"),
            ("--epochs", "epochs"),
            ("--batch", "batch"),
            ("--learning-rate", "learning_rate"),
            ("--views", "views"),
            ("--steps", "steps"),
        )
        if request.get(key) is not None
    ]
    if request.get("budget") is not None:
        # Plain decimals, as train reads them, and no digit less.
        options.append(("--budget", f"{np.format_float_positional(request['budget'], trim='-')}s"))
    if request.get("split") is not None:
        options.append(("--split", ",".join(f"{100 * part:.10g}" for part in request["split"])))
    options.append(("--seed", request["seed"]))
    options += [
        (flag, request[key])
        for flag, key, usual in (
            ("--fit", "fit", "auto"),
            ("--class-weights", "class_weights", "auto"),
            ("--augment", "augment", "none"),
            ("--mix", "mix", "none"),
            ("--unfreeze", "unfreeze", "last"),
            ("--batch-norm", "batch_norm", "keep"),
            ("--device", "device", "auto"),
            ("--precision", "precision", "fp32"),
        )
        if request.get(key, usual) != usual
    ]
    source = str(request["source"])
    words = ["pellucid", "train"]
    words += [word for flag, value in options for word in (flag, quoted(str(value)))]
    # A name that begins with a dash would be taken for an option.
    return " ".join([*words, *(["--"] if source.startswith("-") else []), quoted(source)])


def quoted(word: str) -> str:
    r"""A word as a shell reads it; newlines and bytes that are not UTF-8 take the ``$'\n'`` form."""
    if word.isprintable():
        return shlex.quote(word)
    letters = (
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in os.fsencode(word)
    )
    return f"$'{''.join(letters)}'"
