"""The page of `exactonline connect` as a web application for one user on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from exactonline_cli.sign_in.flow import Problem
from exactonline_cli.sign_in.page.protection import (
    admitted_form,
    common_routes,
    is_known,
    language_of,
    middleware,
    not_admitted,
    redirect,
    same,
)
from exactonline_cli.sign_in.page.render import message
from exactonline_cli.sign_in.page.steps import (
    AFTER_CONNECTED,
    FORMS,
    PAGES,
    STEP_OF,
    correct,
)
from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from exactonline_cli.sign_in.page.protection import Endpoint, Form
    from exactonline_cli.sign_in.page.visit import Visit


def make_app(visit: Visit) -> Starlette:
    """Build the application for a visit."""
    routes = [
        *common_routes(visit),
        Route("/callback", _callback(visit)),
        Route("/waiting", _waiting(visit)),
        *(Route(path, _show(visit, path)) for path in PAGES),
        *(Route(path, _take(visit, path), methods=["POST"]) for path in FORMS),
    ]
    return Starlette(routes=routes, middleware=middleware())


def _failed(visit: Visit, error: ExactOnlineError) -> Response:
    """Show an error that no field of the page can correct, such as a store that does not open."""
    page = message(
        "This does not work now", str(error), link=("To the page", "/"), language=visit.language
    )
    return HTMLResponse(page, 503)


def _show(visit: Visit, path: str) -> Endpoint:
    def answer() -> Response:
        with visit.lock:
            if visit.is_ahead(path) or (visit.connected and path != "/done"):
                return redirect(visit.next_step())
            try:
                return HTMLResponse(PAGES[path](visit))
            except ExactOnlineError as error:
                return _failed(visit, error)

    async def handle(request: Request) -> Response:
        if not is_known(visit, request):
            return not_admitted(visit, request)
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
                return _failed(visit, error)

    async def handle(request: Request) -> Response:
        form = await admitted_form(visit, request)
        if form is None:
            return not_admitted(visit, request)
        return await run_in_threadpool(answer, form)

    return handle


def _waiting(visit: Visit) -> Endpoint:
    """Say whether the sign-in came back, to the tab that waits for it; waiting is no use."""

    async def handle(request: Request) -> Response:
        if not same(request.cookies.get(visit.cookie_name), visit.cookie):
            return not_admitted(visit, request)
        return Response(status_code=200 if visit.sign_in.signed_in else 204)

    return handle


def _callback(visit: Visit) -> Endpoint:
    """Take the answer of Exact that the app's own redirect address forwards here.

    The browser comes from another site and brings no cookie. The state, which only Exact's answer
    to this sign-in holds, proves that the request belongs here.
    """

    def answer(fields: Mapping[str, str], language: str) -> Response:
        with visit.lock:
            if not visit.sign_in.matches(fields.get("state", "")):
                page = message(
                    "No sign-in is waiting for this",
                    "This link was already used, or belongs to another sign-in.",
                    link=("To the page", "/"),
                    language=language,
                )
                return HTMLResponse(page, 403)
            visit.last_seen = visit.clock()
            return HTMLResponse(_forwarded(visit, fields))

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, dict(request.query_params), language_of(request))

    return handle


def _forwarded(visit: Visit, fields: Mapping[str, str]) -> str:
    """Take the answer, and go on to the page by itself.

    A redirect would count as coming from the other site, and bring no cookie.
    """
    try:
        visit.sign_in.take_answer(fields)
    except Problem as problem:
        visit.problem = problem
        step = STEP_OF[problem.field]
        return message(
            "Not signed in", str(problem), link=("Continue", step), language=visit.language
        )
    return message(
        "Signed in",
        "Exact Online has sent you back here. Only the divisions remain to be chosen.",
        link=("Choose divisions", "/divisions"),
        onward="/divisions",
        language=visit.language,
    )
