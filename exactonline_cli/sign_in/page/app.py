"""The page as a web application for one person on this machine.

Only who has the secret from the terminal gets in; from then on a cookie that no other site's
requests carry tells the browser, and each form holds a token that no other page can know (pages
on other ports of this machine count as the same site).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from exactonline_cli.sign_in import meltano_project
from exactonline_cli.sign_in.flow import Problem
from exactonline_cli.sign_in.page import steps
from exactonline_cli.sign_in.page.layout import STEPS, style_hash
from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exactonline_cli.sign_in.flow import SignIn
    from exactonline_cli.sign_in.meltano_project import Setting

    Form = Mapping[str, list[str]]
    Handler = Callable[["Visit", Form], Response]

HOSTS = ("127.0.0.1", "localhost")
IDLE, AFTERWARDS = 900.0, 120.0
"""Seconds without a request after which the page closes: on the way, and once all is done."""
LARGEST_FORM = 1_000_000
AHEAD = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Headers in which browsers say that they fetch a page before it is asked for."""
FIELDS_OF = {
    "region": "/region",
    "client_id": "/app",
    "client_secret": "/app",
    "redirect_uri": "/app",
    "name": "/app",
    "address": "/sign-in",
    "divisions": "/divisions",
}
"""The step that a field is asked in."""


@dataclass
class Visit:
    """The one visit of the one person."""

    sign_in: SignIn
    origin: str
    store_url: str | None
    project: Path | None
    clock: Callable[[], float]
    entry: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """The secret in the address that the terminal shows; it opens the page once."""
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    problems: list[Problem] = field(default_factory=list)
    written: list[Setting] = field(default_factory=list)
    finished: bool = False
    last_seen: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """A visit begins when the page is offered."""
        self.last_seen = self.clock()

    @property
    def address(self) -> str:
        """What the person opens."""
        return f"{self.origin}/?key={self.entry}"

    @property
    def cookie_name(self) -> str:
        """Cookies are shared by all ports of a machine."""
        return f"exactonline-connect-{self.origin.rpartition(':')[2]}"

    @property
    def connected(self) -> bool:
        """Whether all four steps are done."""
        return self.sign_in.chosen is not None

    def over(self) -> bool:
        """Whether the page has done its work, or nobody uses it."""
        idle = self.clock() - self.last_seen
        return self.finished or idle >= (AFTERWARDS if self.connected else IDLE)

    def view(self) -> steps.View:
        """What the next page shows; problems are shown once."""
        shown, self.problems = self.problems, []
        return steps.View(self.sign_in, shown, self.csrf, self.origin)

    def next_step(self) -> str:
        """The first step that is still to be done."""
        sign_in = self.sign_in
        done = (bool(sign_in.region), sign_in.connection is not None, sign_in.signed_in)
        for (path, _), is_done in zip(STEPS, done, strict=False):
            if not is_done:
                return path
        return "/done" if self.connected else "/divisions"

    def is_ahead(self, path: str) -> bool:
        """Whether a step comes after the next one to be done."""
        order = [*(step for step, _ in STEPS), "/done"]
        return order.index(path) > order.index(self.next_step())


def make_app(visit: Visit) -> Starlette:
    """The whole page."""
    routes = [
        Route("/", _enter(visit)),
        Route("/callback", _callback(visit)),
        *(Route(path, _show(visit, path, show)) for path, show in PAGES.items()),
        *(Route(path, _take(visit, take), methods=["POST"]) for path, take in FORMS.items()),
    ]
    middleware = [
        Middleware(_SafeHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        Middleware(_NothingAhead),
    ]
    return Starlette(routes=routes, middleware=middleware)


class _SafeHeaders:
    """Puts on every answer what keeps it on this page and out of caches."""

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
        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, safely)


