"""Tables as they are: columns of other names, numbers with commas, keys of their own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.conftest import Company, Message, Record, Runner

COLUMNS = {
    "factuurnummer": "YourRef",
    "klant": "OrderedBy",
    "datum": "OrderDate",
    "artikel": "Item",
    "aantal": "Quantity",
    "prijs": "NetPrice",
    "kleur": None,
    "Journal": {"constant": "70"},
}


def row(company: Company, reference: str, **others: Any) -> Record:
    return {
        "id": 901,
        "factuurnummer": reference,
        "klant": company.customer,
        "datum": "2026-11-28",
        "artikel": company.items[0],
        "aantal": 2,
        "prijs": 12.5,
        "kleur": "rood",
        **others,
    }


def schema(*names: str, stream: str = "web", keys: tuple[str, ...] = ()) -> Message:
    properties: dict[str, Any] = {name: {} for name in names}
    properties |= {name: {"type": ["integer", "null"]} for name in keys}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": list(keys),
    }


def setting(**others: Any) -> dict[str, Any]:
    return {"streams": {"web": {"entity": "sales_invoices", "columns": COLUMNS, **others}}}


def test_columns_are_renamed_ignored_and_given_one_value(runner: Runner, company: Company) -> None:
    rows = [row(company, "COL-1"), row(company, "COL-1", id=902, aantal=3)]
    messages = [schema(*rows[0], keys=("id",)), *(runner.record(each, "web") for each in rows)]
    load = runner.run(messages, **setting())
    assert load.outcomes == [("COL-1", "created")], load.reasons
    (invoice,) = company.invoices("COL-1")
    assert invoice["Journal"] == "70"
    assert [line["Quantity"] for line in company.lines(invoice["InvoiceID"])] == [2, 3]


def test_a_later_row_with_the_same_key_of_the_source_takes_the_place_of_the_earlier(
    runner: Runner, company: Company
) -> None:
    rows = [row(company, "COL-2"), row(company, "COL-2", aantal=7)]
    messages = [schema(*rows[0], keys=("id",)), *(runner.record(each, "web") for each in rows)]
    assert runner.run(messages, **setting()).outcomes == [("COL-2", "created")]
    (invoice,) = company.invoices("COL-2")
    assert [line["Quantity"] for line in company.lines(invoice["InvoiceID"])] == [7]


def test_unknown_columns_are_told_once_with_the_way_out(
    runner: Runner, company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("id", "YourRef", "OrderedBy", "colour", "size", "SalesInvoiceLines", "_sdc_batched_at")
    records = [company.invoice(f"COL-3{number}", id=number) for number in range(3)]
    with caplog.at_level(logging.WARNING):
        load = runner.run(
            [
                schema(*names, stream="sales_invoices", keys=("id",)),
                *(runner.record(each) for each in records),
            ]
        )
    assert [outcome for _, outcome in load.outcomes] == ["created"] * 3
    (told,) = [each.getMessage() for each in caplog.records if "colour" in each.getMessage()]
    assert told == (
        "Stream 'sales_invoices': colour, size are not fields of SalesInvoices. A record with a "
        "value there is rejected. Say in the setting streams which field it is, or null to ignore "
        'it: {"sales_invoices": {"entity": "sales_invoices", "columns": {"colour": null}}}'
    )


@pytest.mark.parametrize("names", [("YourRef", "OrderedBy", "item_code", "Quantity"),
                                   ("your_ref", "ordered_by", "item", "quantity")])  # fmt: skip
def test_a_table_with_columns_of_lines_is_one_of_lines(
    runner: Runner, company: Company, names: tuple[str, ...]
) -> None:
    reference = f"ROWS-{names[2]}"
    item = next(
        each for each in company.server.control.truth(company.division, "items")
        if each["ID"] == company.items[0]
    )  # fmt: skip
    value = item["Code"] if names[2] == "item_code" else item["ID"]
    rows = [dict(zip(names, (reference, company.customer, value, count), strict=True))
            for count in (1, 2)]  # fmt: skip
    messages = [schema(*names, stream="sales_invoices"), *(runner.record(each) for each in rows)]
    load = runner.run(messages)
    assert load.outcomes == [(reference, "created")], load.reasons
    (invoice,) = company.invoices(reference)
    assert len(company.lines(invoice["InvoiceID"])) == 2


def test_who_says_that_records_are_documents_is_believed(runner: Runner, company: Company) -> None:
    names = ("YourRef", "OrderedBy", "Item")
    record = dict(zip(names, ("ROWS-3", company.customer, company.items[0]), strict=True))
    messages = [schema(*names, stream="sales_invoices"), runner.record(record)]
    load = runner.run(messages, streams={"sales_invoices": {"rows": "documents"}})
    assert load.outcomes == [("ROWS-3", "rejected")]


class TestLocale:
    @pytest.mark.parametrize("rows", ["documents", "lines"])
    def test_commas_and_days_first(self, runner: Runner, company: Company, rows: str) -> None:
        reference = f"LOC-{rows}"
        line = {"Item": company.items[0], "Quantity": "1.000,5", "NetPrice": "€ 12,50"}
        head = {"YourRef": reference, "OrderedBy": company.customer, "OrderDate": "28-11-2026"}
        record = {**head, **line} if rows == "lines" else {**head, "SalesInvoiceLines": [line]}
        load = runner.load(
            record, decimal="comma", dates="day-first", streams={"sales_invoices": {"rows": rows}}
        )
        assert load.outcomes == [(reference, "created")], load.reasons
        (invoice,) = company.invoices(reference)
        assert str(invoice["OrderDate"])[:10] == "2026-11-28"
        (written,) = company.lines(invoice["InvoiceID"])
        assert (written["Quantity"], written["NetPrice"]) == (1000.5, 12.5)

    def test_month_first_and_years_first(self, runner: Runner, company: Company) -> None:
        for reference, text in (("LOC-3", "11/28/2026"), ("LOC-4", "2026-11-28")):
            record = company.invoice(reference, OrderDate=text)
            assert runner.load(record, dates="month-first").outcomes == [(reference, "created")]
            (invoice,) = company.invoices(reference)
            assert str(invoice["OrderDate"])[:10] == "2026-11-28"

    @pytest.mark.parametrize(
        ("field", "value", "options", "said"),
        [
            ("OrderDate", "31-02-2026", {"dates": "day-first"}, "OrderDate does not exist"),
            ("OrderDate", "28-11-2026", {"dates": "month-first"}, "OrderDate has no month 28"),
            ("OrderDate", "28-11-2026", {}, "or set dates: day-first"),
            ("Discount", "0,1", {}, "or set decimal: comma"),
            ("Discount", "0.1", {"decimal": "comma"}, None),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_says_so(  # noqa: PLR0917
        self,
        runner: Runner,
        company: Company,
        field: str,
        value: str,
        options: dict[str, str],
        said: str | None,
    ) -> None:
        record = company.invoice(f"LOC-{value}-{len(options)}", **{field: value})
        load = runner.load(record, dry_run=True, **options)
        (reason,) = load.reasons
        assert said is None or said in str(reason)
        assert load.outcomes[0][1] == ("would_reject" if said else "would_create")
