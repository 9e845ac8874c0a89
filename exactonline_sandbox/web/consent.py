"""The OAuth consent page, and the redirect after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from exactonline_sandbox.web.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_sandbox.config import App, User
    from exactonline_sandbox.world import World

_FIELDS = ("client_id", "redirect_uri", "response_type", "state", "force_login")


class ConsentError(Exception):
    """An invalid authorization request, without a safe address to redirect to."""


def consent_page(world: World, request: Mapping[str, str]) -> str:
    """The consent page as HTML.

    Raises:
        ConsentError: App, redirect address or response type is invalid.
    """
    app = _checked_app(world, request)
    fields = {name: request[name] for name in _FIELDS if name in request}
    return render("consent.html", app=app, fields=fields, users=world.config.users)


def decide(world: World, form: Mapping[str, str]) -> str:
    """The address to redirect to after the decision.

    Raises:
        ConsentError: As for the page, or without a decision.
    """
    app = _checked_app(world, form)
    state = {"state": form["state"]} if form.get("state") else {}
    if form.get("decision") == "deny":
        return _redirect(form, "?", {"error": "access_denied", **state})
    if form.get("decision") != "allow":
        raise ConsentError("Choose to allow or to deny.")
    user = _limited(world, _user(world, form.get("user")), form.get("divisions", ""))
    if form.get("response_type") == "token":
        return _redirect(form, "#", {**world.tokens.implicit(app, user), **state})
    code = world.tokens.authorise(app, user, form["redirect_uri"])
    return _redirect(form, "?", {"code": code, **state})


def _limited(world: World, user: User, text: str) -> User:
    """The user, limited to the companies that were chosen; to none less without a choice."""
    codes = [code.strip() for code in text.split(",") if code.strip()]
    chosen = tuple(code for code in world.divisions_of(user) if str(code) in codes)
    if len(chosen) != len(set(codes)):
        raise ConsentError("Name companies that the user may open, by their codes.")
    return replace(user, divisions=chosen) if chosen else user


def _redirect(form: Mapping[str, str], mark: str, values: dict[str, str]) -> str:
    address = form["redirect_uri"]
    joint = "&" if mark == "?" and "?" in address else mark
    return f"{address}{joint}{urlencode(values)}"


def _checked_app(world: World, request: Mapping[str, str]) -> App:
    app = world.tokens.app(request.get("client_id", ""))
    if app is None:
        raise ConsentError("The client_id is not known here.")
    if request.get("redirect_uri") not in app.redirect_uris:
        raise ConsentError(
            "The redirect_uri is not registered for this app. Registered: "
            + ", ".join(app.redirect_uris)
        )
    if request.get("response_type") not in ("code", "token"):
        raise ConsentError("The response_type must be code or token.")
    return app


def _user(world: World, user_id: str | None) -> User:
    users = {user.user_id: user for user in world.config.users}
    if user_id is None:
        return world.config.users[0]
    if user_id not in users:
        raise ConsentError("The user is not known here.")
    return users[user_id]
