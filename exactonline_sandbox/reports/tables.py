"""Which endpoint is which report, and its rows as a table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from exactonline_sandbox.books.tables import Row, Table
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.reports import balances, open_items, results, returns
from exactonline_sandbox.reports.ledger import PAYABLE, RECEIVABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from exactonline_sandbox.books.company import Company

    Report = Callable[[Company, date], list[Row]]


def _opening(years_back: int, company: Company, today: date, *, processed: bool) -> list[Row]:
    year, _ = company.profile.period_of(today)
    return balances.opening_balance(company, year - years_back, processed=processed)


def _items(kind: int, company: Company, _today: date) -> list[Row]:
    return open_items.item_list(company, kind)


def _ageing(kind: int, company: Company, today: date) -> list[Row]:
    return open_items.ageing_list(company, kind, today)


REPORTS: dict[str, Report] = {
    "financial/ReportingBalance": balances.reporting_balance,
    "openingbalance/CurrentYear/AfterEntry": partial(_opening, 0, processed=False),
    "openingbalance/CurrentYear/Processed": partial(_opening, 0, processed=True),
    "openingbalance/PreviousYear/AfterEntry": partial(_opening, 1, processed=False),
    "openingbalance/PreviousYear/Processed": partial(_opening, 1, processed=True),
    "read/financial/AgingOverview": open_items.ageing_overview,
    "read/financial/AgingPayablesList": partial(_ageing, PAYABLE),
    "read/financial/AgingReceivablesList": partial(_ageing, RECEIVABLE),
    "read/financial/JournalStatusList": returns.journal_status,
    "read/financial/OutstandingInvoicesOverview": open_items.outstanding,
    "read/financial/PayablesList": partial(_items, PAYABLE),
    "read/financial/ProfitLossOverview": results.profit_and_loss,
    "read/financial/ReceivablesList": partial(_items, RECEIVABLE),
    "read/financial/Returns": returns.returns,
    "read/financial/RevenueList": results.revenue_list,
}


def report_table(endpoint_id: str, company: Company, today: date) -> Table:
    """The rows of a report, as they are on a day.

    Raises:
        KeyError: The endpoint is no report.
    """
    endpoint = schema().endpoints[endpoint_id]
    is_guid = tuple(endpoint.properties[name].type == "Edm.Guid" for name in endpoint.key)
    table = Table(endpoint_id, endpoint.key, is_guid)
    for row in REPORTS[endpoint_id](company, today):
        table.add({name: value for name, value in row.items() if value is not None})
    return table
