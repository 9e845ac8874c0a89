"""The standard tests of the Singer SDK, on streams of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_tap_test_class

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = (
    "accounts",  # by rowversion
    "sales_invoices",  # headers of a mixed list
    "sales_invoice_lines",  # the lines of that list
    "general_journal_entries",  # headers that bring their lines along
    "general_journal_entry_lines",
    "vat_codes",  # by moment
)
# What the SDK says of columns that are empty in this company, and of no row deleted before.
pytestmark = [
    pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning"),
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not:UserWarning"),
]
SETTINGS: dict[str, Any] = {"use_sync_api": True}
"""With those of the sandbox, once it runs."""


@pytest.fixture(scope="module", autouse=True)
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The company that is read."""
    store = tmp_path_factory.mktemp("store") / "store.db"
    with Sandbox(SandboxConfig(invoices=10, minutely_limit=10_000)).running() as server:
        SETTINGS.update(server.settings(), store_url=f"sqlite:///{store}")
        server.control.clock(advance_seconds=600)
        yield


TestTap = get_tap_test_class(
    TapExactOnline,
    config=SETTINGS,
    catalog=catalog(STREAMS, None, {}),
    validate_config=False,
    parse_env_config=False,
)
