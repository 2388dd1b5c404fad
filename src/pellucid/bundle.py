"""A page's modules as one, for hosts that take a single module: a notebook's widget, and a file.

The modules are the very ones that the server sends. They import each other by name only, which is all that
is understood here; a bundler would be a build step, and a second language to install.
"""

import base64
import hashlib
import re
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


def digest_source(text: str) -> str:
    """The words by which a Content-Security-Policy lets just this script or style into a page."""
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
