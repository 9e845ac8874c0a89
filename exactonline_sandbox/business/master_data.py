"""Rules for accounts, contacts, addresses, items, ledger accounts and documents."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.attachments import CONTENT
from exactonline_sandbox.books.attachments import TABLE as ATTACHMENTS
from exactonline_sandbox.books.references import (
    ACCOUNTS,
    ADDRESSES,
    CONTACTS,
    DOCUMENTS,
    GL_ACCOUNTS,
    ITEMS,
)
from exactonline_sandbox.business.editor import Editor, missing
from exactonline_sandbox.business.rules import Lines, Rules
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from exactonline_sandbox.books.tables import Row

_BANK_ACCOUNTS = "crm/BankAccounts"
_STATUSES = ("A", "S", "P", "C")
# Where rows of an entity may be referred to: table, column, and name in the error message.
_USES = {
    ACCOUNTS: (
        ("salesinvoice/SalesInvoices", "OrderedBy", "Sales invoices"),
        ("salesinvoice/SalesInvoices", "InvoiceTo", "Sales invoices"),
        ("salesentry/SalesEntries", "Customer", "Sales entries"),
        ("purchaseentry/PurchaseEntries", "Supplier", "Purchase entries"),
        ("salesorder/SalesOrders", "OrderedBy", "Sales orders"),
        ("crm/Quotations", "OrderAccount", "Quotations"),
        ("purchaseorder/PurchaseOrders", "Supplier", "Purchase orders"),
        ("subscription/Subscriptions", "OrderedBy", "Subscriptions"),
        ("project/Projects", "Account", "Projects"),
    ),
    ITEMS: (
        ("salesinvoice/SalesInvoiceLines", "Item", "Sales invoices"),
        ("salesorder/SalesOrderLines", "Item", "Sales orders"),
        ("crm/QuotationLines", "Item", "Quotations"),
        ("purchaseorder/PurchaseOrderLines", "Item", "Purchase orders"),
        ("subscription/SubscriptionLines", "Item", "Subscriptions"),
    ),
    GL_ACCOUNTS: (("financialtransaction/TransactionLines", "GLAccount", "Transactions"),),
}


def _refuse_in_use(table: str, name: str, editor: Editor, row: Row) -> None:
    for other, column, place in _USES[table]:
        if editor.company.table(other).where(column, row["ID"]):
            raise invalid(f"Can't delete: {name} {row.get('Code')} - Used in: {place}")


def _prepare_account(editor: Editor, account: Row, _lines: Lines) -> None:
    if "Code" not in account:
        account["Code"] = _next_code(editor)
    _refuse_double_code(editor, ACCOUNTS, account["Code"])
    if account.get("Status", "A") not in _STATUSES:
        raise invalid("Invalid value: Status")
    defaults = {
        "Status": "A",
        "Type": "A",
        "Blocked": False,
        "CanDropShip": False,
        "IsBank": False,
        "IsMember": False,
        "IsPilot": False,
        "IsReseller": False,
        "IsSales": account.get("Status") == "C",
        "IsPurchase": bool(account.get("IsSupplier")),
        "IsSupplier": False,
        "StartDate": editor.today,
        "StatusSince": editor.today,
        "InvoiceAttachmentType": 1,
        "SalesCurrency": editor.company.profile.currency,
        "PurchaseCurrency": editor.company.profile.currency,
        "SecurityLevel": 10,
        "ConsolidationScenario": 6,
        "InvoicingMethod": 0,
        "CreditLineSales": Decimal(0),
        "DiscountSales": Decimal(0),
    }
    for name, value in defaults.items():
        account.setdefault(name, value)
    if account["Status"] == "C":
        account.setdefault("CustomerSince", editor.today)


def _next_code(editor: Editor) -> str:
    codes = (row["Code"] for row in editor.company.table(ACCOUNTS).rows.values())
    return str(max((int(code) for code in codes if code.isdecimal()), default=0) + 1)


def _refuse_double_code(editor: Editor, table: str, code: object) -> None:
    if editor.find_code(table, code) is not None:
        raise invalid(f"Already exists: Code {code}")


def _changing_code(table: str, editor: Editor, row: Row, changes: Row) -> None:
    code = changes.get("Code", row.get("Code"))
    if code != row.get("Code"):
        _refuse_double_code(editor, table, code)
    if table == ACCOUNTS and changes.get("Status", "A") not in _STATUSES:
        raise invalid("Invalid value: Status")


def _removing_account(editor: Editor, account: Row) -> None:
    _refuse_in_use(ACCOUNTS, "Account", editor, account)
    for table in (CONTACTS, ADDRESSES, _BANK_ACCOUNTS):
        editor.delete(table, editor.where(table, "Account", account["ID"]))


def _prepare_item(editor: Editor, item: Row, _lines: Lines) -> None:
    _refuse_double_code(editor, ITEMS, item["Code"])
    groups = editor.company.table("logistics/ItemGroups").rows.values()
    group = editor.find("logistics/ItemGroups", item.get("ItemGroup")) or next(
        (row for row in groups if row.get("IsDefault")), {}
    )
    defaults = {
        "ItemGroup": group.get("ID"),
        "GLRevenue": group.get("GLRevenue"),
        "GLCosts": group.get("GLCosts"),
        "GLStock": group.get("GLStock"),
        "Unit": "pc",
        "SalesVatCode": "2",
        "StartDate": editor.today,
        "IsSalesItem": False,
        "IsPurchaseItem": False,
        "IsStockItem": False,
        "IsFractionAllowedItem": False,
        "SecurityLevel": 10,
    }
    for name, value in defaults.items():
        item.setdefault(name, value)


def _prepare_contact(editor: Editor, contact: Row, _lines: Lines) -> None:
    account = editor.require(ACCOUNTS, contact["Account"], "Account")
    contact.setdefault("FullName", _full_name(contact))
    contact.setdefault("HID", editor.company.number("contact"))
    contact.setdefault("IsMailingExcluded", False)
    contact.setdefault("StartDate", editor.today)
    first = "MainContact" not in account
    contact.setdefault("IsMainContact", first)
    if first:
        editor.update(ACCOUNTS, account, {"MainContact": contact["ID"]})


def _full_name(contact: Row) -> str:
    parts = (contact.get(name) for name in ("FirstName", "MiddleName", "LastName"))
    return " ".join(part for part in parts if part)


def _changing_contact(_editor: Editor, contact: Row, changes: Row) -> None:
    if {"FirstName", "MiddleName", "LastName"} & set(changes):
        changes["FullName"] = _full_name({**contact, **changes})


def _removing_contact(editor: Editor, contact: Row) -> None:
    for account in editor.where(ACCOUNTS, "MainContact", contact["ID"]):
        editor.update(ACCOUNTS, account, {"MainContact": None})


def _prepare_attachment(_editor: Editor, attachment: Row, _lines: Lines) -> None:
    """Store the content as the file; reads return its size and a link."""
    content = attachment.pop("Attachment", None)
    if not content:
        raise missing("Attachment")
    attachment["FileSize"] = Decimal(len(content))
    attachment[CONTENT] = content


def _prepare_document(editor: Editor, document: Row, _lines: Lines) -> None:
    document.setdefault("HID", editor.company.number("document"))
    document.setdefault("DocumentDate", editor.today)
    document.setdefault("HasEmptyBody", not document.get("Body"))


def _removing_document(editor: Editor, document: Row) -> None:
    editor.delete(ATTACHMENTS, editor.where(ATTACHMENTS, "Document", document["ID"]))


RULES = {
    ACCOUNTS: Rules(
        required=("Name",),
        prepare=_prepare_account,
        changing=lambda editor, row, changes: _changing_code(ACCOUNTS, editor, row, changes),
        removing=_removing_account,
    ),
    ITEMS: Rules(
        required=("Code", "Description"),
        prepare=_prepare_item,
        changing=lambda editor, row, changes: _changing_code(ITEMS, editor, row, changes),
        removing=lambda editor, row: _refuse_in_use(ITEMS, "Item", editor, row),
    ),
    GL_ACCOUNTS: Rules(
        removing=lambda editor, row: _refuse_in_use(GL_ACCOUNTS, "G/L account", editor, row)
    ),
    CONTACTS: Rules(
        required=("Account", "LastName"),
        prepare=_prepare_contact,
        changing=_changing_contact,
        removing=_removing_contact,
    ),
    ADDRESSES: Rules(required=("Account", "Type")),
    DOCUMENTS: Rules(
        required=("Subject", "Type"), prepare=_prepare_document, removing=_removing_document
    ),
    ATTACHMENTS: Rules(required=("Document", "FileName"), prepare=_prepare_attachment),
}
