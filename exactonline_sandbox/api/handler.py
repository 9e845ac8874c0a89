"""Handle a call: authentication, authorization, rate limits, then the resource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exactonline_sandbox.api import xml_api
from exactonline_sandbox.api.call import Request
from exactonline_sandbox.api.reads import read
from exactonline_sandbox.api.resources import find_resource
from exactonline_sandbox.api.writes import write
from exactonline_sandbox.books import attachments
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.limits import COUNTED_ERRORS
from exactonline_sandbox.odata import atom, metadata, verbose_json
from exactonline_sandbox.odata.answer import Answer
from exactonline_sandbox.odata.options import parse_options
from exactonline_sandbox.odata.rules import FORBIDDEN, check_scope, denied
from exactonline_sandbox.recorder import CallRecord

if TYPE_CHECKING:
    from exactonline_sandbox.api.call import Call
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.faults import Fault
    from exactonline_sandbox.oauth import Chain
    from exactonline_sandbox.odata.options import Options
    from exactonline_sandbox.world import World

MAX_URL = 6000
MAX_BODY = 10_000_000
DIVISIONS = "system/Divisions"
"""An app that is limited to some divisions may read this with any number in the address."""
OVER = 'Bearer error="invalid_token", error_description="access%20token%20expired"'
_OK = 200
_REDIRECTION = 300


def handle(world: World, call: Call, fault: Fault) -> Answer:
    """Answer a call; every `ApiError` becomes an error answer."""
    wants = _wanted_form(call)
    chain: Chain | None = None
    try:
        chain = _chain(world, call, fault)
        answer = _answer(world, call, chain, fault, as_atom=wants == "atom")
    except ApiError as error:
        answer = _refusal(world, error, wants)
        if world.switches.tells_expired_tokens and world.tokens.is_expired(_token(call)):
            answer.headers["WWW-Authenticate"] = OVER
        # Errors with an expired token count for its owner.
        owner = chain or world.tokens.chain_of(_token(call))
        if owner is not None:
            _note_error(world, call, owner, error.status)
    if fault.text and answer.status == fault.status:
        kind = "text/html" if fault.text.startswith("<") else answer.content_type
        answer = replace(answer, body=fault.text.encode(), content_type=kind)
    _record(world, call, answer.status)
    return answer


def _wanted_form(call: Call) -> str:
    """The format by the `Accept` header: `json`, `atom` (the default) or `refused`."""
    if call.xml:
        return "atom"
    accept = call.headers.get("accept", "").lower()
    kinds = [kind.split(";")[0].strip() for kind in accept.split(",")]
    for kind in kinds:
        if kind == "application/json":
            return "json"
        if kind in ("", "*/*", "application/atom+xml", "text/plain"):
            return "atom"
    return "refused"


def _token(call: Call) -> str:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _chain(world: World, call: Call, fault: Fault) -> Chain:
    chain = world.tokens.valid_chain(_token(call))
    if chain is None or fault.unauthorized:
        raise ApiError(401)
    return chain


def _answer(world: World, call: Call, chain: Chain, fault: Fault, *, as_atom: bool) -> Answer:
    if call.division is None:
        return _about_user(world, call, chain, as_atom=as_atom)
    _check_division(world, call, chain)
    refusal = _over_limit(world, call, chain)
    if refusal is not None:
        return refusal
    failure = fault.status and ApiError(fault.status, fault.message, reason=fault.reason)
    if failure and not fault.handled:
        raise failure
    _check_size(call)
    if call.xml:
        answer = _below_docs(world, world.company(call.division), call, chain)
    else:
        answer = _dispatch(world, call, chain, as_atom=as_atom)
    if call.method != "GET":
        world.send_events(call.base_url)
    if failure:
        raise failure
    if _OK <= answer.status < _REDIRECTION:
        key = (chain.app.client_id, call.division)
        answer.headers.update(world.limits.headers(key, world.clock.now()))
    return answer


def _check_division(world: World, call: Call, chain: Chain) -> None:
    """Refuse a call on a division that the user may not open."""
    if world.switches.refused_for:
        raise ApiError(403, FORBIDDEN, reason=world.switches.refused_for)
    assert call.division is not None  # noqa: S101 - calls without one are answered before
    limited = chain.user != world.whole_user(chain.user)
    if limited and call.method == "GET" and call.path.strip("/") == DIVISIONS:
        return
    if not world.may_open(chain.user, call.division):
        raise ApiError(403, FORBIDDEN, reason="NoDivisionAccess")


def _about_user(world: World, call: Call, chain: Chain, *, as_atom: bool) -> Answer:
    """Answer `current/Me`, which belongs to no division and is not rate limited."""
    resource = find_resource(f"current/{call.path}")
    if call.method != "GET":
        raise ApiError(405, f"The method {call.method} is not allowed here.")
    _check_size(call)
    codes = world.divisions_of(chain.user)
    if not codes:
        raise ApiError(403, "Forbidden: you have no access to any division.")
    company = world.company(codes[0])
    return read(Request(world, company, chain, resource, _options(world, call), call.root, as_atom))


def _over_limit(world: World, call: Call, chain: Chain) -> Answer | None:
    now = world.clock.now()
    app = chain.app.client_id
    if world.switches.error_limit and world.errors.blocked(app, now):
        return Answer(429)
    headers = world.limits.take((app, call.division), now)
    return None if headers is None else Answer(429, headers=headers)


def _check_size(call: Call) -> None:
    if len(f"{call.root}/{call.path}?{call.query}") > MAX_URL:
        raise ApiError(414, f"The address is longer than {MAX_URL} characters.")
    if len(call.body) > MAX_BODY:
        raise ApiError(413, "The body is larger than 10 MB.")
    if _wanted_form(call) == "refused" and not metadata.is_asked(call.path):
        raise ApiError(415, "The media type that is accepted is not supported.")


def _dispatch(world: World, call: Call, chain: Chain, *, as_atom: bool) -> Answer:
    if metadata.is_asked(call.path):
        model = metadata.metadata(call.path) if call.method == "GET" else None
        if model is None:
            raise ApiError(404, "Resource not found for the segment '$metadata'.")
        return replace(model, headers={})
    resource = find_resource(call.path, beta=call.beta)
    check_scope(resource.endpoint, call.method, world.switches)
    if denied(resource.endpoint.id, world.switches):
        if world.switches.denied_answer == "empty" and call.method == "GET":
            return verbose_json.many([], world.layout, bare=False)
        raise ApiError(403, FORBIDDEN)
    company = world.company(_known_division(world, call, chain))
    request = Request(world, company, chain, resource, _options(world, call), call.root, as_atom)
    if call.method == "GET":
        return read(request)
    if call.method not in ("POST", "PUT", "DELETE"):
        raise ApiError(405, f"The method {call.method} is not allowed here.")
    return write(request, call.method, call.body, call.headers)


def _options(world: World, call: Call) -> Options:
    return parse_options(call.query, zoned=world.switches.zoned_literals)


def _known_division(world: World, call: Call, chain: Chain) -> int:
    """The division of a call; one of the user's where any number will do."""
    codes = world.divisions_of(chain.user)
    return call.division if call.division in codes else codes[0]


