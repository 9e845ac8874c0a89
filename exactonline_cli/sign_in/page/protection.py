"""Protection of a local page: one browser of this machine is admitted, and no other site.

Only a browser that has the secret from the terminal is admitted. From then on it is known by a
cookie that requests of other sites do not carry, and each form holds a token that no other page can
read: pages on other ports of this machine count as the same site.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from exactonline_cli.sign_in.page.render import (
    LANGUAGES,
    SIGN_IN,
    accepted_language,
    content_hash,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exactonline_cli.sign_in.page.render import Room
    from exactonline_cli.sign_in.page.session import Session

    Endpoint = Callable[[Request], Awaitable[Response]]
    Form = Mapping[str, list[str]]

HOSTS = ("127.0.0.1", "localhost")
LARGEST_FORM = 1_000_000
PREFETCH = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Headers in which browsers mark a request as a prefetch."""


def middleware(room: Room = SIGN_IN) -> list[Middleware]:
    """What every request for a page of a room passes through."""
    return [
        Middleware(_SecurityHeaders, room=room),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        Middleware(_NoPrefetch),
    ]


def common_routes(session: Session) -> list[Route]:
    """Routes of every local page: the way in, and the choice of the language."""
    return [
        Route("/", _enter(session)),
        Route("/language", _choose_language(session), methods=["POST"]),
    ]


def first_value(form: Form, name: str) -> str:
    """Return the first value of a field; empty if the form has no such field."""
    return form.get(name, [""])[0]


def redirect(path: str) -> Response:
    """Redirect the browser to a path of the page."""
    return RedirectResponse(path, status_code=303)


class _SecurityHeaders:
    """Adds security headers to every answer, and keeps it out of caches."""

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src {content_hash('style.css', room)}; "
                f"script-src {content_hash('page.js', room)}; connect-src 'self'; "
                "img-src data:; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _NoPrefetch:
    """Refuses prefetches and HEAD: either would use up the secret of the page, or a code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        answer: ASGIApp = self._app
        if scope["method"] not in ("GET", "POST"):
            answer = Response(status_code=405, headers={"Allow": "GET, POST"})
        elif any("prefetch" in headers.get(name, "").lower() for name in PREFETCH):
            answer = Response(status_code=503)
        await answer(scope, receive, send)


def same(given: str | None, secret: str) -> bool:
    """Compare a given value with a secret, in constant time."""
    return bool(secret) and hmac.compare_digest((given or "").encode(), secret.encode())


def is_known(session: Session, request: Request) -> bool:
    """Whether a request is of the admitted browser; if so, the session is in use."""
    known = same(request.cookies.get(session.cookie_name), session.cookie)
    if known:
        session.last_seen = session.clock()
    return known


def not_admitted(session: Session, request: Request) -> Response:
    """Refuse a browser that was not admitted."""
    language = language_of(request)
    page = render(
        "not_admitted.html", language=language, room=session.room, command=session.command
    )
    return HTMLResponse(page, 403)


def language_of(request: Request) -> str:
    """The language that a browser asks for."""
    return accepted_language(request.headers.get("Accept-Language", ""))


async def admitted_form(session: Session, request: Request) -> Form | None:
    """Read a form of the admitted browser; None if it is of another one or lacks the token."""
    if not is_known(session, request):
        return None
    form = await _form(request)
    return form if same(first_value(form, "csrf"), session.csrf) else None


async def _form(request: Request) -> Form:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    try:
        return parse_qs(body.decode(), keep_blank_values=True)
    except ValueError:
        return {}


def _enter(session: Session) -> Endpoint:
    """Admit the first browser that has the secret."""

    async def handle(request: Request) -> Response:
        if is_known(session, request):
            return redirect(session.home())
        if not same(request.query_params.get("key"), session.entry):
            return not_admitted(session, request)
        session.entry = ""
        session.last_seen = session.clock()
        session.language = session.language or language_of(request)
        page = render(
            "opened.html", language=session.language, room=session.room, onward=session.home()
        )
        answer = HTMLResponse(page)
        answer.set_cookie(session.cookie_name, session.cookie, httponly=True, samesite="strict")
        return answer

    return handle


def _choose_language(session: Session) -> Endpoint:
    async def handle(request: Request) -> Response:
        form = await admitted_form(session, request)
        if form is None:
            return not_admitted(session, request)
        language = first_value(form, "language")
        if language in LANGUAGES:
            session.language = language
        return redirect(session.home())

    return handle
