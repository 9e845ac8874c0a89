"""Documents of pages that are decoded at once are those of pages decoded row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.definitions.schema import UNKNOWN_FIELDS

if TYPE_CHECKING:
    from tests.tap.conftest import Bench

MANY = pytest.mark.parametrize("bench", [{"invoices": 400}], indirect=True)
"""So many that each list has pages after the first."""


def records(bench: Bench, streams: tuple[str, ...], **settings: Any) -> list[dict[str, Any]]:
    outcome = bench.run(*streams, **settings)
    assert outcome.error is None
    return [
        {name: value for name, value in row.items() if name != UNKNOWN_FIELDS}
        for stream in streams
        for row in outcome.records(stream)
    ]


DOCUMENTS = ("sales_invoices", "sales_invoice_lines")
ENTRIES = ("sales_entries", "sales_entry_lines")


@MANY
@pytest.mark.parametrize(
    ("streams", "columns"),
    [
        (DOCUMENTS, None),
        (DOCUMENTS, {"YourRef", "Modified"}),
        (DOCUMENTS[1:], {"NetPrice"}),
    ],
)
def test_rows_of_a_mixed_list_are_the_same(
    bench: Bench, streams: tuple[str, ...], columns: Any
) -> None:
    at_once = records(bench, streams, columns=columns)
    row_by_row = records(bench, streams, columns=columns, keep_unknown_fields=True)
    assert at_once == row_by_row
    assert len(at_once) > len(bench.divisions)


@MANY
@pytest.mark.parametrize(
    ("streams", "columns"),
    [(ENTRIES, None), (ENTRIES, {"EntryNumber"}), (ENTRIES[1:], {"AmountFC"})],
)
def test_lines_inside_headers_are_those_of_their_own_list(
    bench: Bench, streams: tuple[str, ...], columns: Any
) -> None:
    inside = records(bench, streams, columns=columns, use_sync_api=False)
    bench.server.control.switches(expand=False, bulk_expand=False)
    apart = records(bench, streams, columns=columns, use_sync_api=False)
    assert sorted(inside, key=repr) == sorted(apart, key=repr)
    assert len(inside) > len(bench.divisions)
