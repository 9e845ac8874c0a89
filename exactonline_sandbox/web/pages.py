"""Pages that show the companies, their invoices and entries, and the latest calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse
from starlette.routing import Route

from exactonline_sandbox.books.booking import TRANSACTION_LINES
from exactonline_sandbox.books.references import ACCOUNTS
from exactonline_sandbox.books.transactions import TRANSACTIONS, table_of
from exactonline_sandbox.books.users import company_name
from exactonline_sandbox.business.invoices import INVOICE_LINES, INVOICES
from exactonline_sandbox.web.render import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.world import World

    Page = Callable[[World, Request], str]
    Handler = Callable[[Request], Awaitable[Response]]

_LISTED = 50
_LATEST_CALLS = 10


class _NotThereError(Exception):
    """There is no such company or document."""


def page_routes(world: World) -> list[Route]:
    """The routes of all pages."""
    pages: dict[str, Page] = {
        "/": _home,
        "/calls": _calls,
        "/companies/{division:int}": _company,
        "/companies/{division:int}/invoices/{key}": _invoice,
        "/companies/{division:int}/entries/{key}": _entry,
    }
    return [Route(path, _handler(world, page), methods=["GET"]) for path, page in pages.items()]


def _handler(world: World, page: Page) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            return HTMLResponse(page(world, request))
        except _NotThereError as error:
            text = render("message.html", title="Not found", text=str(error))
            return HTMLResponse(text, 404)

    return handle


def _home(world: World, _request: Request) -> str:
    made = world.companies()
    companies = [
        {
            "code": code,
            "name": company_name(code),
            "invoices": len(made[code].table(INVOICES)) if code in made else "",
            "entries": len(table_of(made[code], TRANSACTIONS)) if code in made else "",
        }
        for code in world.config.division_codes
    ]
    clock = f"{world.clock.now():%Y-%m-%d %H:%M} UTC"
    calls = _latest(world)[:_LATEST_CALLS]
    return render("home.html", companies=companies, clock=clock, calls=calls)


def _calls(world: World, _request: Request) -> str:
    return render("calls.html", calls=_latest(world))


def _latest(world: World) -> list[dict[str, Any]]:
    """The latest calls, the newest first."""
    calls: list[dict[str, Any]] = world.recorder.report()["last"]
    return calls[::-1]


def _company(world: World, request: Request) -> str:
    company = _asked(world, request)
    invoices = company.table(INVOICES).rows.values()
    entries = table_of(company, TRANSACTIONS).rows.values()
    return render(
        "company.html",
        **_names(company),
        invoices=_shown(world, company, INVOICES, _newest(invoices, "InvoiceDate", "OrderNumber")),
        entries=_shown(world, company, TRANSACTIONS, _newest(entries, "Date", "EntryNumber")),
        number_of_invoices=len(invoices),
        number_of_entries=len(entries),
    )


def _invoice(world: World, request: Request) -> str:
    company = _asked(world, request)
    row = _row(company, INVOICES, request)
    lines = company.table(INVOICE_LINES).where("InvoiceID", row["InvoiceID"])
    (invoice,) = _shown(world, company, INVOICES, [row])
    account = company.table(ACCOUNTS).get(row["InvoiceTo"])
    return render(
        "invoice.html",
        **_names(company),
        invoice=invoice,
        address=_shown(world, company, ACCOUNTS, [account or {}])[0],
        lines=_shown(world, company, INVOICE_LINES, sorted(lines, key=_by_line)),
    )


def _entry(world: World, request: Request) -> str:
    company = _asked(world, request)
    row = _row(company, TRANSACTIONS, request)
    rows = company.table(TRANSACTION_LINES).where("EntryID", row["EntryID"])
    lines = _shown(world, company, TRANSACTION_LINES, sorted(rows, key=_by_line))
    (entry,) = _shown(world, company, TRANSACTIONS, [row])
    amounts = [line["AmountDC"] for line in lines]
    return render(
        "entry.html",
        **_names(company),
        entry=entry,
        lines=lines,
        debit=sum(amount for amount in amounts if amount > 0),
        credit=-sum(amount for amount in amounts if amount < 0),
    )


def _asked(world: World, request: Request) -> Company:
    code = request.path_params["division"]
    if code not in world.config.division_codes:
        raise _NotThereError(f"The sandbox has no company {code}.")
    return world.company(code)


def _row(company: Company, table: str, request: Request) -> Row:
    row = table_of(company, table).get(request.path_params["key"].lower())
    if row is None:
        raise _NotThereError("The company has no such document.")
    return row


def _names(company: Company) -> dict[str, object]:
    return {"code": company.code, "name": company_name(company.code)}


def _newest(rows: Iterable[Row], *columns: str) -> list[Row]:
    ordered = sorted(rows, key=lambda row: [row[column] for column in columns], reverse=True)
    return ordered[:_LISTED]


def _by_line(row: Row) -> int:
    return int(row.get("LineNumber", 0))


def _shown(world: World, company: Company, table: str, rows: Iterable[Row]) -> list[Row]:
    """Rows with all columns, as plain values."""
    view = world.view(table, company)
    readers = {name: view.reader(name) for name in view.columns}
    return [{name: read(row) for name, read in readers.items()} for row in rows]
