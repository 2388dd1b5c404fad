"""The templates of all pages: names are made plain, then escaped, and figures read as `wording` has them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from pellucid.errors import printable
from pellucid.report import wording


def template(name: str) -> Template:
    """The template of that file name, in this folder."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every name goes through here on its way to the page, so that no template can forget it.
        finalize=lambda value: (
            printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    made.filters.update(
        {
            one.__name__: one
            for one in (
                wording.percent,
                wording.span,
                wording.points,
                wording.number,
                wording.short,
                wording.counted,
                wording.duration,
                wording.moment,
            )
        }
    )
    return made.get_template(name)
