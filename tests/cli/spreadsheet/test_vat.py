"""VAT codes and checked totals, by the codes of a division."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_cli.spreadsheet import vat
from exactonline_cli.spreadsheet.books import Books, Customer, Item
from exactonline_cli.spreadsheet.reckoning import VatCode
from tests.cli.spreadsheet.builders import HEADERS, draft, save_csv, told

if TYPE_CHECKING:
    from pathlib import Path

    from exactonline_cli.spreadsheet.model import Draft
    from exactonline_cli.spreadsheet.reckoned import Reckoned

CODES = (
    ("0", "Geen btw", "0", False),
    ("2", "Hoog, exclusief", "0.21", False),
    ("3", "Hoog, inclusief", "0.21", True),
    ("4", "Laag, exclusief", "0.09", False),
    ("7", "Binnen de EU", "0", False),
)
ROW = ("F-1", "10000", "28-11-2026", "A-0001", "3", "10,00")


def books() -> Books:
    """A division with a customer in the country, one abroad, and two items."""
    return Books(
        vat_codes={
            code: VatCode(code, text, Decimal(rate), has) for code, text, rate, has in CODES
        },
        customers={
            "10000": Customer("10000", "Apotheek", None),
            "10006": Customer("10006", "Boulangerie", "7"),
        },
        items={
            "a-0001": Item("A-0001", "Koffie", "4", Decimal("14.95")),
            "d-0017": Item("D-0017", "Uur", "2", Decimal(95)),
        },
    )


def reckoned(
    folder: Path, headers: tuple[str, ...], *rows: tuple[str, ...], **choices: Any
) -> tuple[Draft, list[Reckoned]]:
    made = draft(save_csv(folder / "a.csv", [headers, *rows]), **choices)
    assert made.questions == []
    vat.apply(made, books())
    return made, [each.reckoned for each in made.documents if each.reckoned]


@pytest.mark.parametrize(
    ("header", "value", "code", "total"),
    [
        ("Btw-code", "2", "2", "36.30"),
        ("Btw-code", "3", "3", "30.00"),
        ("Btw-code", "", None, "32.70"),
        ("Btw %", "21", "2", "36.30"),
        ("Btw %", "9 %", "4", "32.70"),
        ("Btw", "21 %", "2", "36.30"),
        ("Btw", "21", "2", "36.30"),
        ("Btw", "9", "4", "32.70"),
        ("Btw", "4", "4", "32.70"),
    ],
)
def test_a_code_or_a_rate_gives_the_code(
    tmp_path: Path, header: str, value: str, code: str | None, total: str
) -> None:
    made, (found,) = reckoned(tmp_path, (*HEADERS, header), (*ROW, value))
    assert told(made) == []
    assert made.documents[0].lines[0].fields.get("VATCode") == code
    assert found.amounts is not None
    assert str(found.amounts.total) == total


def test_without_any_the_customer_or_the_item_decides(tmp_path: Path) -> None:
    abroad = ("F-2", "10006", *ROW[2:])
    _, found = reckoned(tmp_path, HEADERS, ROW, abroad)
    assert [str(each.amounts and each.amounts.vat) for each in found] == ["2.70", "0.00"]


@pytest.mark.parametrize(
    ("item", "rate", "code", "net", "total"),
    [
        ("D-0017", "", "3", "24.79", "30.00"),
        ("D-0017", "21 %", "3", "24.79", "30.00"),
        ("A-0001", "21 %", "3", "24.79", "30.00"),
    ],
)
def test_a_price_with_vat_gets_the_code_that_includes_it(  # noqa: PLR0917
    tmp_path: Path, item: str, rate: str, code: str, net: str, total: str
) -> None:
    names = (*HEADERS[:5], "Prijs incl. btw", "Btw %")
    made, (found,) = reckoned(tmp_path, names, (*ROW[:3], item, *ROW[4:], rate))
    assert made.documents[0].lines[0].fields["VATCode"] == code
    assert found.amounts is not None
    assert (str(found.amounts.net), str(found.amounts.total)) == (net, total)


@pytest.mark.parametrize(
    ("names", "row", "said"),
    [
        (
            (*HEADERS, "Btw %"),
            (*ROW, "0"),
            "Btw % '0 %' can be one of several VAT codes of 0 % without VAT in the price: 0 ",
        ),
        (
            (*HEADERS, "Btw %"),
            (*ROW, "19"),
            "Btw % '19 %' has no VAT code: none has 19 % without VAT in the price ",
        ),
        (
            (*HEADERS[:5], "Prijs incl. btw"),
            ROW,
            "Prijs incl. btw '10' has no VAT code: none has 9 % with VAT in the price",
        ),
    ],
)
def test_a_rate_without_one_code_is_refused(
    tmp_path: Path, names: tuple[str, ...], row: tuple[str, ...], said: str
) -> None:
    made, _ = reckoned(tmp_path, names, row)
    (problem,) = told(made)
    assert problem.startswith(f"row 2 (reference F-1): {said}")


def test_the_code_that_is_given_for_all_decides_among_those_of_a_rate(tmp_path: Path) -> None:
    rows = ((*ROW, "0"), ("F-2", *ROW[1:], "21"))
    made, _ = reckoned(tmp_path, (*HEADERS, "Btw %"), *rows, constants={"VATCode": "7"})
    assert told(made) == []
    assert [each.lines[0].fields["VATCode"] for each in made.documents] == ["7", "2"]


def test_a_rate_of_nought_is_that_of_the_customer_abroad(tmp_path: Path) -> None:
    row = ("F-2", "10006", *ROW[2:], "0")
    made, _ = reckoned(tmp_path, (*HEADERS, "Btw %"), row)
    assert made.documents[0].lines[0].fields["VATCode"] == "7"


def test_numbers_that_are_codes_and_rates_are_asked_about(tmp_path: Path) -> None:
    made = draft(save_csv(tmp_path / "a.csv", [(*HEADERS, "Btw"), (*ROW, "0")]))
    (question,) = vat.questions(made, books())
    assert question.refusal == (
        "column Btw: '0' can be a VAT code or 0 %; give --vat codes or --vat rates"
    )
    for answer, code in (("codes", "0"), ("rates", None)):
        given, _ = reckoned(tmp_path, (*HEADERS, "Btw"), (*ROW, "0"), vat=answer)
        assert vat.questions(given, books()) == []
        assert given.documents[0].lines[0].fields.get("VATCode") == code


def test_without_a_price_the_item_has_one(tmp_path: Path) -> None:
    _, (found,) = reckoned(tmp_path, HEADERS[:5], ROW[:5])
    assert str(found.amounts and found.amounts.net) == "44.85"


def test_what_nobody_knows_has_no_total(tmp_path: Path) -> None:
    _, (found,) = reckoned(tmp_path, HEADERS[:5], (*ROW[:3], "X-1", "3"))
    assert found.amounts is None


@pytest.mark.parametrize(
    ("header", "values", "said"),
    [
        ("Regelbedrag", ["30,00", "30,00"], None),
        ("Regelbedrag", ["32,70", "30,00"], None),
        ("Regelbedrag", ["31,00", "30,00"],
         "Regelbedrag '31' is not what Exact will calculate, 30.00"),
        ("Btw-bedrag", ["2,70", "2,71"],
         "Btw-bedrag '2.71' is not what Exact will calculate, 2.70"),
        ("Totaal incl. btw", ["65,40", "65,40"], None),
        ("Totaal incl. btw", ["65,40", ""], None),
        ("Totaal incl. btw", ["32,70", "32,70"], None),
        ("Totaal incl. btw", ["65,41", ""],
         "Totaal incl. btw '65.41' is not what Exact will calculate, 65.40"),
        ("Totaal excl. btw", ["60,00", ""], None),
        ("Totaal btw", ["5,40", ""], None),
        ("Totaal btw", ["12,60", ""], "is not what Exact will calculate, 5.40"),
    ],
)  # fmt: skip
def test_totals_of_the_file_are_compared_to_the_cent(
    tmp_path: Path, header: str, values: list[str], said: str | None
) -> None:
    made, _ = reckoned(tmp_path, (*HEADERS, header), (*ROW, values[0]), (*ROW, values[1]))
    problems = told(made)
    assert (said is None) == (problems == [])
    assert said is None or said in problems[0]
    assert said is None or f"--column {header!r}=ignore" in problems[0]


@pytest.mark.parametrize(
    "other", [{"for_sales": False}, {"charged": True}, {"for_sales": False, "charged": True}]
)
def test_a_rate_is_no_code_of_purchases_nor_one_that_the_buyer_books(
    tmp_path: Path, other: dict[str, bool]
) -> None:
    table = save_csv(tmp_path / "a.csv", [(*HEADERS, "Btw %"), (*ROW, "21 %")])
    company = books()
    company.vat_codes["22"] = VatCode("22", "Verwerving", Decimal("0.21"), False, **other)  # noqa: FBT003
    made = draft(table)
    vat.apply(made, company)
    reckoned = made.documents[0].reckoned
    assert reckoned is not None
    ((_, code),) = reckoned.lines
    assert code is not None
    assert code.code == "2"
