"""Sales orders, quotations, purchase orders and subscriptions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.books.amounts import ZERO, line_values
from exactonline_sandbox.books.references import ACCOUNTS, ITEMS, VAT_CODES, WAREHOUSES
from exactonline_sandbox.business.editor import Editor, missing
from exactonline_sandbox.business.invoices import fill_line
from exactonline_sandbox.business.rules import Lines, Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.tables import Row

ORDERS = "salesorder/SalesOrders"
QUOTATIONS = "crm/Quotations"
PURCHASE_ORDERS = "purchaseorder/PurchaseOrders"
SUBSCRIPTIONS = "subscription/Subscriptions"
OPEN_ORDER = 12
_ONE = Decimal(1)


class _Kind(NamedTuple):
    """Names of the tables and columns of one kind of order."""

    party: str
    navigation: str
    lines: str
    key: str


_KINDS = {
    ORDERS: _Kind("OrderedBy", "SalesOrderLines", "salesorder/SalesOrderLines", "OrderID"),
    QUOTATIONS: _Kind("OrderAccount", "QuotationLines", "crm/QuotationLines", "QuotationID"),
    PURCHASE_ORDERS: _Kind(
        "Supplier",
        "PurchaseOrderLines",
        "purchaseorder/PurchaseOrderLines",
        "PurchaseOrderID",
    ),
    SUBSCRIPTIONS: _Kind(
        "OrderedBy", "SubscriptionLines", "subscription/SubscriptionLines", "EntryID"
    ),
}
LINES_OF = {table: kind.lines for table, kind in _KINDS.items()}


def _preparing(table: str) -> Callable[[Editor, Row, Lines], None]:
    kind = _KINDS[table]

    def prepare(editor: Editor, order: Row, lines: Lines) -> None:
        rows = lines.get(kind.navigation) or []
        if not rows:
            raise missing(kind.navigation)
        account = editor.require(ACCOUNTS, order[kind.party], kind.party)
        for name, value in _defaults(editor, table, order, account).items():
            order.setdefault(name, value)
        for line in rows:
            _fill(editor, table, line, order)
        order.update(_totals(rows))

    return prepare


def _defaults(editor: Editor, table: str, order: Row, account: Row) -> Row:
    key, contact = account["ID"], account.get("MainContact")
    condition = account.get("PaymentConditionSales") or "30"
    warehouse = editor.find_code(WAREHOUSES, "1") or {}
    common = {"Currency": editor.company.profile.currency, "Discount": ZERO, "AmountDiscount": ZERO}
    if table == QUOTATIONS:
        return {
            **common,
            "QuotationNumber": editor.company.number("quotation"),
            "VersionNumber": 1,
            "QuotationDate": editor.today,
            "InvoiceAccount": key,
            "DeliveryAccount": key,
            "OrderAccountContact": contact,
            "PaymentCondition": condition,
            "SalesPerson": editor.author.user_id,
            "Status": 20,
        }
    if table == SUBSCRIPTIONS:
        return {
            "Number": editor.company.number("subscription"),
            "Currency": editor.company.profile.currency,
            "InvoiceTo": key,
            "OrderedByContactPerson": contact,
            "StartDate": editor.today,
            "PaymentCondition": condition,
            "Printed": False,
            "BlockEntry": False,
        }
    if table == PURCHASE_ORDERS:
        return {
            **common,
            "OrderNumber": editor.company.number("purchase order"),
            "OrderDate": editor.today,
            "ReceiptDate": editor.today,
            "PurchaseAgent": editor.author.user_id,
            "PaymentCondition": account.get("PaymentConditionPurchase") or "30",
            "Warehouse": warehouse.get("ID"),
            "OrderStatus": 10,
            "ReceiptStatus": 10,
            "InvoiceStatus": 10,
            "ExchangeRate": _ONE,
            "DropShipment": False,
        }
    return {
        **common,
        "OrderNumber": order.get("OrderNumber") or editor.company.number("sales order"),
        "OrderDate": editor.today,
        "DeliveryDate": order.get("OrderDate", editor.today),
        "InvoiceTo": key,
        "DeliverTo": key,
        "OrderedByContactPerson": contact,
        "PaymentCondition": condition,
        "Salesperson": editor.author.user_id,
        "WarehouseID": warehouse.get("ID"),
        "Status": OPEN_ORDER,
        "DeliveryStatus": OPEN_ORDER,
        "InvoiceStatus": OPEN_ORDER,
        "ApprovalStatus": 0,
    }


def _fill(editor: Editor, table: str, line: Row, order: Row) -> None:
    if table == PURCHASE_ORDERS:
        _fill_purchase_line(editor, line)
    else:
        fill_line(editor, line, order)
        line.pop("GLAccount", None)
    line["VATAmount"] = line["VATAmountFC"]
    if table == ORDERS:
        line.setdefault("DeliveryDate", order.get("DeliveryDate"))
        line.setdefault("QuantityDelivered", ZERO)
        line.setdefault("QuantityInvoiced", ZERO)
        line.update(DeliveryStatus=OPEN_ORDER, InvoiceStatus=OPEN_ORDER)
    if table == SUBSCRIPTIONS:
        line.setdefault("FromDate", order.get("StartDate"))
        line.setdefault("LineType", 0)


def _fill_purchase_line(editor: Editor, line: Row) -> None:
    if "Item" not in line:
        raise missing("Item")
    item = editor.require(ITEMS, line["Item"], "Item")
    line.setdefault("QuantityInPurchaseUnits", line.get("Quantity", _ONE))
    line["Quantity"] = line["QuantityInPurchaseUnits"]
    line.setdefault("UnitPrice", item.get("CostPriceStandard", ZERO))
    line.setdefault("NetPrice", line["UnitPrice"])
    line.setdefault("Description", item.get("Description"))
    line.setdefault("Unit", item.get("Unit"))
    line.setdefault("VATCode", item.get("SalesVatCode"))
    line.setdefault("ReceivedQuantity", ZERO)
    line.setdefault("InvoicedQuantity", ZERO)
    line.setdefault("Discount", ZERO)
    vat_code = editor.find_code(VAT_CODES, line.get("VATCode"))
    line.update(line_values(line["Quantity"], line["NetPrice"], vat_code))
    line["VATPercentage"] = None if vat_code is None else vat_code.get("Percentage")


def _totals(lines: list[Row]) -> Row:
    net = sum((line["AmountFC"] for line in lines), ZERO)
    vat = sum((line["VATAmountFC"] for line in lines), ZERO)
    return {
        "AmountFCExclVat": net,
        "AmountFC": net + vat,
        "AmountDC": net + vat,
        "VATAmountFC": vat,
        "VATAmount": vat,
        "AmountDiscountExclVat": ZERO,
        "PurchaseOrderLineCount": len(lines),
    }


def _update_totals(table: str) -> Callable[[Editor, Row], None]:
    kind = _KINDS[table]

    def changed(editor: Editor, line: Row) -> None:
        order = editor.require(table, line[kind.key], kind.key)
        rows = editor.where(kind.lines, kind.key, order[kind.key])
        editor.company.table(table).change(order, _totals(rows))
        editor.company.touch(table, order)

    return changed


def _preparing_line(table: str) -> Callable[[Editor, Row, Lines], None]:
    kind = _KINDS[table]

    def prepare(editor: Editor, line: Row, _lines: Lines) -> None:
        order = editor.require(table, line.get(kind.key), kind.key)
        others = editor.where(kind.lines, kind.key, order[kind.key])
        line["LineNumber"] = max((row["LineNumber"] for row in others), default=0) + 1
        _fill(editor, table, line, order)

    return prepare


def _changing_line(table: str) -> Callable[[Editor, Row, Row], None]:
    kind = _KINDS[table]

    def changing(editor: Editor, line: Row, changes: Row) -> None:
        order = editor.require(table, line[kind.key], kind.key)
        changes.pop(kind.key, None)
        whole = {name: value for name, value in {**line, **changes}.items() if value is not None}
        if "NetPrice" not in changes and {"UnitPrice", "Discount"} & set(changes):
            del whole["NetPrice"]
        _fill(editor, table, whole, order)
        changes.update({name: value for name, value in whole.items() if line.get(name) != value})

    return changing


def _removing(table: str) -> Callable[[Editor, Row], None]:
    kind = _KINDS[table]

    def removing(editor: Editor, order: Row) -> None:
        if table != PURCHASE_ORDERS:  # its lines go with their header
            editor.delete(kind.lines, editor.where(kind.lines, kind.key, order[kind.key]))

    return removing


RULES = {
    **{
        table: Rules(required=(kind.party,), prepare=_preparing(table), removing=_removing(table))
        for table, kind in _KINDS.items()
    },
    **{
        kind.lines: Rules(
            required=(kind.key, "Item"),
            prepare=_preparing_line(table),
            created=_update_totals(table),
            changing=_changing_line(table),
            changed=_update_totals(table),
            removed=_update_totals(table),
        )
        for table, kind in _KINDS.items()
    },
}
