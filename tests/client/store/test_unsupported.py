"""What an endpoint refused is remembered for a while, for all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_client.errors import RequestRefused
from exactonline_client.odata.refused_query import is_about_query, unknown_property
from exactonline_client.store.store import Store
from exactonline_client.store.unsupported import RefusedOptions

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


def test_a_refusal_is_remembered_for_thirty_days(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")

    def refused(day: float, app: str = "app", division: int = 1) -> RefusedOptions:
        return RefusedOptions(store, app, division, lambda: day * DAY)

    def is_refused(option: str, day: float, app: str = "app", division: int = 1) -> bool:
        return refused(day, app, division).holds("crm/Accounts", option)

    assert not is_refused("$expand", 1)
    refused(1).remember("crm/Accounts", "$expand")
    assert is_refused("$expand", 30)
    assert not is_refused("$expand", 31)
    assert not is_refused("$filter=YourRef", 2)
    assert not is_refused("$expand", 2, app="another")
    assert not is_refused("$expand", 2, division=2)
    refused(31).remember("crm/Accounts", "$expand")
    assert is_refused("$expand", 60)
    store.close()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Could not find a property named 'Name' on type 'Exact.Web.Api.Models.Account'.", "Name"),
        ("No property 'Name' exists in type 'Exact.Web.Api.Models.Account' at position 0.", "Name"),
        ("Bad Request - Error in query syntax.", None),
        ("The query specified in the URI is not valid.", None),
        ("Query options $orderby and $top cannot be applied to the requested resource.", None),
        ("Filtering on these fields is not supported: Name", None),
        ("$expand is not supported for this resource.", None),
    ],
)
def test_words_that_speak_of_the_query_are_known(words: str, name: str | None) -> None:
    refusal = RequestRefused(words, status=400, reason=words)
    assert is_about_query(refusal)
    assert unknown_property(refusal) == name
    assert not is_about_query(RequestRefused(words, status=404, reason=words))


@pytest.mark.parametrize("words", ["", "Invalid reference: 'Name'.", "Too many requests."])
def test_other_words_say_nothing_of_it(words: str) -> None:
    assert not is_about_query(RequestRefused(words, status=400, reason=words))
