"""What the demo's parts run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo import stack

if TYPE_CHECKING:
    from pathlib import Path


def test_one_demo_at_a_time_uses_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    with (
        stack.alone_in_checkout(),
        pytest.raises(stack.Failed, match="Another demo or test uses"),
        stack.alone_in_checkout(),
    ):
        pytest.fail("both use it")
    with stack.alone_in_checkout():
        pass
