"""Every entity that can be written, and how a stream finds its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from target_exactonline.schema import entities
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.references import TARGETS, Related, links

ROOT = Path(__file__).parents[3]
ALL = entities.entities()


@pytest.mark.parametrize(
    "stream",
    ["sales_invoices", "public-sales_invoices", "warehouse.sales_invoices", "my-db.SalesInvoices"],
)
def test_the_name_of_the_stream_chooses_the_entity(stream: str) -> None:
    assert entities.find(stream).endpoint.id == "salesinvoice/SalesInvoices"


def test_an_unknown_stream_is_answered_with_what_is_near_or_possible() -> None:
    with pytest.raises(ConfigurationError, match=r"'public-users'.*Writable are accounts, items"):
        entities.find("public-users")
    with pytest.raises(ConfigurationError, match=r"'invoices_sales'.*Did you mean "):
        entities.find("invoices_sales")


def test_every_stream_with_a_post_can_be_written() -> None:
    facts = catalogue.load()
    writable = {
        stream.name
        for stream in facts.streams.values()
        if stream.plain and "POST" in facts.endpoints[stream.plain].methods
    }
    assert ALL.keys() == writable
    assert len(ALL) > 120


@pytest.mark.parametrize("stream", ALL)
def test_what_an_entity_requires_and_is_known_by_can_be_written(stream: str) -> None:
    entity = ALL[stream]
    writable = shape_of(entity.endpoint.id).writable
    assert {*entity.required} <= {*writable}
    for name in entity.references:
        assert name in writable
        assert entity.endpoint.columns[name].type == "Edm.String"
    assert entity.key not in entity.required


def test_the_rules_name_endpoints_that_can_be_written() -> None:
    assert entities.RULES.keys() <= {entity.endpoint.id for entity in ALL.values()}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.properties[0])
def test_what_is_referred_to_can_be_read_and_found(target: Related) -> None:
    endpoint = catalogue.load().endpoints[target.endpoint]
    assert "GET" in endpoint.methods
    assert len(endpoint.key) == 1
    for column in target.by:
        assert endpoint.columns[column].type == "Edm.String"
    used = {
        name
        for each in catalogue.load().endpoints.values()
        for name in (*links(each), *(f"{each.name}.{link}" for link in links(each)))
    }
    assert {*target.properties} <= used


def test_the_reference_is_the_field_of_the_setting_or_else_the_entity_s_own() -> None:
    assert ALL["sales_invoices"].reference_field("YourRef") == "YourRef"
    assert ALL["sales_invoices"].reference_field("Description") == "Description"
    assert ALL["accounts"].reference_field("YourRef") == "Code"
    assert ALL["documents"].reference_field("YourRef") == "Subject"
    assert ALL["general_journal_entries"].reference_field("YourRef") is None


def test_a_reference_that_cannot_be_searched_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"'Remarks'.*YourRef, Description, PaymentRef"):
        ALL["sales_invoices"].reference_field("Remarks")
    with pytest.raises(ConfigurationError, match=r"no field that could"):
        ALL["addresses"].check_reference("Notes")


def test_a_reference_field_that_nothing_has_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"'YourReff'\. Did you mean YourRef\?"):
        ALL["accounts"].reference_field("YourReff")


def test_whether_a_search_is_promised_is_known() -> None:
    assert ALL["sales_invoices"].is_filterable("YourRef")
    assert not ALL["sales_entries"].is_filterable("YourRef")
    assert ALL["projects"].is_filterable("Code")


def test_lines_know_what_they_need_but_the_key_of_their_document() -> None:
    lines = shape_of("salesinvoice/SalesInvoices").children["SalesInvoiceLines"]
    assert lines.required == ("Item",)
    assert lines.parent == "InvoiceID"
    assert shape_of("salesinvoice/SalesInvoiceLines").required == ("InvoiceID", "Item")
    assert "PurchaseInvoiceLines" in shape_of("purchase/PurchaseInvoices").children


def test_the_page_of_sinks_is_that_of_the_catalogue() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "scripts", "sinks", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr
