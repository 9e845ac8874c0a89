"""Whole files as people make them: each becomes invoices with the totals of Exact, to the cent.

What is refused instead, and what is asked, is in `test_situations.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.spreadsheet.builders import csv_bytes, save_xlsx
from tests.cli.spreadsheet.test_import import amounts, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.spreadsheet.conftest import Company

DAY = (datetime(2026, 11, 28), "dd-mm-yyyy")  # noqa: DTZ001 - a cell has no zone
NL = ("Factuurnummer", "Klantcode", "Factuurdatum", "Artikelcode", "Aantal", "Prijs", "Btw %")
FR = ("N° de facture", "Code client", "Date", "Code article", "Qté", "PU HT", "TVA %")
EN = ("Invoice number", "Customer code", "Invoice date", "SKU", "Quantity", "Price", "VAT %")
DE = ("Rechnungsnr.", "Kundennummer", "Datum", "Artikelnummer", "Menge", "Einzelpreis", "MwSt %")
PO = ("10000", "28-11-2026", "A-0001", "2", "12,50", "9")
HOURS = ("10001", "28-11-2026", "D-0017", "1,25", "95,00", "21")


@dataclass(frozen=True)
class File:
    """A file, and what its invoices come to; `{}` is a prefix of references."""

    rows: list[Any]
    """Of a CSV file, or of the first sheet of a workbook."""
    expected: dict[str, str]
    """The total of each invoice by its reference without the prefix."""
    form: dict[str, Any] = field(default_factory=dict)
    """How the CSV file is written."""
    workbook: dict[str, Any] | None = None
    """How the workbook is made; None for a CSV file."""
    options: tuple[str, ...] = ()


FILES = {
    "a row an invoice": File([NL, ("{}1", *PO), ("{}2", *HOURS)], {"1": "27.25", "2": "143.69"}),
    "a row a line": File([NL, ("{}1", *PO), ("{}1", "10000", *HOURS[1:])], {"1": "170.94"}),
    "French": File(
        [FR, ("{}1", "10000", "28/11/2026", "A-0001", "2,5", "1 234,56 €", "21")],
        {"1": "3734.54"},
        {"encoding": "cp1252"},
    ),
    "English, with commas": File(
        [EN, ("{}1", "10000", "11/28/2026", "A-0001", "2", '"1,234.56"'.strip('"'), "21")],
        {"1": "2987.64"},
        {"delimiter": ","},
    ),
    "German": File(
        [DE, ("{}1", "10000", "28.11.2026", "A-0001", "3", "1.234,565", "9")], {"1": "4037.03"}
    ),
    "headers of three languages": File(
        [
            ("Invoice no", "Klantcode", "Date de facture", "Art.nr.", "Menge", "Price", "Btw"),
            ("{}1", *PO[:5], "9 %"),
        ],
        {"1": "27.25"},
    ),
    "UTF-8 with a mark": File([NL, ("{}1", *PO)], {"1": "27.25"}, {"encoding": "utf-8-sig"}),
    "UTF-16 with tabs": File(
        [NL, ("{}1", *PO)], {"1": "27.25"}, {"encoding": "utf-16", "delimiter": "\t"}
    ),
    "bars": File([NL, ("{}1", *PO)], {"1": "27.25"}, {"delimiter": "|"}),
    "a line that names the delimiter": File(
        [NL, ("{}1", *PO)], {"1": "27.25"}, {"before": "sep=;\n"}
    ),
    "a title above": File([("Te factureren november",), (), NL, ("{}1", *PO)], {"1": "27.25"}),
    "a row of totals": File(
        [NL, ("{}1", *PO), ("Totaal", "", "", "", "2", "12,50", "")], {"1": "27.25"}
    ),
    "subtotals by customer": File(
        [NL, ("{}1", *PO), ("", "", "", "Subtotaal", "2", "", ""), ("{}2", *HOURS)],
        {"1": "27.25", "2": "143.69"},
    ),
    "empty rows between": File(
        [NL, (), ("{}1", *PO), ("", " ", "", "", "", "", ""), ("{}2", *HOURS), ()],
        {"1": "27.25", "2": "143.69"},
    ),
    "headers repeated on each page": File(
        [NL, ("{}1", *PO), NL, ("{}2", *HOURS)], {"1": "27.25", "2": "143.69"}
    ),
    "a note below": File([NL, ("{}1", *PO), ("Prijzen exclusief btw",)], {"1": "27.25"}),
    "the invoice on its first row only": File(
        [NL, ("{}1", *PO), ("", "", "", *HOURS[2:])], {"1": "170.94"}
    ),
    "rows of one invoice apart": File(
        [NL, ("{}1", *PO), ("{}2", *HOURS), ("{}1", *PO)], {"1": "54.50", "2": "143.69"}
    ),
    "items side by side": File(
        [
            (*NL[:3], "Artikel 1", "Aantal 1", "Prijs 1", "Artikel 2", "Aantal 2", "Prijs 2"),
            ("{}1", *PO[:2], "A-0001", "2", "12,50", "A-0002", "1", "18,40"),
        ],
        {"1": "43.40"},
    ),
    "currency signs and thousands": File(
        [NL, ("{}1", *PO[:4], "€ 1.234,50", "9"), ("{}2", *PO[:4], "EUR 12,50-", "9")],
        {"1": "2691.21", "2": "-27.25"},
    ),
    "minus in front, as a credit": File(
        [NL, ("{}1", *PO[:3], "-2", "12,50", "9")], {"1": "-27.25"}
    ),
    "quantities of three decimals": File(
        [NL, ("{}1", *PO[:3], "0,333", "9,9999", "21"), ("{}1", *PO[:3], "1,005", "3,335", "9")],
        {"1": "7.68"},
    ),
    "prices with VAT": File(
        [(*NL[:5], "Prijs incl. btw", "Btw %"), ("{}1", *PO[:3], "3", "9,99", "21")],
        {"1": "29.97"},
    ),
    "a discount in per cent": File(
        [(*NL, "Korting %"), ("{}1", *PO, "12,5"), ("{}1", *PO, "")], {"1": "51.10"}
    ),
    "codes of VAT": File([(*NL[:6], "Btw-code"), ("{}1", *PO[:5], "4")], {"1": "27.25"}),
    "no VAT at all": File([NL[:6], ("{}1", *PO[:5])], {"1": "25.00"}),
    "amounts that are checked": File(
        [
            (*NL, "Regelbedrag", "Totaal incl. btw"),
            ("{}1", *PO, "25,00", "170,94"),
            ("{}1", "10000", *HOURS[1:], "118,75", "170,94"),
        ],
        {"1": "170.94"},
    ),
    "a customer by name": File(
        [("Factuurnummer", "Klant", *NL[2:]), ("{}1", "Apotheek Dijkstra GmbH", *PO[1:])],
        {"1": "27.25"},
    ),
    "hidden characters": File(
        [("\u200bFactuur\u00adnummer", *NL[1:]), ("{}1", "10000\u00a0", *PO[1:])], {"1": "27.25"}
    ),
    "what no field is": File([("Id", *NL, "Intern"), ("7", "{}1", *PO, "ja")], {"1": "27.25"}),
    "one customer for all": File(
        [(NL[0], *NL[2:]), ("{}1", *PO[1:])], {"1": "27.25"}, options=("--set", "OrderedBy=10000")
    ),
    "a workbook": File(
        [NL, ("{}1", 10000, DAY, "A-0001", 2, 12.5, 9)], {"1": "27.25"}, workbook={}
    ),
    "a workbook with formats": File(
        [NL, ("{}1", (10000, "00000"), DAY, "A-0001", 2, (12.5, '"€" #,##0.00'), (0.09, "0%"))],
        {"1": "27.25"},
        workbook={},
    ),
    "a workbook with formulas": File(
        [NL, ("{}1", "10000", DAY, "A-0001", ["=1+1", 2], ["=25/2", 12.5], 9)],
        {"1": "27.25"},
        workbook={},
    ),
    "a workbook with merged cells": File(
        [
            NL,
            ("{}1", "10000", "28-11-2026", "A-0001", 2, 12.5, 9),
            ("", "", "", "D-0017", 1.25, 95, 21),
        ],
        {"1": "170.94"},
        workbook={"merged": ["A2:A3", "B2:B3", "C2:C3"]},
    ),
    "a workbook with a title and totals": File(
        [
            ("Facturen november", *[""] * 6),
            (),
            NL,
            ("{}1", "10000", DAY, "A-0001", 2, 12.5, 9),
            ("Totaal", "", "", "", ["=SUM(E4:E4)", 2], "", ""),
        ],
        {"1": "27.25"},
        workbook={"merged": ["A1:G1"]},
    ),
    "a workbook with another sheet": File(
        [NL, ("{}1", "10000", DAY, "A-0001", 2, 12.5, 9)],
        {"1": "27.25"},
        workbook={"others": {"Uitleg": [("Vul het blad in",), ("Bel ons",)]}},
    ),
    "a workbook with a hidden row": File(
        [
            NL,
            ("{}1", "10000", DAY, "A-0001", 2, 12.5, 9),
            ("{}2", "10001", DAY, "D-0017", 1.25, 95, 21),
        ],
        {"1": "27.25", "2": "143.69"},
        workbook={"hidden": [3]},
    ),
    "a workbook with hours as time": File(
        [
            (*NL[:4], "Uren", *NL[5:]),
            ("{}1", "10001", DAY, "D-0017", (0.0625, "[h]:mm"), 95, 21),
        ],
        {"1": "172.43"},
        workbook={},
    ),
}


def named(value: Any, prefix: str) -> Any:
    """A cell with the prefix of its references."""
    return value.replace("{}", prefix) if isinstance(value, str) else value


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_invoices_with_the_totals_of_the_preview(
    company: Company, tmp_path: Path, name: str
) -> None:
    file, prefix = FILES[name], f"FILE-{list(FILES).index(name)}-"
    rows = [[named(cell, prefix) for cell in row] for row in file.rows]
    if file.workbook is None:
        path = tmp_path / "table.csv"
        path.write_bytes(csv_bytes(rows, **file.form))
    else:
        others = file.workbook.get("others", {})
        form = {key: value for key, value in file.workbook.items() if key != "others"}
        path = save_xlsx(tmp_path / "table.xlsx", {"Facturen": rows, **others}, **form)
    found = company.invoices_import(path, *file.options)
    assert found["problems"] == []
    assert {each["reference"]: each["outcome"] for each in found["results"]} == {
        f"{prefix}{reference}": "created" for reference in file.expected
    }
    for document in found["documents"]:
        (invoice,) = company.invoices(document["reference"])
        assert shown(document) == amounts(invoice), document
        assert document["total"] == file.expected[document["reference"].removeprefix(prefix)]


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 30
