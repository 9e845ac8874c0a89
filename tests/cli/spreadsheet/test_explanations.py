"""What is told of a table where what is sent is not what stands in its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_cli.spreadsheet import vat
from exactonline_cli.spreadsheet.explanations import explanations
from tests.cli.spreadsheet.builders import HEADERS, draft, save_csv
from tests.cli.spreadsheet.test_vat import ROW, books

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = (
    "Factuurnummer becomes the reference (YourRef), by which the document is known; Exact gives "
    "the number itself."
)
DISCOUNT = "Korting %: 10 % is sent as 0.1, since a discount is a fraction at Exact."
CHECKED = "Regelbedrag: not sent, only compared with what Exact will calculate."
DAY = "Factuurdatum is used for OrderDate too, as there is no other date."


def said(folder: Path, names: tuple[str, ...], *rows: tuple[str, ...], **choices: Any) -> list[str]:
    made = draft(save_csv(folder / "a.csv", [names, *rows]), **choices)
    known = books()
    if made.entity.stream == "sales_invoices":
        vat.apply(made, known)
    return explanations(made, known)


@pytest.mark.parametrize(
    ("header", "value", "sentence"),
    [
        ("Btw %", "21", "Btw %: 21 % is VAT code 2 (Hoog, exclusief)."),
        ("Btw-code", "2", None),
        (
            "Korting %",
            "10",
            DISCOUNT,
        ),
        ("Korting %", "", None),
        (
            "Regelbedrag",
            "30,00",
            CHECKED,
        ),
        ("Regelbedrag", "", None),
    ],
)
def test_each_turn_is_told_once(
    tmp_path: Path, header: str, value: str, sentence: str | None
) -> None:
    found = said(tmp_path, (*HEADERS, header), (*ROW, value), ("F-2", *ROW[1:], value))
    assert found == [NUMBER, DAY, *([sentence] if sentence else [])]


def test_a_number_beside_a_reference_only_groups(tmp_path: Path) -> None:
    found = said(tmp_path, ("YourRef", *HEADERS), ("PO-1", *ROW))
    assert found[0] == (
        "Factuurnummer only says which rows are one document; YourRef is its reference, and Exact "
        "gives the number itself."
    )


def test_references_that_are_made(tmp_path: Path) -> None:
    found = said(tmp_path, HEADERS[1:], ROW[1:], ("10006", *ROW[2:]))
    assert found[-1].startswith("2 documents have no reference in the file. It is made")
    assert "such as 10000-20261128-1," in found[-1]


def test_countries_by_name(tmp_path: Path) -> None:
    rows = [("1", "A", "Nederland"), ("2", "B", "be"), ("3", "C", "België"), ("4", "D", "")]
    found = said(tmp_path, ("Relatiecode", "Bedrijfsnaam", "Land"), *rows, entity="accounts")
    assert found == ["Land: Nederland is NL, België is BE."]


def test_accounts_that_are_no_customers_are_named(tmp_path: Path) -> None:
    made = draft(save_csv(tmp_path / "a.csv", [HEADERS, ROW, ("F-2", *ROW[1:])]))
    known = books()
    known.customers["10000"] = replace(known.customers["10000"], is_customer=False)
    vat.apply(made, known)
    assert explanations(made, known)[-1] == (
        "Exact may refuse invoices to accounts that are not customers: 10000. Make them customers "
        "there first."
    )
