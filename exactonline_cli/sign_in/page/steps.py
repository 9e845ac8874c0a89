"""The steps of the page: render each, and handle its form."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from exactonline_cli import meltano_project, repository
from exactonline_cli.sign_in.first_look import last_invoices
from exactonline_cli.sign_in.flow import REDIRECT_RULE, Problem
from exactonline_cli.sign_in.page.protection import first_value, redirect
from exactonline_cli.sign_in.page.render import message
from exactonline_client.auth.app import CHAIN_DAYS
from exactonline_client.errors import ExactOnlineError
from exactonline_client.regions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from starlette.responses import Response

    from exactonline_cli.meltano_project import Setting
    from exactonline_cli.sign_in.page.protection import Form
    from exactonline_cli.sign_in.page.visit import Visit

    Page = Callable[[Visit], str]
    Handler = Callable[[Visit, Form], Response]

STEP_OF = {
    "region": "/region",
    "client_id": "/app",
    "client_secret": "/app",
    "redirect_uri": "/app",
    "name": "/app",
    "address": "/sign-in",
    "divisions": "/divisions",
}
"""The step that a field is asked in."""


def correct(visit: Visit, problem: Problem) -> Response:
    """Redirect to the step of the field to correct; what was entered is kept."""
    visit.problem = problem
    return redirect(STEP_OF[problem.field])


def _show_region(visit: Visit) -> str:
    return visit.page("region.html", regions=REGIONS)


def _show_app(visit: Visit) -> str:
    return visit.page("app.html", redirect_rule=REDIRECT_RULE)


def _show_sign_in(visit: Visit) -> str:
    sign_in = visit.sign_in
    return visit.page("sign_in.html", known=sign_in.account, authorise_url=sign_in.authorise_url)


def _show_divisions(visit: Visit) -> str:
    try:
        rows = visit.sign_in.divisions()
    except ExactOnlineError as error:
        return visit.page("unreadable.html", reason=str(error))
    me = visit.sign_in.opened.me
    if visit.ticked is None:
        before = visit.sign_in.account and visit.sign_in.account.divisions
        known = {row["Code"] for row in rows}
        visit.ticked = set(before or [me["CurrentDivision"]]) & known
    ticked = visit.ticked
    shown = sorted(_found(rows, visit.search), key=lambda row: row["Code"] not in ticked)
    return visit.page(
        "divisions.html", rows=shown, count=len(rows), ticked=ticked, search=visit.search, me=me
    )


def _found(rows: Iterable[dict[str, Any]], search: str) -> list[dict[str, Any]]:
    """Find divisions by parts of name or code."""
    words = search.casefold().split()
    return [
        row
        for row in rows
        if all(word in f"{row['Code']} {row['Description']}".casefold() for word in words)
    ]


def _show_done(visit: Visit) -> str:
    sign_in = visit.sign_in
    began = (sign_in.account and sign_in.account.received_at) or sign_in.clock()
    ends = datetime.fromtimestamp(began, timezone.utc) + timedelta(days=CHAIN_DAYS)
    return visit.page(
        "done.html",
        opened=sign_in.opened,
        replaced=sign_in.replaced_connections(),
        exposed=repository.warning(sign_in.opened.store),
        days=CHAIN_DAYS,
        ends=f"{ends.day} {ends:%B %Y}",
        companies=_companies(visit),
        invoices=visit.invoices,
        settings=_settings(visit),
        project=visit.project,
        written=visit.written,
        next_commands=_next_commands(visit),
    )


def _companies(visit: Visit) -> list[dict[str, Any]]:
    sign_in = visit.sign_in
    try:
        rows = sign_in.divisions()
    except ExactOnlineError:
        rows = [{"Code": code, "Description": ""} for code in sign_in.chosen or ()]
    return [row for row in rows if sign_in.all_divisions or row["Code"] in (sign_in.chosen or ())]


def _next_commands(visit: Visit) -> list[str]:
    if not visit.project:
        return [f"exactonline plan --connection {visit.sign_in.opened.name}"]
    return ["meltano invoke tap-exactonline:plan", "meltano run tap-exactonline target-postgres"]


def _settings(visit: Visit) -> list[Setting]:
    sign_in = visit.sign_in
    return meltano_project.settings(
        sign_in.opened.name,
        sign_in.chosen or (),
        everything=sign_in.all_divisions,
        store_url=visit.store_url,
    )


def _take_region(visit: Visit, form: Form) -> Response:
    visit.sign_in.choose_region(first_value(form, "region"))
    return redirect("/app")


def _take_app(visit: Visit, form: Form) -> Response:
    if visit.next_step() == "/region":
        return redirect("/region")
    visit.sign_in.choose_app({name: values[0] for name, values in form.items()})
    return redirect("/sign-in")


def _take_address(visit: Visit, form: Form) -> Response:
    if visit.next_step() == "/sign-in":
        visit.sign_in.take_address(first_value(form, "address"))
    return redirect(visit.next_step())


def _take_divisions(visit: Visit, form: Form) -> Response:
    if visit.next_step() != "/divisions":
        return redirect(visit.next_step())
    codes = {int(text) for text in form.get("division", []) if text.isdecimal()}
    try:
        rows = visit.sign_in.divisions()
        # What a search had hidden is not in the form, and keeps its tick.
        listed = {row["Code"] for row in _found(rows, first_value(form, "shown"))}
        visit.ticked = codes | ((visit.ticked or set()) - listed)
        action = first_value(form, "do")
        visit.search = first_value(form, "search") if action else ""
        if action == "all":
            visit.ticked |= {row["Code"] for row in _found(rows, visit.search)}
        elif action == "none":
            visit.ticked -= {row["Code"] for row in _found(rows, visit.search)}
        if not action:
            everything = first_value(form, "which") == "all"
            visit.sign_in.choose_divisions(sorted(visit.ticked), everything=everything)
    except ExactOnlineError:
        return redirect("/divisions")  # its page shows why they cannot be read
    return redirect(visit.next_step())


def _look(visit: Visit, _form: Form) -> Response:
    companies = _companies(visit) if visit.connected else []
    if companies:
        sign_in = visit.sign_in
        codes = [row["Code"] for row in companies]
        try:
            current = sign_in.opened.me["CurrentDivision"]
            division = current if current in codes else codes[0]
            visit.invoices = last_invoices(sign_in.opened, division)
        except ExactOnlineError as error:
            visit.problem = Problem("content", str(error))
    return redirect(visit.next_step())


def _write_meltano(visit: Visit, _form: Form) -> Response:
    if visit.connected and visit.project:
        try:
            visit.written = meltano_project.write(visit.project, _settings(visit))
        except ExactOnlineError as error:
            visit.problem = Problem("content", str(error))
    return redirect(visit.next_step())


def _finish(visit: Visit, _form: Form) -> Response:
    if not visit.connected:
        return redirect(visit.next_step())
    visit.finished = True
    return HTMLResponse(message("Done", "You can close this tab.", language=visit.language))


PAGES: dict[str, Page] = {
    "/region": _show_region,
    "/app": _show_app,
    "/sign-in": _show_sign_in,
    "/divisions": _show_divisions,
    "/done": _show_done,
}
FORMS: dict[str, Handler] = {
    "/region": _take_region,
    "/app": _take_app,
    "/sign-in": _take_address,
    "/divisions": _take_divisions,
    "/look": _look,
    "/meltano": _write_meltano,
    "/finish": _finish,
}
AFTER_CONNECTED = ("/look", "/meltano", "/finish")
"""Forms of the last page; the others change nothing once the account is connected."""
