"""What the tap has read from one company is written to another, as it is."""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline
from target_exactonline.target import TargetExactOnline
from tests.stress.reading.books import catalog
from tests.target.conftest import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exactonline_sandbox import Server

COPIED = {
    "contacts": "created",
    "sales_item_prices": "created",
    "quotations": "created",
    "bank_entries": "created",
    "general_journal_entries": "created",
    "purchase_orders": "created",
}
MASTER_DATA = ("gl_accounts", "accounts", "items")
"""What the others refer to; both companies have most of it."""
LINES = {
    "quotations": "quotation_lines",
    "bank_entries": "bank_entry_lines",
    "general_journal_entries": "general_journal_entry_lines",
    "purchase_orders": "purchase_order_lines",
    "sales_invoices": "sales_invoice_lines",
}


@pytest.fixture(scope="module")
def companies() -> Iterator[Server]:
    config = SandboxConfig(
        # Two companies of one country and currency, without closed years.
        books="simple",
        seed=7,
        invoices=30,
        divisions=2,
        minutely_limit=10**6,
        daily_limit=10**6,
    )
    with Sandbox(config).running() as server:
        yield server


class Copier:
    """Reads a stream from the first company, and writes it to the second."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self._results = server, folder / "results.jsonl"
        self.source, self.division = server.divisions
        self._settings = {
            **sign_in(server),
            "store_url": f"sqlite:///{folder / 'store.db'}",
        }

    def read(self, *streams: str) -> str:
        tap = TapExactOnline(
            config={**self._settings, "divisions": [self.source]}, catalog=catalog(streams)
        )
        raw = io.BytesIO()
        written = io.TextIOWrapper(raw)
        with redirect_stdout(written):
            tap.sync_all()
        tap.shared.readers.stop()
        tap.connection.close()
        written.flush()
        return raw.getvalue().decode()

    def copy(self, stream: str) -> list[dict[str, Any]]:
        streams = (stream, LINES[stream]) if stream in LINES else (stream,)
        settings = {
            **self._settings,
            "division": self.division,
            "new_store": True,
            "results_path": str(self._results),
        }
        self._results.unlink(missing_ok=True)
        target = TargetExactOnline(config=settings)
        try:
            with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
                target.listen(io.StringIO(self.read(*streams)))
        finally:
            target.close()
        return [json.loads(line) for line in self._results.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def copier(companies: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copier]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    copier = Copier(companies, tmp_path_factory.mktemp("copies"))
    for stream in MASTER_DATA:
        assert {line["outcome"] for line in copier.copy(stream)} <= {"exists", "created"}
    yield copier
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("stream", COPIED)
def test_records_of_the_tap_are_taken_as_they_are(copier: Copier, stream: str) -> None:
    truth = copier.server.control.truth(copier.source, stream)
    before = len(copier.server.control.truth(copier.division, stream))
    results = copier.copy(stream)
    assert [line["outcome"] for line in results] == [COPIED[stream]] * len(truth) != []
    assert len(copier.server.control.truth(copier.division, stream)) == before + len(truth)
    again = copier.copy(stream)
    assert {line["outcome"] for line in again} == {"unchanged"}


def test_invoices_without_a_reference_are_known_by_their_key(copier: Copier) -> None:
    control = copier.server.control
    truth = {row["InvoiceID"]: row for row in control.truth(copier.source, "sales_invoices")}
    nameless = {key for key, row in truth.items() if not row["YourRef"]}
    assert nameless
    results = copier.copy("sales_invoices")
    assert {line["outcome"] for line in results} <= {"created", "exists"}
    created = {line["reference"]: line["exact_id"] for line in results}
    assert nameless <= created.keys()
    made = {row["InvoiceID"]: row for row in control.truth(copier.division, "sales_invoices")}
    codes = [
        {row["ID"]: row["Code"] for row in control.truth(division, "accounts")}
        for division in (copier.source, copier.division)
    ]
    for key in nameless:
        copied, original = made[created[key]], truth[key]
        assert copied["YourRef"] is None
        assert copied["AmountFCExclVat"] == original["AmountFCExclVat"]
        assert codes[1][copied["OrderedBy"]] == codes[0][original["OrderedBy"]]
    # What was there before stays what it was, and what was written is not written again.
    after = {"created": "unchanged", "exists": "exists"}
    again = {line["reference"]: line["outcome"] for line in copier.copy("sales_invoices")}
    assert again == {line["reference"]: after[line["outcome"]] for line in results}
