"""What an empty column shows: null, zero, false or an empty text.

Recorded for accounts, items, journals, VAT codes, sales invoices, divisions and users; columns of
the same name or kind are assumed to be alike elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exactonline_client.catalogue import Property

# Flags and small numbers that may be unknown.
_NULL = {
    "AddressSource", "BankAccountUseSEPA", "BankAccountUseSepaDirectDebit", "DeliveryAdvice",
    "EnableSalesPaymentLink", "HasWithholdingTaxSales", "IsExtraDuty", "IsTaxableItem",
    "ShowRemarkForSales", "UseExplosion",
}  # fmt: skip
_FREE = re.compile(r"Free\w+Field_\d\d")
_ZERO = {
    "Edm.Int32": re.compile(
        "BlockingStatus|InvoicingMethod|PaymentServiceProvider|ProcessNumber|.*LeadDays"
    ),
    "Edm.Double": re.compile("Discount.*|AmountDiscount.*|CreditLine.*"),
}
_EMPTY_TEXT = {"DivisionCustomerSiretNumber", "GlnNumber", "OINNumber", "SiretNumber"}

# What the sparse answer to a POST leaves null, although an empty column shows another value.
_NULL_WHEN_SPARSE = {"AutomaticProcessProposedEntry", "ConsolidationScenario", "Source"}
_FALSE_WHEN_SPARSE = {"IgnoreDatevWarningMessage"}


def empty_value(item: Property) -> int | bool | str | None:
    """What a column without a value shows."""
    if item.name in _NULL or _FREE.fullmatch(item.name):
        return None
    if item.type == "Edm.Byte":
        return 0
    if item.type == "Edm.Boolean":
        return False
    if item.type in _ZERO and _ZERO[item.type].fullmatch(item.name):
        return 0
    return "" if item.name in _EMPTY_TEXT else None


def sparse_value(item: Property) -> int | bool | None:
    """What a column shows in the sparse answer to a POST."""
    if item.name in _FALSE_WHEN_SPARSE:
        return False
    return 0 if item.type == "Edm.Byte" and item.name not in _NULL | _NULL_WHEN_SPARSE else None
