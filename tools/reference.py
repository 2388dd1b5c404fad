"""Write docs/reference/commands.md and python.md from the code: the command line's own help, and docstrings.

`python tools/reference.py` writes them; with `--check` it writes nothing and fails where a page is
out of date.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import pellucid
from pellucid.cli import app

PAGES = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Written by tools/reference.py (`make reference`): change the code, not this page. -->\n"

COMMANDS = """
Every command takes `--help`, and `--json`: the last line on standard output is then one JSON object (for
`predict`, one for each picture), whose keys stand in [JSON](json.md). Progress and talk go to standard error.

| exit status | means |
|---|---|
| 0 | done |
| 2 | the request cannot be met: bad usage, no such file, an unusable source; one paragraph says what to do |
| 3 | done, but some inputs were skipped, and each is named |
| 1 | a bug in Pellucid |
| 130 | it was interrupted (Ctrl-C); what can be gone on with is named |
| 141 | whoever read its standard output is gone, as `head` goes |
"""

PYTHON = """
All that is public stands here; every other name may change without notice.
"""

SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$", re.MULTILINE)


def commands_page() -> str:
    group: Any = typer.main.get_command(app)
    commands = [part for name, command in group.commands.items() for part in command_part(name, command)]
    return "\n".join([NOTE, "# Commands", COMMANDS, *commands])


def command_part(name: str, command: Any) -> Iterator[str]:
    """The heading, the usage, the help text and the table of options of one command."""
    shown = [parameter for parameter in command.params if not parameter.hidden]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option"]
    yield f"## pellucid {name}\n"
    usage = " ".join(["pellucid", name, *(argument_usage(argument) for argument in arguments), "[OPTIONS]"])
    yield f"```text\n{usage}\n```\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    if shown:
        yield "| | | default |\n|---|---|---|"
        for parameter in [*arguments, *options]:
            yield f"| `{names(parameter)}` | {cell(parameter.help)} | {default_of(parameter)} |"
        yield ""


def argument_usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return argument_usage(parameter)
    flags = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} {parameter.metavar or parameter.name.upper()}"


def default_of(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    if isinstance(parameter.show_default, str):
        return cell(parameter.show_default)
    if parameter.default is None or parameter.default is False or parameter.default == []:
        return ""
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"


def cell(text: str | None) -> str:
    """Text that stays within one cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def python_page() -> str:
    parts = [part for name in sorted(pellucid.__all__, key=order) for part in python_part(name)]
    return "\n".join([NOTE, "# Python", PYTHON, *parts])


def order(name: str) -> tuple[int, str]:
    """Functions first, then classes, then constants."""
    value = getattr(pellucid, name)
    return (1 if inspect.isclass(value) else 0 if callable(value) else 2, name)


def python_part(name: str) -> Iterator[str]:
    value = getattr(pellucid, name)
    if inspect.isclass(value):
        yield f"## pellucid.{name}\n"
        yield docstring(value)
        for member_name, member in members(value):
            yield from callable_part(f"{name}.{member_name}", member, "###")
    elif callable(value):
        yield from callable_part(f"pellucid.{name}", value, "##")
    else:
        yield f"## pellucid.{name}\n\nThe version of the package, as text.\n"


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that the class itself defines, in the order of its code."""
    for name, member in vars(cls).items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            yield name, plain


def callable_part(name: str, value: Any, heading: str) -> Iterator[str]:
    yield f"{heading} {name}\n"
    if not isinstance(value, property):
        yield f"```text\n{name.removeprefix('pellucid.')}{signature(value)}\n```\n"
    yield docstring(value)


def signature(value: Any) -> str:
    """The parameters and the result as the code writes them, one parameter a line where they are many."""
    node = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    if not isinstance(node, ast.FunctionDef):
        raise TypeError(f"{value!r} is no function")
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    parameters = [text for text in parameters_of(node.args) if text not in ("self", "cls")]
    line = f"({', '.join(parameters)}){result}"
    if len(line) < 80:
        return line
    return "(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){result}"


def parameters_of(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    for argument, default in zip(positional, defaults, strict=True):
        yield parameter_text(argument, default)
    if arguments.vararg:
        yield f"*{ast.unparse(arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield parameter_text(argument, default)
    if arguments.kwarg:
        yield f"**{ast.unparse(arguments.kwarg)}"


def parameter_text(argument: ast.arg, default: ast.expr | None) -> str:
    equals = " = " if argument.annotation else "="
    return ast.unparse(argument) + (equals + ast.unparse(default) if default else "")


def docstring(value: Any) -> str:
    """The docstring as Markdown: its sections become lists, its double backticks single ones."""
    pieces = SECTION.split(inspect.getdoc(value) or "")
    text = [pieces[0].strip()]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        text += [
            f"**{title}**",
            entries(body) if title in ("Args", "Attributes", "Raises") else inspect.cleandoc(body),
        ]
    return "\n\n".join(text).replace("``", "`") + "\n"


def entries(body: str) -> str:
    """A section's `name: text` lines, each with its continuation lines, as a list."""
    items: list[str] = []
    for line in inspect.cleandoc(body).splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif line.strip():
            name, _, text = line.partition(":")
            items.append(f"- `{name}`: {text.strip()}" if text else f"- {line}")
    return "\n".join(items)


def main() -> int:
    stale = []
    for name, text in (("commands.md", commands_page()), ("python.md", python_page())):
        path = PAGES / name
        text = text.rstrip("\n") + "\n"
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {path.name}\n")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"docs/reference/: {', '.join(stale)} out of date; run `make reference`.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
