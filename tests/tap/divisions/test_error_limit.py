"""An endpoint that keeps refusing: not asked so often that Exact blocks the whole app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.tap.conftest import Bench


def test_a_stream_without_rights_is_asked_once_an_hour(bench: Bench) -> None:
    bench.server.control.switches(denied=["sync/CRM/Accounts"])
    asked = 0
    for _ in range(12):
        ended = bench.run("accounts", "vat_codes")
        assert ended.error is None
        assert len(ended.records("vat_codes")) == len(bench.truth("vat_codes"))
        assert not ended.records("accounts")
        asked += ended.calls["sync/CRM/Accounts"]
    # Of both calls of the first run.
    assert asked == 2
