"""Custom streams: what the user may write, what comes of it, and what is said of mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from exactonline_client.odata.query import MAX_URL
from tap_exactonline.definitions import custom, function_parameters
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.tap import TapExactOnline
from tests.tap.test_program import program

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

OWN = stream_definitions(catalogue.load(), use_sync=True)
AGING = "read/financial/AgingReceivablesListByAgeGroup"


def read(*entries: dict[str, Any]) -> list[custom.CustomDefinition]:
    return custom.stream_definitions(list(entries), OWN, catalogue.load())


def queries(bench: Bench, endpoint: str) -> list[str]:
    """The queries that were sent to an endpoint, decoded."""
    calls = bench.server.control.calls()["last"]
    return [unquote(call["query"]) for call in calls if call["endpoint"] == endpoint]


def test_a_known_endpoint_needs_a_name_and_a_path_only(bench: Bench) -> None:
    outcome = bench.run(
        "my_items", custom_streams=[{"name": "my_items", "path": "bulk/Logistics/Items"}]
    )
    assert outcome.error is None
    truth = {row["ID"]: row for row in bench.truth("items")}
    records = outcome.records("my_items")
    assert {row["ID"] for row in records} == set(truth)
    for record in records:
        assert record["Division"] == bench.divisions[0]
        assert record["Modified"].endswith("+00:00")
        assert record["StandardSalesPrice"] == truth[record["ID"]]["StandardSalesPrice"]


def test_a_filter_holds_together_with_the_bookmark(bench: Bench) -> None:
    entry = {
        "name": "processed",
        "path": "salesinvoice/SalesInvoices",
        "filter": "Status eq 50 or Status eq 10",
        "replication_key": "Modified",
        "select": ["InvoiceNumber", "Status"],
    }
    first = bench.run("processed", custom_streams=[entry])
    wanted = [row for row in bench.truth("sales_invoices") if row["Status"] in (10, 50)]
    records = first.records("processed")
    assert {row["InvoiceID"] for row in records} == {row["InvoiceID"] for row in wanted}
    assert len(records) < len(bench.truth("sales_invoices"))
    assert set(records[0]) == {"InvoiceID", "InvoiceNumber", "Status", "Modified", "Division"}
    bench.server.control.clock(advance_seconds=86_400)
    second = bench.run("processed", custom_streams=[entry], state=first.state)
    assert second.error is None
    assert second.records("processed") == []
    assert second.state["bookmarks"] == first.state["bookmarks"]


def test_an_endpoint_that_is_not_known_is_read_with_declared_columns(bench: Bench) -> None:
    (definition,) = read(
        {
            "name": "novelties",
            "path": "crm/Novelties",
            "primary_keys": ["ID"],
            "replication_key": "Modified",
            "schema": {"ID": "Edm.Guid", "Modified": "date-time", "Day": "date", "Size": "number"},
        }
    )
    assert definition.endpoint.uri == "/api/v1/{division}/crm/Novelties"
    assert definition.primary_keys == ("Division", "ID")
    assert definition.bookmark == "Modified"
    outcome = bench.run(
        "novelties",
        custom_streams=[
            {
                "name": "novelties",
                "path": "crm/Novelties",
                "primary_keys": [],
                "schema": {"ID": "string"},
            }
        ],
    )
    assert outcome.error is not None
    assert "novelties" in str(outcome.error)


def test_rows_of_many_parents_come_in_one_call(bench: Bench) -> None:
    entry = {
        "name": "people",
        "path": "crm/Contacts",
        "parent": {"stream": "accounts", "field": "ID", "filter_field": "Account"},
        "select": ["FullName", "Account"],
    }
    outcome = bench.run("people", custom_streams=[entry])
    assert outcome.error is None
    truth = bench.truth("contacts")
    assert {row["ID"] for row in outcome.records("people")} == {row["ID"] for row in truth}
    assert len(outcome.records("people")) == len(truth)
    accounts = len(bench.truth("accounts"))
    pages = -(-len(truth) // 60)
    assert outcome.calls["sync/CRM/Accounts"] == 1
    assert outcome.calls["crm/Contacts"] <= pages + -(-accounts // 40)


@pytest.mark.parametrize("bench", [{"invoices": 200}], indirect=True)
def test_keys_of_headers_are_taken_from_a_list_that_mixes_them_with_lines(bench: Bench) -> None:
    entry = {
        "name": "lines",
        "path": "salesinvoice/SalesInvoiceLines",
        "parent": {"stream": "sales_invoices", "field": "InvoiceID", "filter_field": "InvoiceID"},
    }
    outcome = bench.run("lines", custom_streams=[entry])
    assert outcome.error is None
    assert len(outcome.records("lines")) == len(bench.truth("sales_invoice_lines"))
    asked = bench.server.control.calls()["last"]
    addresses = [call["query"] for call in asked if call["endpoint"] == entry["path"]]
    assert 2 < len([query for query in addresses if "$skiptoken" not in query]) < 10
    assert max(map(len, addresses)) > MAX_URL / 2


def test_a_function_gets_its_parameters(bench: Bench) -> None:
    entry = {
        "name": "first_invoice",
        "path": "read/sync/Sync/SyncTimestamp",
        "parameters": {"modified": "datetime'2000-01-01'", "endPoint": "SalesInvoices"},
    }
    (record,) = bench.run("first_invoice", custom_streams=[entry]).records("first_invoice")
    assert record["API"] == "SalesInvoices"
    assert isinstance(record["TimeStampAsBigInt"], int)
    assert "$select" not in queries(bench, "read/sync/Sync/SyncTimestamp")[0]


def test_a_function_that_takes_one_key_is_called_for_each(bench: Bench) -> None:
    entry = {
        "name": "owed",
        "path": "read/financial/ReceivablesListByAccount",
        "parent": {"stream": "accounts", "field": "ID", "parameter": "accountId"},
    }
    outcome = bench.run("owed", custom_streams=[entry])
    assert outcome.error is None
    asked = queries(bench, "read/financial/ReceivablesListByAccount")
    wanted = {f"accountId=guid'{row['ID']}'" for row in bench.truth("accounts")}
    assert outcome.calls["read/financial/ReceivablesListByAccount"] == len(wanted)
    assert set(asked) <= wanted


def test_years_are_read_one_by_one(bench: Bench) -> None:
    per_year = {"per": "year", "years": {"from": 2020, "to": 2022, "parameter": "year"}}
    entry = {"name": "revenue", "path": "read/financial/RevenueListByYear", **per_year}
    assert bench.run("revenue", custom_streams=[entry]).error is None
    assert queries(bench, "read/financial/RevenueListByYear") == [
        "year=2020",
        "year=2021",
        "year=2022",
    ]
    by_field = {
        "name": "old_lines",
        "path": "bulk/Financial/TransactionLines",
        "per": "year",
        "years": {"from": 2000, "filter_field": "FinancialYear"},
    }
    outcome = bench.run("old_lines", custom_streams=[by_field])
    assert len(outcome.records("old_lines")) == len(bench.truth("transaction_lines"))


def test_the_parameter_of_a_call_is_a_column_where_no_row_tells_it() -> None:
    about = {"parent": {"stream": "items", "field": "ID", "parameter": "itemId"}}
    (definition,) = read({"name": "price", "path": "read/logistics/ItemDetailsByID", **about})
    assert definition.primary_keys == ("Division", "itemId", "ID")
    (definition,) = read(
        {
            "name": "revenue",
            "path": "read/financial/RevenueListByYear",
            "per": "year",
            "years": {"from": 2020, "parameter": "year"},
        }
    )
    assert definition.primary_keys == ("Division", "Period", "Year")


@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 5}], indirect=True)
def test_a_list_of_the_user_is_read_once(bench: Bench) -> None:
    entry = {"name": "companies", "path": "system/Divisions", "per": "user", "select": ["Hid"]}
    outcome = bench.run("companies", custom_streams=[entry], divisions=[*bench.divisions])
    assert {row["Code"] for row in outcome.records("companies")} == set(bench.divisions)
    assert outcome.calls == {"system/Divisions": 1}


def test_rows_without_a_key_are_appended() -> None:
    (definition,) = read(
        {
            "name": "stock",
            "path": "read/logistics/StockPosition",
            "parameters": {},
            "primary_keys": [],
        }
    )
    assert definition.primary_keys == ()


BASE = {"name": "mine", "path": "crm/Accounts"}


def parent(stream: str, field: str, filter_field: str) -> dict[str, Any]:
    return {"parent": {"stream": stream, "field": field, "filter_field": filter_field}}


@pytest.mark.parametrize(
    ("entry", "place", "cure"),
    [
        ({"name": 5}, ".name", "expected `str`"),
        ({"name": "acc ounts"}, ".name", "letters"),
        ({"name": "Accounts"}, ".name", "another name"),
        ({"path": "/api/v1/crm/Accounts"}, ".path", "crm/Accounts"),
        ({"path": "crm/Accounts?$top=1"}, ".path", "without a query"),
        ({"path": "crm/../Me"}, ".path", "crm/Accounts"),
        ({"path": "CRM/accounts"}, ".path", "crm/Accounts"),
        ({"path": "salesinvoice/PrintedSalesInvoices"}, ".path", "not read"),
        ({"path": "crm/Novelties"}, ".schema", "Declare"),
        ({"path": "crm/Novelties", "schema": {"ID": "Edm.Guid"}}, ".primary_keys", "the key of"),
        ({"schema": {"Born": "Edm.DateTime"}}, ".schema.Born", "date-time"),
        ({"primary_keys": ["Id"]}, ".primary_keys", "Did you mean ID?"),
        ({"select": ["Nmae"]}, ".select", "Did you mean Name?"),
        ({"select": []}, ".select", "at least one"),
        ({"select": ["Name", 5]}, ".select[1]", "expected `str`"),
        ({"replication_key": "Created"}, ".replication_key", "Created"),
        ({"replication_key": "Timestamp", "path": "crm/Accounts"}, ".replication_key", "Timestamp"),
        ({"filter": "$filter=Status eq 'C'"}, ".filter", "alone"),
        ({"filter": "Name eq 'O'Neil'"}, ".filter", "single quotes"),
        ({"filter": "(Status eq 'C'"}, ".filter", "in pairs"),
        ({"filter": ")(Status eq 'C'"}, ".filter", "in pairs"),
        ({"filter": "Status eq 'C'", "path": "sync/CRM/Accounts"}, ".filter", "plain endpoint"),
        ({"parameters": {"a": 1}}, ".parameters", "filter instead"),
        ({"path": AGING}, ".parameters", "is a function"),
        ({"path": AGING, "parameters": {"$top": 1}}, ".parameters", "not the name"),
        ({"path": AGING, "parameters": {"age": None}}, ".parameters.age", "a text"),
        (
            {"path": AGING, "parameters": {"age": {"type": "Edm.Guid", "value": "x"}}},
            ".parameters.age",
            "Edm.Guid",
        ),
        ({"per": "year"}, ".years", "per"),
        ({"per": "month"}, ".per", "month"),
        ({"per": "year", "years": {"from": 2020}}, ".years", "filter_field"),
        ({"per": "year", "years": {"from": "2020"}}, ".years.from", "expected `int`"),
        (
            {"per": "year", "years": {"from": 2020, "filter_field": "Name"}},
            ".years.filter_field",
            "Edm.String",
        ),
        (
            {"path": AGING, "per": "year", "years": {"from": 2020, "to": 2019, "parameter": "y"}},
            ".years",
            "earlier",
        ),
        ({"parent": {"stream": "accounts"}}, ".parent", "`field`"),
        (parent("account", "ID", "ID"), ".parent.stream", "accounts"),
        (parent("accounts", "Id", "ID"), ".parent.field", "ID"),
        (parent("accounts", "Code", "ID"), ".parent", "Guid"),
        (
            {"replication_key": "Modified", **parent("items", "ID", "ID")},
            ".replication_key",
            "Leave it out",
        ),
        ({"pth": "x"}, "", "Did you mean path? It has name, path,"),
        ({"years": {"form": 2020}}, ".years", "Did you mean from? It has parameter, filter_field,"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_cure(
    entry: dict[str, Any], place: str, cure: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read({**BASE, "name": "first"}, {**BASE, **entry})
    assert f"custom_streams[1]{place}: " in str(caught.value)
    assert cure in str(caught.value)


def test_the_examples_of_the_documentation_hold() -> None:
    page = Path(__file__).parents[3] / "docs" / "custom-streams.md"
    examples = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    entries = [entry for example in examples for entry in example.get("custom_streams", [example])]
    assert len(entries) == len(read(*entries)) > 5


def test_two_streams_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"custom_streams\[1\].name: .*another name"):
        read(BASE, BASE)


def test_a_mistake_ends_the_program_in_one_line(bench: Bench, tmp_path: Path) -> None:
    config = {**bench.config, "custom_streams": [{"name": "accounts", "path": "crm/Accounts"}]}
    code, told, _ = program(tmp_path, config)
    assert code == 2
    assert "custom_streams[0].name" in told[-1]


def test_a_field_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not valid text"):
        read({**BASE, "key\udc95": 1})


def test_discovery_shows_custom_streams_and_refuses_wrong_ones() -> None:
    def discover(entry: dict[str, Any]) -> dict[str, Any]:
        tap = TapExactOnline(config={"custom_streams": [entry]}, validate_config=False)
        return {item["tap_stream_id"]: item for item in tap.catalog_dict["streams"]}

    found = discover({**BASE, "select": ["Name"]})["mine"]
    assert set(found["schema"]["properties"]) == {"ID", "Name", "Division"}
    assert list(found["key_properties"]) == ["Division", "ID"]
    with pytest.raises(ConfigurationError, match=r"custom_streams\[0\].path"):
        discover({**BASE, "path": "?"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.sampled_from(
    ["crm/Accounts", AGING, "x/Y", "ID", "Modified", "Timestamp", "year", "user"]
)
ENTRY = st.fixed_dictionaries(
    {"name": st.text() | st.just("mine"), "path": TEXTS | JSON},
    optional={
        "primary_keys": st.lists(TEXTS) | JSON,
        "replication_key": TEXTS | JSON,
        "filter": st.text() | JSON,
        "select": st.lists(TEXTS) | JSON,
        "schema": st.dictionaries(TEXTS | st.text(), TEXTS | st.sampled_from(["date", "Edm.Guid"])),
        "parameters": st.dictionaries(st.text() | TEXTS, JSON) | JSON,
        "parent": JSON
        | st.fixed_dictionaries(
            {"stream": st.just("accounts"), "field": TEXTS},
            optional={"parameter": TEXTS | st.text(), "filter_field": TEXTS},
        ),
        "per": TEXTS,
        "years": JSON
        | st.fixed_dictionaries(
            {"from": st.integers()},
            optional={"to": st.integers(), "parameter": TEXTS, "filter_field": TEXTS},
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(JSON | st.lists(ENTRY | JSON, max_size=2))
def test_whatever_is_written_gives_a_plan_or_a_sentence(setting: Any) -> None:
    try:
        found = custom.stream_definitions(setting, OWN, catalogue.load())
    except ConfigurationError:
        return
    for definition in found:
        assert set(definition.primary_keys) <= set(definition.columns)
        assert definition.endpoint.uri.startswith("/api/v1/")


@given(st.text())
def test_a_text_parameter_stays_one_value(text: str) -> None:
    literal = function_parameters.parameter(text)
    if not literal.startswith(("guid'", "datetime'")):
        assert literal[1:-1].replace("''", "'") == text
        assert literal[0] == literal[-1] == "'"