def _below_docs(world: World, company: Company, call: Call, chain: Chain) -> Answer:
    if call.path != attachments.PAGE:
        return xml_api.serve(world, chain.user, company, call)
    if denied(attachments.TABLE, world.switches):
        raise ApiError(403, FORBIDDEN)
    content = attachments.file(company, call.method, call.query)
    return Answer(body=content, content_type="application/octet-stream")


def _refusal(world: World, error: ApiError, wants: str) -> Answer:
    if wants == "json":
        answer = verbose_json.failure(error.status, error.message, world.layout)
    else:
        answer = atom.failure(error.status, error.message)
    if error.reason:
        answer.headers["Reason"] = error.reason
    return answer


def _note_error(world: World, call: Call, chain: Chain, status: int) -> None:
    if status in COUNTED_ERRORS and world.switches.error_limit:
        where = (chain.user.user_id, call.division, _entity(call.path))
        world.errors.note(chain.app.client_id, where, world.clock.now())


def _record(world: World, call: Call, status: int) -> None:
    made = CallRecord(call.division, _entity(call.path), call.method, status)
    world.recorder.data_call(made, call.query, world.clock.now())


def _entity(path: str) -> str:
    return path.split("(", maxsplit=1)[0].removesuffix("/$count")


def record_cut(world: World, call: Call) -> None:
    """Record a call whose connection was cut."""
    _record(world, call, 0)


def truncated(answer: Answer) -> Answer:
    """The same answer with half its body."""
    return replace(answer, body=answer.body[: len(answer.body) // 2])
