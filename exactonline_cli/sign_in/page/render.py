"""Render the pages from templates, which escape every value."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from exactonline_cli.sign_in.flow import Problem

STEPS = (
    ("/region", "Region"),
    ("/app", "App"),
    ("/sign-in", "Sign in"),
    ("/divisions", "Divisions"),
)
_environment = Environment(
    loader=PackageLoader("exactonline_cli.sign_in.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals["steps"] = STEPS


def render(template: str, *, problem: Problem | None = None, **values: object) -> str:
    """Render a page, with the problem that the user has to correct."""
    return _environment.get_template(template).render(problem=problem, **values)


def message(title: str, text: str, link: tuple[str, str] | None = None) -> str:
    """Render a page with one message, and a link on (text and address)."""
    return render("message.html", title=title, text=text, link=link)


@cache
def style_hash() -> str:
    """The hash by which the security policy allows the stylesheet that every page includes."""
    style = _environment.get_template("style.css").render()
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
