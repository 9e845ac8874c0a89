"""Descriptions of columns."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from exactonline_client import catalogue
from tap_exactonline import definitions
from tap_exactonline.definitions import dictionary
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.tap import TapExactOnline

DESCRIBED = 0.85
"""Share of the columns of core streams that have a description."""


def test_most_columns_of_core_streams_are_described_in_discovery() -> None:
    catalog = TapExactOnline(config={}, validate_config=False, setup_mapper=False).catalog_dict[
        "streams"
    ]
    entries = {entry["tap_stream_id"]: entry["schema"]["properties"] for entry in catalog}
    columns = [item for name in dictionary.CORE for item in entries[name].values()]
    assert sum("description" in item for item in columns) > DESCRIBED * len(columns)
    assert "21 percent" in entries["vat_codes"]["Percentage"]["description"]
    assert "description" not in entries["employees"]["ID"]


def test_every_row_of_the_file_describes_a_column_that_exists() -> None:
    text = resources.files(definitions).joinpath("dictionary.csv").read_text(encoding="utf-8")
    streams = {
        definition.name: definition
        for definition in stream_definitions(catalogue.load(), use_sync=True)
    }
    columns = {column for name in dictionary.CORE for column in streams[name].columns}
    seen = set()
    for row in csv.DictReader(text.splitlines()):
        stream, column = row["stream"], row["column"]
        assert row["description"].endswith(".")
        assert (stream, column) not in seen
        seen.add((stream, column))
        if stream != dictionary.ANY:
            assert stream in dictionary.CORE
            assert column in streams[stream].columns, (stream, column)
        elif not {"*", "?"} & set(column):
            assert column in columns, column


@pytest.mark.parametrize(
    ("stream", "column", "edm", "meaning"),
    [
        ("gl_accounts", "Code", "Edm.String", "Number of the ledger account; unique in the"),
        ("journals", "Modified", "Edm.DateTime", "When the row was last changed, in UTC."),
        ("accounts", "SbiCode", "Edm.String", "Code of the SBI."),
        ("items", "FreeTextField_03", "Edm.String", "Free field of the company for a text, number"),
        ("items", "AverageCosts", "Edm.Double", None),
        ("employees", "ID", "Edm.Guid", None),
    ],
)
def test_the_closest_description_holds(
    stream: str, column: str, edm: str, meaning: str | None
) -> None:
    found = dictionary.describe(stream, column, edm)
    assert (found or "").startswith(meaning or "")
    assert (found is None) == (meaning is None)
