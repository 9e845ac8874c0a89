"""A catalog that was made with other settings: no record has a column that its schema lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

STREAMS = (
    "accounts",
    "deleted",
    "document_attachments",
    "items",
    "posting_results",
    "purchase_entries",
    "purchase_entry_lines",
    "sales_invoice_lines",
    "sales_invoices",
    "system_divisions",
    "transaction_lines",
    "vat_codes",
    "codes",
)
PLAIN = {"use_sync_api": False, "deletes": "off"}
CUSTOM = {"custom_streams": [{"name": "codes", "path": "vat/VATCodes", "select": ["Code"]}]}


def messages(bench: Bench, given: dict[str, Any], **config: Any) -> list[dict[str, Any]]:
    """What a run sends with a catalog."""
    collector = Collector()
    tap = TapExactOnline(
        config={**bench.config, **CUSTOM, **config},
        catalog=given,
        message_writer=collector,
    )
    tap.sync_all()
    tap.finish()
    tap.connection.close()
    return collector.messages


def check(sent: list[dict[str, Any]]) -> set[str]:
    """The streams that had records, none of which says more than its schema."""
    columns: dict[str, set[str]] = {}
    beyond: dict[str, set[str]] = {}
    for message in sent:
        if message["type"] == "SCHEMA":
            columns[message["stream"]] = {*message["schema"]["properties"]}
            named = {*message["key_properties"], *message.get("bookmark_properties", ())}
            assert named <= columns[message["stream"]]
        elif message["type"] == "RECORD":
            more = message["record"].keys() - columns[message["stream"]]
            beyond.setdefault(message["stream"], set()).update(more)
    assert {name: more for name, more in beyond.items() if more} == {}
    return {*beyond}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (PLAIN, {}),
        ({}, PLAIN),
        ({}, {"keep_unknown_fields": True, "attachments": "content"}),
        (PLAIN, {"compare_keys": ["vat_codes"], "attachments": "content"}),
    ],
)
def test_a_catalog_of_other_settings(
    bench: Bench, before: dict[str, Any], now: dict[str, Any]
) -> None:
    given = catalog(STREAMS, None, {**CUSTOM, **before})
    sent = check(messages(bench, given, **now))
    assert sent >= {*STREAMS} - {"deleted", "posting_results"}


@pytest.mark.parametrize("use_sync_api", [True, False])
def test_a_catalog_that_was_shortened(bench: Bench, *, use_sync_api: bool) -> None:
    """Of each stream it has one column, and no word of the others."""
    given = catalog(STREAMS, None, CUSTOM)
    for entry in given["streams"]:
        some = [*entry["schema"]["properties"]][-1]
        entry["schema"]["properties"] = {some: entry["schema"]["properties"][some]}
        entry["metadata"] = [
            item for item in entry["metadata"] if item["breadcrumb"] in ([], ["properties", some])
        ]
    sent = messages(
        bench, json.loads(json.dumps(given)), use_sync_api=use_sync_api, attachments="content"
    )
    assert "accounts" in check(sent)
    (accounts, *_) = (m["record"] for m in sent if m.get("stream") == "accounts" and "record" in m)
    assert {"Division", "ID"} < accounts.keys()
    assert len(accounts) <= 5


def test_lines_whose_documents_are_not_in_the_catalog(bench: Bench) -> None:
    given = catalog(("purchase_order_lines",), None, {})
    given["streams"] = [
        entry for entry in given["streams"] if entry["tap_stream_id"] == "purchase_order_lines"
    ]
    sent = messages(bench, given)
    records = [message for message in sent if message["type"] == "RECORD"]
    assert len(records) == len(bench.truth("purchase_order_lines")) > 0
