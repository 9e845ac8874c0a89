"""Nothing from outside brings a program down: a short version of `tests.stress.fuzz`."""

from __future__ import annotations

import pytest

from tests.stress.fuzz import fuzz_all

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]


def test_mutated_input_is_taken_or_refused() -> None:
    found = fuzz_all(seed=3, number=200)
    assert [crash for tried in found.values() for crash in tried.crashes] == []
    assert sum(tried.taken for tried in found.values()) > 100
    assert all(tried.taken or tried.refused for tried in found.values())
    assert {"answer to an upload of XML", "file of match sets", "file of webhooks"} <= found.keys()
    assert {"variables of the tap", "variables of the target"} <= found.keys()
    assert found["path of a file"].taken
    assert found["path of a file"].refused
