"""What every page of the sign-in has in common: frame, steps, errors, fields of a form."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from exactonline_cli.sign_in.page.html import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_cli.sign_in.flow import Problem
    from exactonline_cli.sign_in.page.html import Child

STEPS = (
    ("/region", "Region"),
    ("/app", "App"),
    ("/sign-in", "Sign in"),
    ("/divisions", "Divisions"),
)


@cache
def style() -> str:
    """The one stylesheet, which every page carries in itself."""
    return files("exactonline_cli.sign_in.page").joinpath("style.css").read_text(encoding="utf-8")


@cache
def style_hash() -> str:
    """By which the browser is told that this stylesheet is ours."""
    return base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()


def frame(
    title: str,
    *content: Child,
    step: int | None = None,
    wrong: bool = False,
    onward: str | None = None,
) -> str:
    """A whole page. `step` counts from 0; to `onward` the browser goes by itself."""
    name = f"{'Error: ' if wrong else ''}{title} - Connect Exact Online"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="refresh", content=f"0;url={onward}") if onward else None,
        element("title", name),
        element("style", Markup(style())),
    )
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", _steps(step)) if step is not None else None,
        element("main", element("h1", title), *content, id="content"),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}"


def _steps(current: int) -> Markup:
    """The four steps; those behind can be gone back to."""
    items = []
    for number, (path, name) in enumerate(STEPS):
        label = f"{number + 1}. {name}"
        if number < current:
            items.append(element("li", element("a", label, href=path)))
        else:
            here = "step" if number == current else None
            items.append(element("li", label, aria_current=here))
    return element("nav", element("ol", *items, class_="steps"), aria_label="Steps")


def summary(problems: Sequence[Problem]) -> Markup | None:
    """All that is wrong, at the top, with the way to each field."""
    if not problems:
        return None
    items = [
        element("li", element("a", str(problem), href=f"#{problem.field}")) for problem in problems
    ]
    return element(
        "div",
        element("h2", "There is a problem", id="problems"),
        element("ul", *items),
        class_="problems",
        role="alert",
        aria_labelledby="problems",
        tabindex="-1",
        autofocus=True,
    )


def form(action: str, csrf: str, *content: Child) -> Markup:
    """A form that only our own pages can send."""
    return element(
        "form",
        element("input", type="hidden", name="csrf", value=csrf),
        *content,
        method="post",
        action=action,
        novalidate=True,
    )


def described(name: str, hint: Child, problems: Sequence[Problem]) -> tuple[Markup, str | None]:
    """Hint and error of a field, and the ids by which the field refers to them."""
    errors = [str(problem) for problem in problems if problem.field == name]
    told = join(
        element("p", hint, class_="hint", id=f"{name}-hint") if hint else None,
        element("p", "Error: ", *errors, class_="wrong", id=f"{name}-error") if errors else None,
    )
    ids = [f"{name}-hint"] * bool(hint) + [f"{name}-error"] * bool(errors)
    return told, " ".join(ids) or None


def text_field(  # noqa: PLR0913 - a field of a form has as many parts
    name: str,
    label: str,
    hint: Child,
    problems: Sequence[Problem],
    *,
    value: str = "",
    kind: str = "text",
) -> Markup:
    """A labelled input, with what there is to know and what is wrong."""
    told, ids = described(name, hint, problems)
    field = element(
        "input",
        type=kind,
        id=name,
        name=name,
        value=value or None,
        autocomplete="off",
        spellcheck="false",
        autocapitalize="none",
        aria_describedby=ids,
        aria_invalid="true" if any(problem.field == name for problem in problems) else None,
    )
    return element(
        "div", element("label", label, for_=name, class_="name"), told, field, class_="field"
    )


def choice(  # noqa: PLR0913 - a choice has as many parts
    kind: str, name: str, value: str, label: str, note: str = "", *, id_: str, checked: bool = False
) -> Markup:
    """A radio button or checkbox with its label."""
    field = element("input", type=kind, name=name, value=value, id=id_, checked=checked)
    text = element(
        "label", label, " " if note else None, element("small", note) if note else None, for_=id_
    )
    return element("div", field, text, class_="choice")


def group(
    name: str, legend: str, hint: Child, problems: Sequence[Problem], *content: Child
) -> Markup:
    """Fields that answer one question; its first field has the group's name as its id."""
    told, ids = described(name, hint, problems)
    return element(
        "fieldset",
        element("legend", legend),
        told,
        *content,
        class_="field",
        aria_describedby=ids,
    )
