"""The web application: routes, injected faults, and the token endpoint."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from exactonline_sandbox.api import handler, xml_api
from exactonline_sandbox.api.call import Call
from exactonline_sandbox.books import attachments
from exactonline_sandbox.business.subscriptions import SUBSCRIPTIONS
from exactonline_sandbox.control.routes import control_routes
from exactonline_sandbox.faults import MESSAGE
from exactonline_sandbox.oauth import OAuthError
from exactonline_sandbox.web.consent import ConsentError, consent_page, decide
from exactonline_sandbox.web.pages import page_of, page_routes
from exactonline_sandbox.web.render import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from exactonline_sandbox.faults import Fault
    from exactonline_sandbox.odata.answer import Answer
    from exactonline_sandbox.world import World

    Handler = Callable[[Request], Awaitable[Response]]

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "MERGE"]


def make_app(world: World) -> Starlette:
    """The web application of a sandbox."""
    data = _data_handler(world)
    token = _token_handler(world)
    consent = _consent_handler(world)
    routes = [
        Route("/api/oauth2/auth", consent, methods=["GET", "POST"]),
        Route("/api/oauth2/token", token, methods=["POST"]),
        Route("/api/v1/current/{path:path}", data, methods=_METHODS),
        Route("/api/v1/beta/{division:int}/{path:path}", data, methods=_METHODS),
        Route("/api/v1/{division:int}/{path:path}", data, methods=_METHODS),
        Route(f"/docs/{xml_api.UPLOAD}", data, methods=_METHODS),
        Route(f"/docs/{xml_api.DOWNLOAD}", data, methods=_METHODS),
        Route(f"/docs/{attachments.PAGE}", data, methods=_METHODS),
        *control_routes(world),
        *page_routes(world),
    ]
    gone = dict.fromkeys((ConnectionCutError, ClientDisconnect), _no_response)
    return Starlette(
        routes=routes, exception_handlers=gone, middleware=[Middleware(_with_single_slashes)]
    )


def _with_single_slashes(app: ASGIApp) -> ASGIApp:
    """Take several slashes of an address as one, but those in the key of a row."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if "//" in scope.get("path", ""):
            place, bracket, key = scope["path"].partition("(")
            scope = {**scope, "path": re.sub("/{2,}", "/", place) + bracket + key}
        await app(scope, receive, send)

    return wrapped


def _data_handler(world: World) -> Handler:
    queues: dict[int, asyncio.Lock] = {}

    async def handle(request: Request) -> Response:
        call = await _call(request)
        page = _page_for_people(world, call)
        if page:
            return RedirectResponse(page, status_code=303)
        if call.division is None:
            return await _handle_with_faults(world, call, request)
        world.recorder.begin(call.division)
        try:
            async with queues.setdefault(call.division, asyncio.Lock()):
                return await _handle_with_faults(world, call, request)
        finally:
            world.recorder.end(call.division)

    return handle


def _page_for_people(world: World, call: Call) -> str | None:
    """The page that shows a row to a browser, which asks for it without a token."""
    is_browser = (
        call.method == "GET"
        and "authorization" not in call.headers
        and "text/html" in call.headers.get("accept", "")
    )
    if not is_browser or call.division is None or call.xml:
        return None
    return page_of(world, call.division, call.path)


async def _call(request: Request) -> Call:
    path, query = request.url.path, request.url.query
    xml = path.startswith("/docs/")
    return Call(
        method=request.method,
        division=xml_api.division_of(query) if xml else request.path_params.get("division"),
        path=path.removeprefix("/docs/") if xml else request.path_params["path"],
        query=query,
        base_url=str(request.base_url).rstrip("/"),
        headers=request.headers,
        body=await request.body(),
        beta=path.startswith("/api/v1/beta/"),
        xml=xml,
    )


