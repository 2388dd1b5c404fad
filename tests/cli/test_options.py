"""The command line's options are the fields of a request."""

import inspect
from dataclasses import fields

from pellucid.cli import train
from pellucid.request import TrainRequest


def test_train_has_an_option_for_every_field_with_its_help_and_default() -> None:
    """A field that is added to the request without an option fails here."""
    options = inspect.signature(train.run).parameters
    for field in fields(TrainRequest):
        option = options[field.name].default
        if field.name == "source":
            continue
        assert option.help == field.metadata["help"]
        if field.name != "split":
            assert option.default == field.default
