"""Records that are written at once are those that the SDK writes one by one."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message
    from singer_sdk.singerlib.encoding import GenericSingerWriter

    from tests.tap.conftest import Bench

DOCUMENTS = ("sales_invoices", "sales_invoice_lines")


class OneByOne(SimpleSingerWriter):
    """A writer that takes one message at a time."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @override
    def write_message(self, message: Message) -> None:
        self.lines.append(self.serialize_message(message))


def load(
    bench: Bench,
    writer: GenericSingerWriter[Any, Any],
    selected: tuple[tuple[str, ...], Any],
    state: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Run the tap on some streams and columns, with a store of its own."""
    config = {**bench.config, **settings, "store_url": f"{bench.config['store_url']}.{id(writer)}"}
    tap = TapExactOnline(
        config=config, catalog=catalog(*selected, config), state=state, message_writer=writer
    )
    tap.sync_all()
    tap.flush()
    tap.connection.close()
    bench.sign_in()


def timeless(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what depends on when it was written."""
    if message["type"] == "STATE":
        return {"type": "STATE"}
    return {name: value for name, value in message.items() if name != "time_extracted"}


@pytest.mark.parametrize(
    ("streams", "columns", "settings"),
    [
        (("accounts",), None, {}),
        (("accounts",), {"ID", "Name"}, {}),
        (DOCUMENTS, None, {}),
        (DOCUMENTS, {"InvoiceID", "YourRef"}, {}),
        (DOCUMENTS, {"invoice_id", "your_ref"}, {"column_names": "snake"}),
        (("contacts",), None, {"keep_unknown_fields": True, "use_sync_api": False}),
        (("accounts",), None, {"stream_maps": {"accounts": {"Name": "Name + '!'"}}}),
        (("accounts",), None, {"stream_maps": {"accounts": {"__filter__": "Name > 'M'"}}}),
        (("accounts",), None, {"stream_maps": {"accounts": {"__alias__": "customers"}}}),
        (("accounts",), None, {"flattening_enabled": True, "flattening_max_depth": 1}),
    ],
)
def test_they_are_the_same(
    bench: Bench, streams: tuple[str, ...], columns: Any, settings: dict[str, Any]
) -> None:
    selected = (streams, columns)
    first, at_once, one_by_one = Collector(), Collector(), OneByOne()
    load(bench, first, selected, **settings)
    bench.server.control.changes(bench.divisions[0], seed=1, new=6, changed=6, deleted=6)
    states = [message["value"] for message in first.messages if message["type"] == "STATE"]
    load(bench, at_once, selected, deepcopy(states[-1]), **settings)
    load(bench, one_by_one, selected, deepcopy(states[-1]), **settings)
    found = [timeless(message) for message in at_once.messages]
    assert found == [timeless(json.loads(line)) for line in one_by_one.lines]
    records = [message for message in at_once.messages if message["type"] == "RECORD"]
    assert len(records) > 1
    assert all(message["time_extracted"].endswith("Z") for message in records)
    assert any(message["record"].get("_sdc_deleted_at") for message in records) or settings
