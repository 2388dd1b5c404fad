"""A page's modules as one, for hosts that take a single module: a notebook's widget, and a file.

The modules are the very ones that the server sends. They import each other by name only, which is all that
is understood here; a bundler would be a build step, and a second language to install.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (async function|function|class|const|let) (\w+)", re.MULTILINE)


def bundled(package: str, entry: str) -> str:
    """The module ``entry`` of a package's page with all that it imports, as one text.

    Its exports are in ``$entry``.

    Each module becomes a function of its own that is called once, in the order in which they need each other.

    Raises:
        ValueError: A module imports or exports in a way that is not understood, or two need each other.
    """
    written: dict[str, str] = {}
    _write(package, entry, written, ())
    return "\n".join(written.values())


def page_text(package: str, name: str) -> str:
    """A file of a package's page."""
    return files(package).joinpath("page", name).read_text("utf-8")


def lone_page(title: str, css: str, code: str, body: str, data: Mapping[str, object], *, images: str) -> str:
    """An HTML file that needs no other: one style, one script, and data; nothing else may run or be fetched.

    Args:
        title: Its name, as text.
        css: Its style.
        code: Its script, a module.
        body: What stands in its body, as HTML.
        data: What its script reads, as JSON: each in an element of that id, before the body's own.
        images: Where pictures may come from, as a Content-Security-Policy says it: ``'none'``, ``blob:``.
    """
    policy = (
        f"default-src 'none'; script-src {_digest(code)}; style-src {_digest(css)}; img-src {images}; "
        "base-uri 'none'; form-action 'none'"
    )
    held = "".join(
        f'<script type="application/json" id="{name}">{_json(value)}</script>\n'
        for name, value in data.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{css}</style>
</head>
<body>
{held}{body}
<script type="module">{code}</script>
</body>
</html>
"""


def _json(value: object) -> str:
    """A '<' in the data could end the element that holds it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _write(package: str, name: str, written: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module, and before it those that it needs."""
    if name in written:
        return
    if name in above:
        raise ValueError(f"the page's modules need each other: {' -> '.join([*above, name])}")
    source = page_text(package, f"{name}.js")
    for needed in _IMPORT.finditer(source):
        _write(package, needed[2], written, (*above, name))
    exported = [found[2] for found in _EXPORT.finditer(source)]
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(_imported, source))
    strange = re.search(r"^(?:import|export)\b.*", body, re.MULTILINE)
    if strange:
        raise ValueError(f"{name}.js: {strange[0]!r} is not understood here")
    written[name] = f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"


def _imported(found: re.Match[str]) -> str:
    names = ", ".join(part.strip().replace(" as ", ": ") for part in found[1].split(",") if part.strip())
    return f"const {{ {names} }} = ${found[2]};\n"
