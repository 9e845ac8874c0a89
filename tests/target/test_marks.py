"""Marks of deletion: nothing is deleted, or left out, but by a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from exactonline_client.errors import RecordsRejected

if TYPE_CHECKING:
    from tests.target.conftest import Company, Load, Message, Record, Runner

MARK = "_sdc_deleted_at"
WHEN = "2026-06-25T08:00:00Z"
ALIVE = [None, "", "  ", False, 0, "false", " 0"]
UNCLEAR = [True, "yes", 1, " 1", {}, "25-06-2026", "0001-01-01T00:00:00Z"]
DELETE: dict[str, Any] = {"load_method": "upsert", "hard_delete": True}
FLAT: dict[str, Any] = {"streams": {"billing": {"entity": "sales_invoices", "rows": "lines"}}}
HEADERS, LINES = "sales_invoices", "sales_invoice_lines"


def flat(company: Company, reference: str, quantity: float, **fields: Any) -> Record:
    header = {"YourRef": reference, "OrderedBy": company.customer}
    return {**header, "Item": company.items[0], "Quantity": quantity, "NetPrice": 1, **fields}


def load_flat(runner: Runner, *records: Record, **options: Any) -> Load:
    return runner.load(*records, stream="billing", **FLAT, **options)


def quantities(company: Company, reference: str) -> list[float]:
    (invoice,) = company.invoices(reference)
    return [row["Quantity"] for row in company.lines(invoice["InvoiceID"])]


@pytest.mark.parametrize("value", ALIVE)
def test_a_document_with_an_empty_mark_stays(company: Company, runner: Runner, value: Any) -> None:
    reference = str(uuid4())
    runner.load(company.invoice(reference))
    load = runner.load(company.invoice(reference, **{MARK: value}), **DELETE)
    assert load.outcomes == [(reference, "unchanged")]
    assert len(company.invoices(reference)) == 1
    assert company.calls("DELETE") == 0


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_document_with_another_mark_is_rejected(
    company: Company, runner: Runner, value: Any
) -> None:
    reference = str(uuid4())
    runner.load(company.invoice(reference))
    load = runner.load(company.invoice(reference, **{MARK: value}), **DELETE)
    assert load.outcomes == [(reference, "rejected")]
    (reason,) = load.reasons
    assert str(reason).startswith(f"{MARK} should be empty or the time of the deletion")
    assert ";" not in str(reason)
    assert len(company.invoices(reference)) == 1
    assert company.calls("DELETE") == 0


def test_the_mark_may_be_written_in_capitals(company: Company, runner: Runner) -> None:
    reference = str(uuid4())
    runner.load(company.invoice(reference))
    load = runner.load({"YOURREF": reference, MARK.upper(): WHEN}, **DELETE)
    assert load.outcomes == [(reference, "deleted")]


@pytest.mark.parametrize("value", ALIVE)
def test_a_row_with_an_empty_mark_is_a_line(company: Company, runner: Runner, value: Any) -> None:
    reference = str(uuid4())
    rows = [flat(company, reference, 1), flat(company, reference, 2, **{MARK: value})]
    assert load_flat(runner, *rows).outcomes == [(reference, "created")]
    assert quantities(company, reference) == [1, 2]


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_row_with_another_mark_takes_its_document_with_it(
    company: Company, runner: Runner, value: Any
) -> None:
    reference = str(uuid4())
    rows = [flat(company, reference, 1, **{MARK: value}), flat(company, reference, 2)]
    load = load_flat(runner, *rows, hard_delete=True)
    assert load.outcomes == [(reference, "rejected")]
    (reason,) = load.reasons
    assert str(reason).startswith(f"{MARK} should be empty or the time of the deletion")
    assert ";" not in str(reason)
    assert company.invoices(reference) == []


def test_a_row_with_a_moment_is_no_line(company: Company, runner: Runner) -> None:
    reference = str(uuid4())
    rows = [flat(company, reference, 1), flat(company, reference, 2, **{MARK: WHEN})]
    assert load_flat(runner, *rows).outcomes == [(reference, "created")]
    assert quantities(company, reference) == [1]


def two_streams(
    company: Company, runner: Runner, reference: str, mark: object, of_header: object = None
) -> Load:
    """A header and two lines, of which the second has a mark."""
    header = {"YourRef": reference, "OrderedBy": company.customer, MARK: of_header}
    lines: list[Record] = [
        {"reference": reference, "Item": company.items[0], "Quantity": number, "NetPrice": 1}
        for number in (1, 2)
    ]
    lines[1][MARK] = mark
    messages: list[Message] = [runner.schema(HEADERS), runner.schema(LINES)]
    messages.append(runner.record(header, HEADERS))
    messages += [runner.record(line, LINES) for line in lines]
    return runner.run(messages, hard_delete=True)


@pytest.mark.parametrize("value", ALIVE)
def test_a_line_with_an_empty_mark_is_there(company: Company, runner: Runner, value: Any) -> None:
    reference = str(uuid4())
    load = two_streams(company, runner, reference, value, value)
    assert load.outcomes == [(reference, "created")]
    assert quantities(company, reference) == [1, 2]


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_line_with_another_mark_takes_its_document_with_it(
    company: Company, runner: Runner, value: Any
) -> None:
    reference = str(uuid4())
    load = two_streams(company, runner, reference, value)
    assert load.outcomes == [(reference, "rejected")]
    (reason,) = load.reasons
    assert str(reason).startswith(f"SalesInvoiceLines[2].{MARK} should be empty or the time")
    assert company.invoices(reference) == []


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_header_with_another_mark_keeps_its_lines_and_is_rejected(
    company: Company, runner: Runner, value: Any
) -> None:
    reference = str(uuid4())
    load = two_streams(company, runner, reference, None, value)
    assert load.outcomes == [(reference, "rejected")]
    (reason,) = load.reasons
    assert str(reason).startswith(f"{MARK} should be empty or the time of the deletion")
    assert company.invoices(reference) == []


def test_a_deleted_line_in_a_document_is_left_out(company: Company, runner: Runner) -> None:
    reference = str(uuid4())
    lines = [
        {"Item": company.items[0], "Quantity": 1, "NetPrice": 1, MARK: ""},
        {"Item": company.items[0], "Quantity": 2, "NetPrice": 1, MARK: WHEN},
    ]
    load = runner.load(company.invoice(reference, SalesInvoiceLines=lines))
    assert load.outcomes == [(reference, "created")]
    assert quantities(company, reference) == [1]
    lines[1][MARK] = "yes"
    load = runner.load(company.invoice(str(uuid4()), SalesInvoiceLines=lines))
    (reason,) = load.reasons
    assert str(reason).startswith(f"SalesInvoiceLines[2].{MARK} should be empty or the time")


def test_two_references_that_differ_delete_nothing(company: Company, runner: Runner) -> None:
    one, other = str(uuid4()), str(uuid4())
    runner.load(company.invoice(one), company.invoice(other))
    load = runner.load({"YourRef": one, "reference": other, MARK: WHEN}, **DELETE)
    assert load.reasons == ["reference and YourRef are both given, and differ"]
    assert isinstance(load.error, RecordsRejected)
    assert len(company.invoices(one)) == len(company.invoices(other)) == 1


@pytest.mark.parametrize("value", ["", "false", "yes"])
def test_a_stream_map_lets_none_but_the_deleted_pass_its_filter(
    company: Company, runner: Runner, value: str
) -> None:
    reference = str(uuid4())
    load = runner.load(
        company.invoice(reference, **{MARK: value}),
        stream_maps={HEADERS: {"__filter__": "YourRef == 'another'"}},
        **DELETE,
    )
    assert (load.error, load.outcomes) == (None, [])


def test_a_stream_map_keeps_a_mark_that_is_no_moment(company: Company, runner: Runner) -> None:
    reference = str(uuid4())
    maps = {HEADERS: {"Description": "'mapped'", "__else__": None, "YourRef": "YourRef"}}
    schema = runner.schema()
    schema["schema"]["properties"] = {"YourRef": {"type": "string"}}
    record = runner.record(company.invoice(reference, **{MARK: "yes"}))
    load = runner.run([schema, record], stream_maps=maps, **DELETE)
    assert load.outcomes == [(reference, "rejected")]
    assert str(load.reasons[0]).startswith(MARK)
