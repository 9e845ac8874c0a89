"""Invoicing of sales orders in the background: a process, and its result."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.business.editor import missing
from exactonline_sandbox.business.invoices import INVOICES, sales_journal
from exactonline_sandbox.business.orders import LINES_OF, ORDERS
from exactonline_sandbox.business.rows import create
from exactonline_sandbox.errors import ApiError, invalid

if TYPE_CHECKING:
    from decimal import Decimal

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor
    from exactonline_sandbox.business.rules import Lines

PROCESSES = "salesinvoice/InvoiceSalesOrders"
ORDER_IDS = "SalesOrderIDs"
_CREATE_MODES = PER_CUSTOMER, PER_ORDER = 0, 1
_INVOICE_MODES = BY_DELIVERED, BY_ORDERED = 0, 1
_PARTIAL, _COMPLETE = 20, 21
_COPIED = ("Item", "Description", "NetPrice", "UnitPrice", "Discount", "VATCode", "UnitCode")


def start(editor: Editor, given: Row, lines: Lines) -> Row:
    """Note a process.

    Returns:
        The row for the answer, with the `ProcessID` to ask for the result with.

    Raises:
        ApiError: 500 for missing or invalid values.
    """
    orders = [str(row.get("ID", "")).lower() for row in lines.get(ORDER_IDS) or []]
    absent = [
        name for name in ("CreateMode", "InvoiceMode", "JournalCode") if given.get(name) is None
    ]
    if absent or not orders:
        raise missing(*absent, *([] if orders else [ORDER_IDS]))
    if given["CreateMode"] not in _CREATE_MODES:
        raise invalid("Invalid value: CreateMode")
    if given["InvoiceMode"] not in _INVOICE_MODES:
        raise invalid("Invalid value: InvoiceMode")
    sales_journal(editor, given["JournalCode"])
    process = {**given, "ID": editor.guid(), "ProcessID": editor.guid(), "_orders": orders}
    editor.insert(PROCESSES, process)
    return process


def result(company: Company, process_id: str) -> Row | None:
    """The result of a process so far; None for an unknown one."""
    found = company.table(PROCESSES).where("ProcessID", process_id)
    return {"Status": "In progress", **found[0]} if found else None


def run(editor: Editor, process: Row) -> None:
    """Create the invoices of a process, and note its result."""
    groups: dict[str, list[Row]] = defaultdict(list)
    errors = []
    for key in process["_orders"]:
        order = editor.find(ORDERS, key)
        if order is None:
            errors.append(f"Invalid reference: {ORDER_IDS} {key}")
        else:
            by_customer = process["CreateMode"] == PER_CUSTOMER
            groups[order["InvoiceTo"] if by_customer else key].append(order)
    created = 0
    for orders in groups.values():
        failure = _failure(editor, process, orders)
        if failure is None:
            created += 1
        else:
            errors.append(failure)
    changes = {
        "Status": "Processed",
        "Errors": "\r\n".join(errors),
        "NumberOfCreatedInvoices": created,
        "NumberOfFailedInvoices": len(errors),
    }
    editor.update(PROCESSES, process, changes)


def _failure(editor: Editor, process: Row, orders: list[Row]) -> str | None:
    """Invoice some orders; the message if that is refused."""
    try:
        _invoice(editor, process, orders)
    except ApiError as error:
        return error.message
    return None


def _invoice(editor: Editor, process: Row, orders: list[Row]) -> None:
    due = [(order, line, left) for order in orders for line, left in _left(editor, process, order)]
    if not due:
        numbers = ", ".join(str(order["OrderNumber"]) for order in orders)
        raise invalid(f"Nothing to invoice: sales order {numbers}")
    first = orders[0]
    rows = [
        {
            **{name: line[name] for name in _COPIED if name in line},
            "Quantity": left,
            "SalesOrder": order["OrderID"],
            "SalesOrderLine": line["ID"],
        }
        for order, line, left in due
    ]
    header = {
        "OrderedBy": first["OrderedBy"],
        "InvoiceTo": first["InvoiceTo"],
        "DeliverTo": first["DeliverTo"],
        "Journal": process["JournalCode"],
        "YourRef": first.get("YourRef"),
        "Description": first.get("Description"),
        "PaymentCondition": first.get("PaymentCondition"),
    }
    given = {name: value for name, value in header.items() if value is not None}
    create(editor, INVOICES, given, {"SalesInvoiceLines": rows})
    for _, line, left in due:
        invoiced = line.get("QuantityInvoiced", ZERO) + left
        status = _COMPLETE if invoiced >= line["Quantity"] else _PARTIAL
        changes = {"QuantityInvoiced": invoiced, "InvoiceStatus": status}
        editor.update(LINES_OF[ORDERS], line, changes)
    for order in orders:
        lines = editor.where(LINES_OF[ORDERS], "OrderID", order["OrderID"])
        whole = all(line.get("InvoiceStatus") == _COMPLETE for line in lines)
        editor.update(ORDERS, order, {"InvoiceStatus": _COMPLETE if whole else _PARTIAL})


def _left(editor: Editor, process: Row, order: Row) -> list[tuple[Row, Decimal]]:
    """The lines of an order of which something is to be invoiced, with how much."""
    column = "Quantity" if process["InvoiceMode"] == BY_ORDERED else "QuantityDelivered"
    lines = editor.where(LINES_OF[ORDERS], "OrderID", order["OrderID"])
    left = [(line, line.get(column, ZERO) - line.get("QuantityInvoiced", ZERO)) for line in lines]
    return [(line, quantity) for line, quantity in left if quantity > 0]
