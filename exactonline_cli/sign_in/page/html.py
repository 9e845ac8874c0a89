"""HTML written as calls: everything that is not markup already is escaped."""

from __future__ import annotations

from html import escape

VOID = {"input", "link", "meta", "br"}


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


Child = str | None
"""Markup as it is, other text escaped, nothing for None."""


def element(tag: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """One element.

    Underscores in the names of attributes stand for dashes, and one at their end for nothing.
    An attribute that is None or False is left out, one that is True has no value.
    """
    opened = "".join(
        _attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items()
    )
    if tag in VOID:
        return Markup(f"<{tag}{opened}>")
    return Markup(f"<{tag}{opened}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Several pieces one after another."""
    return Markup("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else escape(child)


def _attribute(name: str, value: str | bool | None) -> str:  # noqa: FBT001 - as HTML has them
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
