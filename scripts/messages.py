"""The messages that programs end with or warn with, from the code that raises or logs them."""

from __future__ import annotations

import ast
import importlib
import re
from typing import TYPE_CHECKING

from exactonline_client import errors
from scripts.pages import ROOT, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("exactonline_client", "tap_exactonline", "target_exactonline", "exactonline_cli")
OF_SETTINGS = {"EntryError": "Setting custom_streams[...]{}: "}
"""Errors of this name are raised again as those of a setting, with this in front."""
LOGGED = {"warning": "warning", "error": "error"}
GAP = "..."
"""In the place of what is only known when it runs."""
LONG_GAP = re.compile(r"\.{4,}(?=\w)|\.{5,}")
FORMATS = re.compile(r"%(?:\.\d)?[sdrf]")


def messages() -> str:
    """A table of all messages, those of one exit code together."""
    found = {each for package in PACKAGES for each in _of_package(ROOT / package)}
    rows = sorted(found, key=lambda each: (each[0].zfill(2), each[1]))
    return table(("code", "message"), ((code, f"`{_cell(text)}`") for code, text in rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


def _of_package(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node, name.removesuffix(".__init__"))


def _of_call(call: ast.Call, module: str) -> Iterator[tuple[str, str]]:
    """The message of a call that makes an error or logs a warning, with the code or the level."""
    kind = _last(call.func)
    if kind in OF_SETTINGS:
        place, text = (_text(argument, module) for argument in call.args[:2])
        if text:
            yield "2", OF_SETTINGS[kind].format(f".{place}" if place else "") + text
        return
    text = _text(call.args[0], module) if call.args else ""
    # What has no word of its own only passes on the words of another.
    if not re.search(r"[a-z]{3} [a-z]", text):
        return
    error = getattr(importlib.import_module(module), kind, None) if kind else None
    if isinstance(error, type) and issubclass(error, errors.ExactOnlineError):
        yield str(error.exit_code), text
    elif kind in LOGGED and isinstance(call.func, ast.Attribute):
        yield LOGGED[kind], FORMATS.sub(GAP, text)


def _text(node: ast.expr, module: str) -> str:
    """A text as far as the code says it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        whole = "".join(_part(part, module) for part in node.values)
        return LONG_GAP.sub(GAP, " ".join(whole.split()))
    return _constant(node, module)


def _part(node: ast.expr, module: str) -> str:
    if isinstance(node, ast.FormattedValue):
        quoted = node.conversion == ord("r")
        return _constant(node.value, module) or (f"'{GAP}'" if quoted else GAP)
    return _text(node, module)


def _constant(node: ast.expr, module: str) -> str:
    """The text that a name in capitals stands for in its module; empty for anything else."""
    if not _last(node).isupper():
        return ""
    value: object = importlib.import_module(module)
    for name in ast.unparse(node).split("."):
        value = getattr(value, name, None)
    return str(value) if isinstance(value, str | int) else ""


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
