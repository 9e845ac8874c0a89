"""Render the pages from templates, which escape every value, in the language of the reader."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_cli.sign_in.flow import Problem

    Filters = Mapping[str, Callable[..., str]]

STEPS = (
    ("/region", "Region"),
    ("/app", "App"),
    ("/sign-in", "Sign in"),
    ("/divisions", "Divisions"),
)
ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "nl": "Nederlands"}
"""Names of the languages; the texts of templates are English, others are in `texts/`."""


@dataclass(frozen=True)
class Room:
    """A package with templates and texts of its own; what it lacks are those of the sign-in."""

    package: str
    lenders: tuple[str, ...] = ()
    """Packages whose templates it uses, by the last part of their name: `page/base.html`."""
    filters: Callable[[str], Filters] = lambda _: {}
    """Filters of its templates, by language."""


SIGN_IN = Room("exactonline_cli.sign_in.page")


@cache
def texts(language: str, room: Room = SIGN_IN) -> dict[str, str]:
    """Translations of a language, by the English text; empty for English."""
    if language == ENGLISH:
        return {}
    translations: dict[str, str] = {}
    for package in dict.fromkeys((SIGN_IN.package, room.package)):
        file = files(package) / "texts" / f"{language}.json"
        translations |= json.loads(file.read_text(encoding="utf-8"))
    return translations


def translate(language: str, text: str, room: Room = SIGN_IN) -> str:
    """Translate a text; one without translation, such as an error of Exact, stays as it is."""
    return texts(language, room).get(text, text)


def accepted_language(header: str) -> str:
    """Choose the language by `Accept-Language`: the first one known, best first; else English."""
    wanted = []
    for position, part in enumerate(header.split(",")):
        name, _, weight = part.partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if quality > 0:
            wanted.append((-quality, position, name.strip().lower().partition("-")[0]))
    return next((name for *_, name in sorted(wanted) if name in LANGUAGES), ENGLISH)


@cache
def environment(language: str = ENGLISH, room: Room = SIGN_IN) -> Environment:
    """The templates of a room in a language."""
    lent = {name.rpartition(".")[2]: PackageLoader(name) for name in room.lenders}
    packages = dict.fromkeys((room.package, SIGN_IN.package))
    made = Environment(
        loader=ChoiceLoader([*map(PackageLoader, packages), PrefixLoader(lent)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )

    def gettext(text: str) -> str:
        return translate(language, text, room)

    def ngettext(one: str, many: str, count: int) -> str:
        return translate(language, one if count == 1 else many, room)

    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update({"translated": gettext, **room.filters(language)})
    made.globals.update(steps=STEPS, language=language, languages=LANGUAGES)
    return made


def render(
    template: str,
    *,
    language: str = "",
    room: Room = SIGN_IN,
    problem: Problem | None = None,
    **values: Any,  # noqa: ANN401 - whatever a template shows
) -> str:
    """Render a page, with the problem that the user has to correct."""
    page = environment(language or ENGLISH, room).get_template(template)
    return page.render(problem=problem, **values)


def message(title: str, text: str, link: tuple[str, str] | None = None, **values: Any) -> str:  # noqa: ANN401
    """Render a page with one message, and a link on (text and address)."""
    return render("message.html", title=title, text=text, link=link, **values)


@cache
def content_hash(file: str, room: Room = SIGN_IN) -> str:
    """The source by which a security policy allows a file that pages include."""
    content = environment(room=room).get_template(file).render()
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
