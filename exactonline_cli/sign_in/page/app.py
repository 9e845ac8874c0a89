"""The page as a web application for one user on this machine.

Only a browser that has the secret from the terminal is admitted. From then on it is known by a
cookie that requests of other sites do not carry, and each form holds a token that no other page can
read: pages on other ports of this machine count as the same site.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from exactonline_cli.sign_in.flow import Problem
from exactonline_cli.sign_in.page.render import message, render, style_hash
from exactonline_cli.sign_in.page.steps import (
    AFTER_CONNECTED,
    FORMS,
    PAGES,
    STEP_OF,
    correct,
    first_value,
    redirect,
)
from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exactonline_cli.sign_in.page.steps import Form
    from exactonline_cli.sign_in.page.visit import Visit

    Endpoint = Callable[[Request], Awaitable[Response]]

HOSTS = ("127.0.0.1", "localhost")
LARGEST_FORM = 1_000_000
PREFETCH = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Headers in which browsers mark a request as a prefetch."""


def make_app(visit: Visit) -> Starlette:
    """Build the application for a visit."""
    routes = [
        Route("/", _enter(visit)),
        Route("/callback", _callback(visit)),
        *(Route(path, _show(visit, path)) for path in PAGES),
        *(Route(path, _take(visit, path), methods=["POST"]) for path in FORMS),
    ]
    middleware = [
        Middleware(_SecurityHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        Middleware(_NoPrefetch),
    ]
    return Starlette(routes=routes, middleware=middleware)


class _SecurityHeaders:
    """Adds security headers to every answer, and keeps it out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{style_hash()}'; form-action 'self'; "
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


def _same(given: str | None, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest((given or "").encode(), secret.encode())


def _is_known(visit: Visit, request: Request) -> bool:
    known = _same(request.cookies.get(visit.cookie_name), visit.cookie)
    if known:
        visit.last_seen = visit.clock()
    return known


def _not_admitted() -> Response:
    page = message(
        "This page is not open here",
        "Open the address that the terminal shows; it works once, in one browser. "
        "To start anew, end the program with Ctrl-C and run exactonline connect again.",
    )
    return HTMLResponse(page, 403)


def _failed(error: ExactOnlineError) -> Response:
    """Show an error that no field of the page can correct, such as a store that does not open."""
    page = message("This does not work now", str(error), link=("To the page", "/"))
    return HTMLResponse(page, 503)


def _enter(visit: Visit) -> Endpoint:
    """Admit the first browser that has the secret."""

    async def handle(request: Request) -> Response:
        if _is_known(visit, request):
            return redirect(visit.next_step())
        if not _same(request.query_params.get("key"), visit.entry):
            return _not_admitted()
        visit.entry = ""
        visit.last_seen = visit.clock()
        answer = HTMLResponse(render("opened.html", onward=visit.next_step()))
        answer.set_cookie(visit.cookie_name, visit.cookie, httponly=True, samesite="strict")
        return answer

    return handle


def _show(visit: Visit, path: str) -> Endpoint:
    def answer() -> Response:
        with visit.lock:
            if visit.is_ahead(path) or (visit.connected and path != "/done"):
                return redirect(visit.next_step())
            try:
                return HTMLResponse(PAGES[path](visit))
            except ExactOnlineError as error:
                return _failed(error)

    async def handle(request: Request) -> Response:
        if not _is_known(visit, request):
            return _not_admitted()
        return await run_in_threadpool(answer)

    return handle


def _take(visit: Visit, path: str) -> Endpoint:
    def answer(form: Form) -> Response:
        with visit.lock:
            if visit.connected and path not in AFTER_CONNECTED:
                return redirect("/done")
            try:
                return FORMS[path](visit, form)
            except Problem as problem:
                return correct(visit, problem)
            except ExactOnlineError as error:
                return _failed(error)

    async def handle(request: Request) -> Response:
        if not _is_known(visit, request):
            return _not_admitted()
        form = await _form(request)
        if not _same(first_value(form, "csrf"), visit.csrf):
            return _not_admitted()
        return await run_in_threadpool(answer, form)

    return handle


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


def _callback(visit: Visit) -> Endpoint:
    """Take the answer of Exact that the app's own redirect address forwards here.

    The browser comes from another site and brings no cookie. The state, which only Exact's answer
    to this sign-in holds, proves that the request belongs here.
    """

    def answer(fields: Mapping[str, str]) -> Response:
        with visit.lock:
            if not visit.sign_in.matches(fields.get("state", "")):
                page = message(
                    "No sign-in waits for this",
                    "This address belongs to no sign-in under way, or was used already.",
                    link=("To the page", "/"),
                )
                return HTMLResponse(page, 403)
            visit.last_seen = visit.clock()
            return HTMLResponse(_forwarded(visit, fields))

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, dict(request.query_params))

    return handle


def _forwarded(visit: Visit, fields: Mapping[str, str]) -> str:
    try:
        visit.sign_in.take_answer(fields)
    except Problem as problem:
        visit.problem = problem
        return message("Not signed in", str(problem), link=("Go on", STEP_OF[problem.field]))
    return message(
        "Signed in",
        "Exact Online has sent you back here. Only the divisions are left to choose.",
        link=("Choose divisions", "/divisions"),
    )
