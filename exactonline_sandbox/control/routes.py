"""Routes of the control API, under `/sandbox/`."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.clock import UTC
from exactonline_sandbox.config import FaultRule, set_switch
from exactonline_sandbox.control.truth import NoSuchStreamError, truth
from exactonline_sandbox.data.changes import DayCounts, simulate_day
from exactonline_sandbox.edm.values import wall_clock
from exactonline_sandbox.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request

    from exactonline_sandbox.config import App, User
    from exactonline_sandbox.world import World

    Command = Callable[[World, dict[str, Any]], dict[str, Any]]


_DAY_COUNTS = tuple(item.name for item in fields(DayCounts))

_LINES_AT_ONCE = 200


class ControlError(Exception):
    """An invalid command; the message says why."""


def control_routes(world: World) -> list[Route]:
    """All routes of the control API."""
    posts: dict[str, Command] = {
        "clock": _clock,
        "changes": _changes,
        "faults": _faults,
        "switches": _switches,
        "limits": _limits,
        "sign-in": _sign_in,
        "redirect-uris": _redirect_uris,
        "move-division": _move_division,
        "expire-access-tokens": _expire_access_tokens,
        "revoke": _revoke,
        "calls/reset": _reset_calls,
    }
    gets: dict[str, Command] = {"state": _state, "calls": _calls}
    return [
        *(
            Route(f"/sandbox/{path}", _handler(world, command), methods=[method])
            for method, commands in (("GET", gets), ("POST", posts))
            for path, command in commands.items()
        ),
        Route("/sandbox/truth/{division:int}/{stream}", _truth_handler(world), methods=["GET"]),
    ]


def _handler(world: World, command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        body = await request.body()
        try:
            done = command(world, _given(body))
            world.send_events(str(request.base_url).rstrip("/"))
            return JSONResponse(done)
        except (ControlError, json.JSONDecodeError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return handle


def _given(body: bytes) -> dict[str, Any]:
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise ControlError("The body must be a JSON object.")
    return given


def _truth_handler(world: World) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        division, stream = request.path_params["division"], request.path_params["stream"]
        if division not in world.config.division_codes:
            return JSONResponse({"error": f"There is no division {division}."}, 404)
        try:
            lines = truth(world, division, stream, world.config.users[0])
        except NoSuchStreamError:
            return JSONResponse({"error": f"There is no stream '{stream}'."}, 404)
        return StreamingResponse(_in_pieces(lines), media_type="application/x-ndjson")

    return handle


def _in_pieces(lines: Iterator[str]) -> Iterator[str]:
    """The same text, many lines at a time, which is faster to send."""
    while piece := "".join(islice(lines, _LINES_AT_ONCE)):
        yield piece


def _state(world: World, _given: dict[str, Any]) -> dict[str, Any]:
    now = world.clock.now()
    return {
        "clock": now.isoformat(),
        "speed": world.clock.speed,
        "divisions": list(world.config.division_codes),
        "rows": {
            str(code): {name: len(table) for name, table in sorted(company.tables().items())}
            for code, company in world.companies().items()
        },
        "limits": {"minutely": world.limits.minutely, "daily": world.limits.daily},
        "switches": asdict(world.switches),
        "faults": [asdict(rule) for rule in world.faults.rules()],
        "apps": [
            {"client_id": app.client_id, "redirect_uris": app.redirect_uris}
            for app in world.tokens.apps()
        ],
        "users": [{"user_id": user.user_id, "name": user.name} for user in world.config.users],
    }


def _clock(world: World, given: dict[str, Any]) -> dict[str, Any]:
    if "set" in given:
        moment = datetime.fromisoformat(str(given["set"]).replace("Z", "+00:00"))
        world.clock.set(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    if "advance_seconds" in given:
        world.clock.advance(float(given["advance_seconds"]))
    if "speed" in given:
        world.clock.run_at(float(given["speed"]))
    world.schedule.run()
    return {"clock": world.clock.now().isoformat(), "speed": world.clock.speed}


def _changes(world: World, given: dict[str, Any]) -> dict[str, Any]:
    company = world.company(_division(world, given))
    user = world.config.users[0]
    counts = DayCounts(**{name: int(given[name]) for name in _DAY_COUNTS if name in given})
    return simulate_day(
        company, lambda: Editor(company, world.author(user)), int(given.get("seed", 1)), counts
    )


def _faults(world: World, given: dict[str, Any]) -> dict[str, Any]:
    rules = [FaultRule(**rule) for rule in given.get("rules", [])]
    for rule in rules:
        if rule.kind not in KINDS:
            raise ControlError(f"A fault is one of {', '.join(KINDS)}; not '{rule.kind}'.")
    world.faults.set_rules(rules)
    return {"faults": [asdict(rule) for rule in rules]}


def _switches(world: World, given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        set_switch(world.switches, name, value)
    return asdict(world.switches)


def _limits(world: World, given: dict[str, Any]) -> dict[str, Any]:
    world.limits.minutely = int(given.get("minutely", world.limits.minutely))
    world.limits.daily = int(given.get("daily", world.limits.daily))
    if "leave_today" in given:
        key = (_app(world, given).client_id, _division(world, given))
        world.limits.use_up(key, world.clock.now(), int(given["leave_today"]))
    return {"minutely": world.limits.minutely, "daily": world.limits.daily}


def _sign_in(world: World, given: dict[str, Any]) -> dict[str, Any]:
    user = _user(world, given)
    if given.get("divisions"):
        codes = tuple(_division(world, {"division": code}) for code in given["divisions"])
        user = replace(user, divisions=codes)
    renewable = bool(given.get("renewable", True))
    return {**world.tokens.sign_in(_app(world, given), user, renewable=renewable)}


def _redirect_uris(world: World, given: dict[str, Any]) -> dict[str, Any]:
    app = _app(world, given)
    added = tuple(str(uri) for uri in given.get("add", []))
    world.tokens.register(replace(app, redirect_uris=(*app.redirect_uris, *added)))
    return {"client_id": app.client_id, "redirect_uris": [*app.redirect_uris, *added]}


def _move_division(world: World, given: dict[str, Any]) -> dict[str, Any]:
    company = world.company(_division(world, given))
    company.move(wall_clock(world.clock.now()).date())
    return {"division": company.code, "moved": str(company.moved)}


def _expire_access_tokens(world: World, _given: dict[str, Any]) -> dict[str, Any]:
    world.tokens.expire_access_tokens()
    return {}


def _revoke(world: World, _given: dict[str, Any]) -> dict[str, Any]:
    world.tokens.revoke_all()
    return {}


def _calls(world: World, _given: dict[str, Any]) -> dict[str, Any]:
    return world.recorder.report()


def _reset_calls(world: World, _given: dict[str, Any]) -> dict[str, Any]:
    world.recorder.reset()
    return {}


def _division(world: World, given: dict[str, Any]) -> int:
    code = int(given.get("division", world.config.division_codes[0]))
    if code not in world.config.division_codes:
        raise ControlError(f"There is no division {code}.")
    return code


def _app(world: World, given: dict[str, Any]) -> App:
    app = world.tokens.app(str(given.get("client_id", world.config.apps[0].client_id)))
    if app is None:
        raise ControlError("There is no app with that client_id.")
    return app


def _user(world: World, given: dict[str, Any]) -> User:
    users = {user.user_id: user for user in world.config.users}
    wanted = str(given.get("user_id", world.config.users[0].user_id))
    if wanted not in users:
        raise ControlError("There is no user with that user_id.")
    return users[wanted]
