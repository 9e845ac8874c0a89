"""What an endpoint refused is remembered for a while, for all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client import refused_options
from exactonline_client.store import Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


def test_a_refusal_is_remembered_for_thirty_days(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")

    def is_refused(option: str, day: float, app: str = "app") -> bool:
        return refused_options.is_refused(store, app, "crm/Accounts", option, lambda: day * DAY)

    assert not is_refused("$expand", 1)
    refused_options.remember(store, "app", "crm/Accounts", "$expand", lambda: DAY)
    assert is_refused("$expand", 30)
    assert not is_refused("$expand", 31)
    assert not is_refused("$filter=YourRef", 2)
    assert not is_refused("$expand", 2, app="another")
    refused_options.remember(store, "app", "crm/Accounts", "$expand", lambda: 31 * DAY)
    assert is_refused("$expand", 60)
    store.close()