async def _handle_with_faults(world: World, call: Call, request: Request) -> Response:
    fault = world.faults.draw(
        call.method, request.url.path, call.division, query=unquote(call.query)
    )
    if fault.seconds:
        await asyncio.sleep(fault.seconds)
    if fault.cut:
        handler.record_cut(world, call)
        await _cut_connection(request)
    if fault.late is not None:
        later = replace(fault, status=None)
        world.schedule.add(fault.late, partial(handler.handle, world, call, later))
        if fault.status is None:
            await _cut_connection(request)
        fault = replace(fault, handled=False)
    if call.path == SUBSCRIPTIONS and call.method == "POST":
        # It calls the address of the subscription, and that may belong to this very program.
        answer = await asyncio.to_thread(handler.handle, world, call, fault)
    else:
        answer = handler.handle(world, call, fault)
    answer = world.edit_answer(call.path, answer)
    if fault.lost:
        await _cut_connection(request)
    return _response(handler.truncated(answer) if fault.malformed else answer)


def _response(answer: Answer) -> Response:
    media_type = answer.content_type if answer.body else None
    return Response(answer.body, answer.status, answer.headers, media_type)


class ConnectionCutError(Exception):
    """The connection was closed; no response can be sent."""


async def _cut_connection(request: Request) -> None:
    """Abort the connection without a response, as a broken network does."""
    request.scope["sandbox.abort"]()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    raise ConnectionCutError


async def _no_response(_request: Request, _error: Exception) -> Response:
    return Response()


def _token_handler(world: World) -> Handler:
    async def handle(request: Request) -> Response:
        form = await _form(request)
        fault = world.faults.draw("POST", request.url.path, named=True)
        await asyncio.sleep(fault.seconds)
        exchange = partial(_exchange, world, form, request.headers.get("authorization", ""))
        answer = _token_answer(world, fault, exchange)
        world.recorder.token_call(form.get("grant_type", ""), answer.status_code if answer else 0)
        if answer is None:
            await _cut_connection(request)
        return answer or Response()

    return handle


def _exchange(world: World, form: dict[str, str], authorization: str) -> Response:
    """The token response, or the OAuth error."""
    try:
        tokens = world.tokens.exchange(form, authorization)
    except OAuthError as error:
        return _oauth_refusal(error)
    return JSONResponse(tokens, headers={"Cache-Control": "no-store"})


def _token_answer(world: World, fault: Fault, exchange: Callable[[], Response]) -> Response | None:
    """The response to a token request with a fault applied; None to abort the connection."""
    if fault.cut:
        return None
    status = 401 if fault.unauthorized else fault.status
    answer = None
    if fault.late is not None:
        world.schedule.add(fault.late, exchange)
    elif status is None or fault.handled:
        answer = exchange()
    if fault.lost:
        return None
    if status is not None:
        return _token_fault(status, fault)
    if answer is not None and fault.malformed:
        return JSONResponse({"access_token": "", "refresh_token": "", "expires_in": "600"})
    return answer


def _token_fault(status: int, fault: Fault) -> Response:
    headers = {"Reason": fault.reason} if fault.reason else None
    if fault.text:
        kind = "text/html" if fault.text.startswith("<") else "application/json"
        return Response(fault.text, status, headers, kind)
    if fault.unauthorized:
        return Response(status_code=status, headers=headers)
    if fault.message:
        error = {"error": "server_error", "error_description": fault.message}
        return JSONResponse(error, status, headers)
    return HTMLResponse(f"<html><h1>{MESSAGE}</h1></html>", status, headers)


def _oauth_refusal(error: OAuthError) -> Response:
    body = {"error": error.error}
    if error.description:
        body["error_description"] = error.description
    headers = {"Reason": error.reason} if error.reason else None
    return JSONResponse(body, error.status, headers)


def _consent_handler(world: World) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            if request.method == "GET":
                return HTMLResponse(consent_page(world, request.query_params))
            fields = {**request.query_params, **await _form(request)}
            return RedirectResponse(decide(world, fields), status_code=303)
        except ConsentError as error:
            text = render("message.html", title="Bad request", text=str(error))
            return HTMLResponse(text, 400)

    return handle


async def _form(request: Request) -> dict[str, str]:
    """Fields of a form body; empty for any other content type."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
