"""The templates of all pages: what is printed through them is plain and escaped."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from pellucid.report.page import template


def test_a_template_is_found_by_its_name() -> None:
    """One that is there renders with strict names; one that is not is an error."""
    with pytest.raises(UndefinedError):
        template("comparison.html.j2").render()
    with pytest.raises(TemplateNotFound):
        template("no-such.html.j2")


def test_names_are_escaped_and_made_plain() -> None:
    """Tags become text, and what is not printable its escape."""
    made = template("parts.html.j2").module
    assert "&lt;b&gt;" in str(made.name("<b>"))  # type: ignore[attr-defined]
