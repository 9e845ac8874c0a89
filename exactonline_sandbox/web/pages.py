"""Pages that show the companies, their invoices, entries and other rows, and the latest calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse
from starlette.routing import Route

from exactonline_sandbox.api.resources import Resource, find_resource
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.booking import TRANSACTION_LINES
from exactonline_sandbox.books.references import ACCOUNTS
from exactonline_sandbox.books.transactions import TRANSACTIONS, table_of
from exactonline_sandbox.books.users import company_name, division_row
from exactonline_sandbox.business.discounts import discounted
from exactonline_sandbox.business.invoices import INVOICE_LINES, INVOICES
from exactonline_sandbox.edm.model import entity_name
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.web.render import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable
    from decimal import Decimal

    from starlette.requests import Request
    from starlette.responses import Response

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.world import World

    Page = Callable[[World, Request], str]
    Handler = Callable[[Request], Awaitable[Response]]

_LISTED = 50
_LATEST_CALLS = 10
_LATEST_INVOICES = 8
_ENTRY = "EntryID"


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
        "/companies/{division:int}/rows/{path:path}": _any_row,
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


def page_of(world: World, division: int, path: str) -> str | None:
    """The address of the page that shows a row of the API; None where there is none.

    Args:
        world: the sandbox.
        division: its number.
        path: of the row below the division, such as `crm/Accounts(guid'...')`.
    """
    try:
        resource = find_resource(path)
    except ApiError:
        return None
    if division not in world.config.division_codes or not _is_row(resource):
        return None
    company = world.company(division)
    endpoint, key = resource.endpoint, str(_only_key(resource))
    if table_of(company, endpoint.id).get(_only_key(resource)) is None:
        return None
    place = f"/companies/{division}"
    if endpoint.id == INVOICES:
        return f"{place}/invoices/{key}"
    if endpoint.key == (_ENTRY,) and table_of(company, TRANSACTIONS).get(key):
        return f"{place}/entries/{key}"
    return f"{place}/rows/{path}"


def _is_row(resource: Resource) -> bool:
    return resource.key is not None and len(resource.key) == 1 and not resource.navigation


def _only_key(resource: Resource) -> Any:  # noqa: ANN401 - a key is of any type
    return resource.key[0].value if resource.key else None


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
    newest = sorted(
        (
            (row, company)
            for company in made.values()
            for row in _newest(company.table(INVOICES).rows.values())[:_LATEST_INVOICES]
        ),
        key=lambda pair: pair[0]["Created"],
        reverse=True,
    )[:_LATEST_INVOICES]
    invoices = [
        {**_shown(world, company, INVOICES, [row])[0], "code": company.code}
        for row, company in newest
    ]
    return render("home.html", companies=companies, clock=clock, calls=calls, invoices=invoices)


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
        invoices=_part(world, company, INVOICES, invoices, request),
        entries=_part(world, company, TRANSACTIONS, entries, request),
    )


def _invoice(world: World, request: Request) -> str:
    company = _asked(world, request)
    row = _row(company, INVOICES, request)
    lines = sorted(company.table(INVOICE_LINES).where("InvoiceID", row["InvoiceID"]), key=_by_line)
    (invoice,) = _shown(world, company, INVOICES, [row])
    account = company.table(ACCOUNTS).get(row["InvoiceTo"])
    seller = division_row(company.code, company.code, world.clock.now(), company, company.profile)
    return render(
        "invoice.html",
        **_names(company),
        invoice=invoice,
        seller=seller,
        address=_shown(world, company, ACCOUNTS, [account or {}])[0],
        lines=_shown(world, company, INVOICE_LINES, lines),
        rates=_vat_by_rate(discounted(lines, row)),
    )


def _vat_by_rate(lines: Iterable[Row]) -> list[tuple[Decimal, Decimal, Decimal]]:
    """The rates of the lines of an invoice, each with what it is reckoned on and the VAT."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        rate = line.get("VATPercentage") or ZERO
        net, vat = found.get(rate, (ZERO, ZERO))
        found[rate] = net + line.get("AmountFC", ZERO), vat + line.get("VATAmountFC", ZERO)
    return [(rate, net, vat) for rate, (net, vat) in sorted(found.items())]


def _any_row(world: World, request: Request) -> str:
    """A row of the API that has no page of its own form: its columns that are not empty."""
    company = _asked(world, request)
    path = request.path_params["path"]
    try:
        resource = find_resource(path)
    except ApiError:
        raise _NotThereError("The company has no such row.") from None
    table = resource.endpoint.id
    row = table_of(company, table).get(_only_key(resource)) if _is_row(resource) else None
    if row is None:
        raise _NotThereError("The company has no such row.")
    (shown,) = _shown(world, company, table, [row])
    values = {name: value for name, value in shown.items() if value not in {None, ""}}
    title = f"{entity_name(resource.endpoint)} {shown.get('Code') or ''}".strip()
    return render("row.html", **_names(company), title=title, values=values, path=path)


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


def _newest(rows: Iterable[Row]) -> list[Row]:
    """Rows, those made last in front."""
    return sorted(rows, key=lambda row: row["Created"], reverse=True)


def _part(
    world: World, company: Company, table: str, rows: Collection[Row], request: Request
) -> dict[str, Any]:
    """The rows of a page of a list that is asked for, and the numbers of the pages beside it."""
    name = table.rpartition("/")[2]
    asked = request.query_params.get(name, "1")
    last = max(1, -(-len(rows) // _LISTED))
    page = min(max(1, int(asked) if asked.isdecimal() else 1), last)
    shown = _newest(rows)[(page - 1) * _LISTED : page * _LISTED]
    return {
        "rows": _shown(world, company, table, shown),
        "count": len(rows),
        "parameter": name,
        "page": page,
        "last": last,
    }


def _by_line(row: Row) -> int:
    return int(row.get("LineNumber", 0))


def _shown(world: World, company: Company, table: str, rows: Iterable[Row]) -> list[Row]:
    """Rows with all columns, as plain values."""
    view = world.view(table, company)
    readers = {name: view.reader(name) for name in view.columns}
    return [{name: read(row) for name, read in readers.items()} for row in rows]
