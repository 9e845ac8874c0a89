"""Render the pages from templates, which escape every value, in the language of the reader."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
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
ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "nl": "Nederlands"}
"""Names of the languages; the texts of templates are English, others are in `texts/`."""


@cache
def texts(language: str) -> dict[str, str]:
    """Translations of a language, by the English text; empty for English."""
    if language == ENGLISH:
        return {}
    file = files("exactonline_cli.sign_in.page") / "texts" / f"{language}.json"
    translations: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return translations


def translate(language: str, text: str) -> str:
    """Translate a text; one without translation, such as an error of Exact, stays as it is."""
    return texts(language).get(text, text)


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
def environment(language: str = ENGLISH) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=PackageLoader("exactonline_cli.sign_in.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )

    def gettext(text: str) -> str:
        return translate(language, text)

    def ngettext(one: str, many: str, count: int) -> str:
        return translate(language, one if count == 1 else many)

    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters["translated"] = gettext
    made.globals.update(steps=STEPS, language=language, languages=LANGUAGES)
    return made


def render(
    template: str, *, language: str = "", problem: Problem | None = None, **values: object
) -> str:
    """Render a page, with the problem that the user has to correct."""
    page = environment(language or ENGLISH).get_template(template)
    return page.render(problem=problem, **values)


def message(title: str, text: str, link: tuple[str, str] | None = None, **values: object) -> str:
    """Render a page with one message, and a link on (text and address)."""
    return render("message.html", title=title, text=text, link=link, **values)  # type: ignore[arg-type]


@cache
def content_hash(file: str) -> str:
    """The source by which a security policy allows a file that pages include."""
    content = environment().get_template(file).render()
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
