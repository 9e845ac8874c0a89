"""The file of results: whose it is."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from target_exactonline.results import CREATED, Fate, Result, Results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _open_to_all() -> Iterator[None]:
    """What a user allows whose new files everybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_to_all")
@pytest.mark.parametrize(("present", "after"), [(None, 0o600), (0o640, 0o640)])
def test_a_new_file_is_its_owners_only(tmp_path: Path, present: int | None, after: int) -> None:
    file = tmp_path / "results.jsonl"
    if present is not None:
        file.touch(mode=present)
    with closing(Results(1, str(file))) as results:
        results.note(Result("orders", "salesorder/SalesOrders", "A-1", Fate(CREATED)))
    assert file.stat().st_mode & 0o777 == after
    assert file.read_text().count("A-1") == 1
