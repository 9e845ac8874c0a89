"""The web side: turns HTTP into calls on the sandbox's world, and back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from exactonline_sandbox import api, attachments, xml_api
from exactonline_sandbox.api import Call
from exactonline_sandbox.consent import ConsentError, consent_page, decide
from exactonline_sandbox.control import control_routes
from exactonline_sandbox.oauth import OAuthError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from exactonline_sandbox.answers import Answer
    from exactonline_sandbox.world import World

    Handler = Callable[[Request], Awaitable[Response]]

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "MERGE"]


def make_app(world: World) -> Starlette:
    """The whole sandbox as a web application."""
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
    ]
    gone = dict.fromkeys((ConnectionCutError, ClientDisconnect), _nobody_there)
    return Starlette(routes=routes, exception_handlers=gone)


def _data_handler(world: World) -> Handler:
    queues: dict[int, asyncio.Lock] = {}

    async def handle(request: Request) -> Response:
        call = await _call(request)
        if call.division is None:
            return await _carry_out(world, call, request)
        world.recorder.begin(call.division)
        try:
            async with queues.setdefault(call.division, asyncio.Lock()):
                return await _carry_out(world, call, request)
        finally:
            world.recorder.end(call.division)

    return handle


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


async def _carry_out(world: World, call: Call, request: Request) -> Response:
    fate = world.faults.strike(call.method, call.path, call.division)
    if fate.seconds:
        await asyncio.sleep(fate.seconds)
    if fate.cut:
        api.cut(world, call)
        await _cut_connection(request)
    if fate.late is not None:
        later = replace(fate, status=None)
        world.later.add(fate.late, partial(api.handle, world, call, later))
        if fate.status is None:
            await _cut_connection(request)
        fate = replace(fate, handled=False)
    answer = api.handle(world, call, fate)
    if fate.lost:
        await _cut_connection(request)
    return _response(api.cut_in_half(answer) if fate.malformed else answer)


def _response(answer: Answer) -> Response:
    media_type = answer.content_type if answer.body else None
    return Response(answer.body, answer.status, answer.headers, media_type)


class ConnectionCutError(Exception):
    """The connection is gone; there is nobody to answer."""


async def _cut_connection(request: Request) -> None:
    """Drop the connection without a word, as a broken network does."""
    request.scope["sandbox.cut"]()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    raise ConnectionCutError


async def _nobody_there(_request: Request, _error: Exception) -> Response:
    return Response()


def _token_handler(world: World) -> Handler:
    async def handle(request: Request) -> Response:
        form = await _form(request)
        grant = form.get("grant_type", "")
        fate = world.faults.strike("POST", "oauth2/token", named=True)
        await asyncio.sleep(fate.seconds)
        if fate.cut:
            world.recorder.token_call(grant, 0)
            await _cut_connection(request)
        if fate.status and not fate.handled:
            world.recorder.token_call(grant, fate.status)
            return _token_fault(fate.status, told=bool(fate.message))
        try:
            tokens = world.tokens.exchange(form, request.headers.get("authorization", ""))
        except OAuthError as error:
            world.recorder.token_call(grant, error.status)
            return _oauth_refusal(error)
        world.recorder.token_call(grant, fate.status or 200)
        if fate.lost:
            await _cut_connection(request)
        if fate.status:
            return _token_fault(fate.status, told=bool(fate.message))
        if fate.malformed:
            tokens |= {"access_token": "", "refresh_token": ""}
        return JSONResponse(tokens, headers={"Cache-Control": "no-store"})

    return handle


def _token_fault(status: int, *, told: bool) -> Response:
    if told:
        return JSONResponse({"error": "server_error"}, status)
    return HTMLResponse("<html><h1>The sandbox was told to fail here.</h1></html>", status)


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
            return HTMLResponse(f"<h1>Bad request</h1><p>{escape(str(error))}</p>", 400)

    return handle


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form body; empty where the body is anything else."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
