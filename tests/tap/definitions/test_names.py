"""Setting `column_names`: records under names in snake case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import catalogue
from exactonline_client.deletion import DELETED_AT
from exactonline_client.errors import ConfigurationError
from tap_exactonline.definitions import names
from tap_exactonline.tap import TapExactOnline
from target_exactonline.schema.names import plain
from tests.tap.conftest import Bench, catalog

if TYPE_CHECKING:
    from tests.tap.conftest import Outcome

STREAMS = ("sales_invoices", "sales_invoice_lines", "journals")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
MAX_LENGTH = 63
"""Characters of an identifier in PostgreSQL."""


def in_snake_case(row: dict[str, Any]) -> dict[str, Any]:
    return {names.snake(name): value for name, value in row.items()}


def schemas(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {
        message["stream"]: message for message in outcome.messages if message["type"] == "SCHEMA"
    }


def _partitions(outcome: Outcome) -> dict[str, Any]:
    return {name: item["partitions"] for name, item in outcome.state["bookmarks"].items()}


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        ("InvoiceNumber", "invoice_number"),
        ("GLAccountCode", "gl_account_code"),
        ("AmountVATFC", "amount_vat_fc"),
        ("ID", "id"),
        ("AddressLine1", "address_line1"),
        ("User", "user_"),
        ("From", "from_"),
        ("_sdc_deleted_at", "_sdc_deleted_at"),
    ],
)
def test_snake_case(exact: str, expected: str) -> None:
    assert names.snake(exact) == expected


def test_every_column_has_a_name_of_its_own_that_needs_no_quotes_and_the_target_knows() -> None:
    for endpoint in catalogue.load().endpoints.values():
        found = names.by_exact_name(endpoint.id, endpoint.columns, names.SNAKE)
        for exact, name in found.items():
            assert IDENTIFIER.fullmatch(name)
            assert name not in names.RESERVED
            assert len(name) <= MAX_LENGTH
            assert plain(name) == plain(exact)


def test_columns_that_would_share_a_name_are_refused() -> None:
    custom = [
        {
            "name": "mine",
            "path": "crm/Unheard",
            "primary_keys": ["ID"],
            "schema": {"ID": "Edm.Guid", "VatCode": "string", "Vat_Code": "string"},
        }
    ]
    config = {"custom_streams": custom, "column_names": "snake"}
    with pytest.raises(ConfigurationError, match="VatCode and Vat_Code of stream mine"):
        _ = TapExactOnline(config=config, validate_config=False, setup_mapper=False).catalog_dict


def test_records_differ_in_their_names_alone(bench: Bench) -> None:
    exact = bench.run(*STREAMS)
    snake = bench.run(*STREAMS, column_names="snake")
    assert not snake.error
    for stream in STREAMS:
        assert snake.records(stream) == [in_snake_case(row) for row in exact.records(stream)]
        assert set(snake.records(stream)[0]) <= set(schemas(snake)[stream]["schema"]["properties"])
    invoices = schemas(snake)["sales_invoices"]
    assert invoices["key_properties"] == ["division", "invoice_id"]
    assert invoices["bookmark_properties"] == ["timestamp"]
    bookmarks = [
        {name: part["replication_key_value"] for name, (part,) in _partitions(run).items()}
        for run in (exact, snake)
    ]
    assert bookmarks[0] == bookmarks[1]
    assert snake.calls["sync/SalesInvoice/SalesInvoices"] == 1


def test_changing_the_setting_reads_no_row_again_and_deletes_arrive(bench: Bench) -> None:
    first = bench.run(*STREAMS)
    bench.server.control.changes(bench.divisions[0], seed=1, new=1, changed=0, deleted=2)
    bench.server.control.clock(advance_seconds=600)
    second = bench.run(*STREAMS, state=first.state, column_names="snake")
    gone = [row for row in second.records("sales_invoices") if row.get(DELETED_AT)]
    assert gone
    assert all({"division", "invoice_id"} <= row.keys() for row in gone)
    assert len(second.records("sales_invoices")) < len(first.records("sales_invoices")) / 2


def test_columns_are_selected_by_their_new_names(bench: Bench) -> None:
    run = bench.run("sales_invoices", columns=["invoice_number"], column_names="snake")
    row = run.records("sales_invoices")[0]
    assert row.keys() == {"division", "invoice_id", "invoice_number", "timestamp"}


def test_a_catalog_with_the_other_names_is_understood(bench: Bench) -> None:
    found = catalog(("sales_invoices",), ["InvoiceNumber"], bench.config)
    tap = TapExactOnline(config={**bench.config, "column_names": "snake"}, catalog=found)
    stream = tap.streams["sales_invoices"]
    assert list(stream.primary_keys or ()) == ["division", "invoice_id"]
    assert stream.replication_key == "timestamp"
    assert stream.mask["properties", "invoice_number"]
    assert not stream.mask["properties", "amount_dc"]


def test_stream_maps_and_custom_streams_take_the_new_names(bench: Bench) -> None:
    run = bench.run(
        "journals",
        "big_accounts",
        column_names="snake",
        custom_streams=[{"name": "big_accounts", "path": "crm/Accounts", "select": ["Name"]}],
        stream_maps={"journals": {"label": "code + ' ' + description"}},
    )
    assert not run.error
    journal = run.records("journals")[0]
    assert journal["label"] == f"{journal['code']} {journal['description']}"
    assert run.records("big_accounts")[0].keys() == {"division", "id", "name"}


def test_posting_results_follow() -> None:
    tap = TapExactOnline(config={"column_names": "snake"}, validate_config=False)
    stream = tap.streams["posting_results"]
    assert list(stream.primary_keys or ()) == ["division", "entity", "reference"]
    assert "Division" not in stream.schema["properties"]
