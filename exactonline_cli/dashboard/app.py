"""The dashboard as a web application for one user on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from exactonline_cli.dashboard.forms import FORMS
from exactonline_cli.dashboard.pages import PAGES, Missing
from exactonline_cli.dashboard.render import ROOM
from exactonline_cli.sign_in.page.protection import (
    admitted_form,
    common_routes,
    is_known,
    middleware,
    not_admitted,
    same,
)
from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from exactonline_cli.dashboard.session import Dashboard
    from exactonline_cli.sign_in.page.protection import Endpoint


def make_app(dashboard: Dashboard) -> Starlette:
    """Build the application for a session."""
    routes = [
        *common_routes(dashboard),
        Route("/replay/ended", _ended(dashboard), methods=["GET"]),
        *(Route(path, _show(dashboard, path), methods=["GET"]) for path in PAGES),
        *(Route(path, _take(dashboard, path), methods=["POST"]) for path in FORMS),
    ]
    return Starlette(
        routes=routes,
        middleware=middleware(ROOM),
        exception_handlers={404: _nowhere(dashboard)},
    )


def _nowhere(dashboard: Dashboard) -> Callable[[Request, Exception], Response]:
    def handle(request: Request, _: Exception) -> Response:
        if not is_known(dashboard, request):
            return not_admitted(dashboard, request)
        return HTMLResponse(dashboard.page("missing.html"), 404)

    return handle


def _show(dashboard: Dashboard, path: str) -> Endpoint:
    async def handle(request: Request) -> Response:
        if not is_known(dashboard, request):
            return not_admitted(dashboard, request)
        fields = dict(request.query_params)

        def answer() -> Response:
            page = HTMLResponse(PAGES[path](dashboard, fields))
            dashboard.here = f"{path}?{request.url.query}" if request.url.query else path
            return page

        return await run_in_threadpool(_guarded, dashboard, answer)

    return handle


def _ended(dashboard: Dashboard) -> Endpoint:
    """Say whether a replay has ended, to the page that waits for it; waiting is no use."""

    async def handle(request: Request) -> Response:
        if not same(request.cookies.get(dashboard.cookie_name), dashboard.cookie):
            return not_admitted(dashboard, request)
        running = str(dashboard.running) == request.query_params.get("number")
        return Response(status_code=204 if running else 200)

    return handle


def _take(dashboard: Dashboard, path: str) -> Endpoint:
    async def handle(request: Request) -> Response:
        form = await admitted_form(dashboard, request)
        if form is None:
            return not_admitted(dashboard, request)
        return await run_in_threadpool(_guarded, dashboard, lambda: FORMS[path](dashboard, form))

    return handle


def _guarded(dashboard: Dashboard, answer: Callable[[], Response]) -> Response:
    """Answer one request at a time, and say on a page why one cannot be answered."""
    with dashboard.lock:
        try:
            return answer()
        except Missing:
            page, status = dashboard.page("missing.html"), 404
        except ExactOnlineError as error:
            page, status = dashboard.page("failed.html", error=str(error)), 503
    return HTMLResponse(page, status)