class _NothingAhead:
    """Refuses what no person asked for: a look at the headers alone, and what is fetched ahead.

    Either would spend the secret of the page, or the code of a sign-in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        answer: ASGIApp = self._app
        if scope["method"] not in ("GET", "POST"):
            answer = Response(status_code=405, headers={"Allow": "GET, POST"})
        elif any("prefetch" in headers.get(name, "").lower() for name in AHEAD):
            answer = Response(status_code=503)
        await answer(scope, receive, send)


def _same(given: str | None, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest((given or "").encode(), secret.encode())


def _is_known(visit: Visit, request: Request) -> bool:
    known = _same(request.cookies.get(visit.cookie_name), visit.cookie)
    if known:
        visit.last_seen = visit.clock()
    return known


def _go(path: str) -> Response:
    return RedirectResponse(path, status_code=303)


def _stranger() -> Response:
    page = steps.message(
        "This page is not open here",
        "Open the address that the terminal shows; it works once, in one browser. "
        "To start anew, end the program with Ctrl-C and run exactonline connect again.",
    )
    return HTMLResponse(page, 403)


def _trouble(error: ExactOnlineError) -> Response:
    """What no field of the page can put right, such as a store that cannot be opened."""
    page = steps.message("This does not work now", str(error), link=("To the page", "/"))
    return HTMLResponse(page, 503)


def _enter(visit: Visit) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        if _is_known(visit, request):
            return _go(visit.next_step())
        if not _same(request.query_params.get("key"), visit.entry):
            return _stranger()
        visit.entry = ""
        visit.last_seen = visit.clock()
        answer = HTMLResponse(steps.opened(visit.next_step()))
        answer.set_cookie(visit.cookie_name, visit.cookie, httponly=True, samesite="strict")
        return answer

    return handle


def _show(
    visit: Visit, path: str, show: Callable[[Visit], str]
) -> Callable[[Request], Awaitable[Response]]:
    def answer() -> Response:
        with visit.lock:
            if visit.is_ahead(path) or (visit.connected and path != "/done"):
                return _go(visit.next_step())
            try:
                return HTMLResponse(show(visit))
            except ExactOnlineError as error:
                return _trouble(error)

    async def handle(request: Request) -> Response:
        if not _is_known(visit, request):
            return _stranger()
        return await run_in_threadpool(answer)

    return handle


def _take(visit: Visit, take: Handler) -> Callable[[Request], Awaitable[Response]]:
    def answer(form: Form) -> Response:
        with visit.lock:
            if visit.connected and take not in (_write_meltano, _finish):
                return _go("/done")
            try:
                return take(visit, form)
            except Problem as problem:
                return _back(visit, problem)
            except ExactOnlineError as error:
                return _trouble(error)

    async def handle(request: Request) -> Response:
        if not _is_known(visit, request):
            return _stranger()
        form = await _form(request)
        if not _same(_one(form, "csrf"), visit.csrf):
            return _stranger()
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


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def _back(visit: Visit, problem: Problem) -> Response:
    """To the step where the problem can be solved; what was entered is kept."""
    visit.problems = [problem]
    return _go(FIELDS_OF[problem.field])


def _callback(visit: Visit) -> Callable[[Request], Awaitable[Response]]:
    """Where the app's own address may forward to.

    The browser comes here from another site and brings no cookie: the state, which only Exact's
    answer to this sign-in holds, says that it belongs here.
    """

    def answer(fields: Mapping[str, str]) -> Response:
        with visit.lock:
            if not visit.sign_in.matches(fields.get("state", "")):
                return HTMLResponse(
                    steps.message(
                        "No sign-in waits for this",
                        "This address belongs to no sign-in under way, or was used already.",
                        link=("To the page", "/"),
                    ),
                    403,
                )
            visit.last_seen = visit.clock()
            try:
                visit.sign_in.take_answer(fields)
            except Problem as problem:
                visit.problems = [problem]
                page = steps.message(
                    "Not signed in", str(problem), link=("Go on", FIELDS_OF[problem.field])
                )
                return HTMLResponse(page)
            page = steps.message(
                "Signed in",
                "Exact Online has sent you back here. Only the divisions are left to choose.",
                link=("Choose divisions", "/divisions"),
            )
            return HTMLResponse(page)

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, dict(request.query_params))

    return handle


def _show_divisions(visit: Visit) -> str:
    try:
        rows = visit.sign_in.divisions()
    except ExactOnlineError as error:
        return steps.unreadable(visit.view(), str(error))
    return steps.divisions(visit.view(), rows)


def _show_done(visit: Visit) -> str:
    return steps.done(visit.view(), _settings(visit), visit.project, visit.written)


def _settings(visit: Visit) -> list[Setting]:
    sign_in = visit.sign_in
    return meltano_project.settings(
        sign_in.opened.name,
        sign_in.chosen or (),
        everything=sign_in.all_divisions,
        store_url=visit.store_url,
    )


def _take_region(visit: Visit, form: Form) -> Response:
    visit.sign_in.choose_region(_one(form, "region"))
    return _go("/app")


def _take_app(visit: Visit, form: Form) -> Response:
    if visit.next_step() == "/region":
        return _go("/region")
    visit.sign_in.choose_app({name: values[0] for name, values in form.items()})
    return _go("/sign-in")


def _take_address(visit: Visit, form: Form) -> Response:
    if visit.next_step() == "/sign-in":
        visit.sign_in.take_address(_one(form, "address"))
    return _go(visit.next_step())


def _take_divisions(visit: Visit, form: Form) -> Response:
    if visit.next_step() == "/divisions":
        codes = [int(text) for text in form.get("division", []) if text.isdecimal()]
        try:
            visit.sign_in.choose_divisions(codes, everything=_one(form, "which") == "all")
        except ExactOnlineError:
            return _go("/divisions")  # which says why they cannot be read
    return _go(visit.next_step())


def _write_meltano(visit: Visit, _form: Form) -> Response:
    if visit.connected and visit.project:
        try:
            visit.written = meltano_project.write(visit.project, _settings(visit))
        except ExactOnlineError as error:
            visit.problems = [Problem("content", str(error))]
    return _go(visit.next_step())


def _finish(visit: Visit, _form: Form) -> Response:
    if not visit.connected:
        return _go(visit.next_step())
    visit.finished = True
    return HTMLResponse(steps.message("Done", "You can close this tab."))


PAGES: dict[str, Callable[[Visit], str]] = {
    "/region": lambda visit: steps.region(visit.view()),
    "/app": lambda visit: steps.app(visit.view()),
    "/sign-in": lambda visit: steps.sign_in(visit.view()),
    "/divisions": _show_divisions,
    "/done": _show_done,
}
FORMS: dict[str, Handler] = {
    "/region": _take_region,
    "/app": _take_app,
    "/sign-in": _take_address,
    "/divisions": _take_divisions,
    "/meltano": _write_meltano,
    "/finish": _finish,
}
