"""The forms of the dashboard: rename and revoke a connection, send records again, close."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from exactonline_cli.dashboard import journal
from exactonline_cli.dashboard.pages import Missing, replay_of
from exactonline_cli.dashboard.replays import Selection
from exactonline_cli.sign_in.flow import Problem
from exactonline_cli.sign_in.page.protection import first_value, redirect
from exactonline_client import connections
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from exactonline_cli.dashboard.session import Dashboard
    from exactonline_cli.sign_in.page.protection import Form

    Handler = Callable[[Dashboard, Form], Response]


def _rename(dashboard: Dashboard, form: Form) -> Response:
    old, new = first_value(form, "name"), first_value(form, "new").strip()
    names = {one.name for one in dashboard.connections()}
    if old not in names:
        raise Missing
    if not connections.NAME.fullmatch(new):
        problem = "Use up to 64 letters, digits, dots, dashes and underscores."
    elif new in names - {old}:
        problem = "Another connection has this name. Choose another, or revoke that one."
    else:
        connections.rename(dashboard.store, old, new)
        return redirect("/connections")
    dashboard.problem = Problem("new", problem)
    return redirect(f"/connections/rename?{urlencode({'name': old})}")


def _revoke(dashboard: Dashboard, form: Form) -> Response:
    name = first_value(form, "name")
    if first_value(form, "sure") != "yes":
        dashboard.problem = Problem(
            "sure", "Tick the box to confirm that the sign-in may be deleted."
        )
        return redirect(f"/connections/revoke?{urlencode({'name': name})}")
    try:
        connections.forget(dashboard.store, name)
    except ConfigurationError:
        raise Missing from None
    dashboard.here = "/connections"
    return HTMLResponse(dashboard.page("revoked.html", name=name))


def _try(dashboard: Dashboard, form: Form) -> Response:
    """Start the dry run of a replay: of one document, or of all of a division."""
    fields = {name: first_value(form, name) for name in form}
    if dashboard.running is not None:
        return _replay(dashboard.running)
    selection = _selection(dashboard, fields)
    return _replay(dashboard.start(selection))


def _selection(dashboard: Dashboard, fields: dict[str, str]) -> Selection:
    """Read what is to be sent again.

    Raises:
        Missing: it is not to be sent any more, or its connection was revoked.
    """
    app, stream, reference = fields.get("app", ""), None, None
    if fields.get("reference"):
        posting = journal.only(dashboard.store, dashboard.apps(), fields)
        if posting is None:
            raise Missing
        division, stream, reference = posting.division, posting.stream, posting.reference
    else:
        known = journal.unfinished(dashboard.store, dashboard.apps())
        matching = [
            row[1] for row in known if (row[0], str(row[1])) == (app, fields.get("division"))
        ]
        if not matching:
            raise Missing
        division = matching[0]
    connection = dashboard.connection_for(app, division)
    if connection is None:
        raise Missing
    return Selection(connection, app, division, stream, reference)


def _send(dashboard: Dashboard, form: Form) -> Response:
    """Send what a dry run has shown; each dry run can be sent once."""
    shown = replay_of(dashboard, first_value(form, "number"))
    if shown.follower is not None:
        return _replay(shown.follower)
    if dashboard.running is not None:
        return _replay(dashboard.running)
    if not shown.can_be_sent:
        raise Missing
    shown.follower = dashboard.start(shown.selection, shown)
    return _replay(shown.follower)


def _stop(dashboard: Dashboard, form: Form) -> Response:
    number = first_value(form, "number")
    replay_of(dashboard, number).stop()
    return _replay(int(number))


def _replay(number: int) -> Response:
    return redirect(f"/replay?number={number}")


def _close(dashboard: Dashboard, _: Form) -> Response:
    dashboard.finished = True
    return HTMLResponse(dashboard.page("closed.html"))


FORMS: dict[str, Handler] = {
    "/connections/rename": _rename,
    "/connections/revoke": _revoke,
    "/replay/try": _try,
    "/replay/send": _send,
    "/replay/stop": _stop,
    "/close": _close,
}
