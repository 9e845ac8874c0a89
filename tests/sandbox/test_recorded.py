"""The sandbox answers like the service, where a collection of recorded answers is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.recorded import EXPLAINED, compared

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

FOLDER = os.environ.get("RECORDED_BODIES", "")


@pytest.mark.skipif(
    not FOLDER,
    reason="no recorded bodies of the real API here; name their folder in RECORDED_BODIES",
)
def test_every_difference_from_recorded_answers_is_meant(start: Callable[..., Api]) -> None:
    found = {
        (item.recording, item.what): item for item in compared(Path(FOLDER), start(invoices=150))
    }
    assert [item for mark, item in found.items() if mark not in EXPLAINED] == []
    assert set(EXPLAINED) - set(found) == set()
