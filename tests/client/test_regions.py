"""Where each region is, and which addresses may stand in for it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from exactonline_client import regions
from exactonline_client.errors import ConfigurationError


@pytest.mark.parametrize(
    ("code", "host"),
    [
        ("nl", "start.exactonline.nl"),
        ("be", "start.exactonline.be"),
        ("de", "start.exactonline.de"),
        ("fr", "start.exactonline.fr"),
        ("uk", "start.exactonline.co.uk"),
        ("us", "start.exactonline.com"),
        ("es", "start.exactonline.es"),
    ],
)
def test_each_region_has_its_address_and_a_known_zone(code: str, host: str) -> None:
    region = regions.resolve(code)
    assert region.base_url == f"https://{host}"
    assert ZoneInfo(region.zone).key == region.zone


def test_there_are_no_other_regions() -> None:
    assert sorted(regions.REGIONS) == ["be", "de", "es", "fr", "nl", "uk", "us"]
    with pytest.raises(ConfigurationError, match=r"'it' is unknown.*be, de, es, fr, nl, uk, us"):
        regions.resolve("it")


@pytest.mark.parametrize(
    ("address", "used"),
    [
        ("http://127.0.0.1:8020", "http://127.0.0.1:8020"),
        ("http://localhost:8020/", "http://localhost:8020"),
        ("http://[::1]:8020", "http://[::1]:8020"),
        ("https://proxy.example.com/exact/", "https://proxy.example.com/exact"),
    ],
)
def test_another_address_keeps_the_clock_of_the_region(address: str, used: str) -> None:
    region = regions.resolve("uk", address)
    assert (region.base_url, region.zone) == (used, "Europe/London")


@pytest.mark.parametrize("address", [None, ""])
def test_no_other_address_means_that_of_the_region(address: str | None) -> None:
    assert regions.resolve("be", address) == regions.REGIONS["be"]


@pytest.mark.parametrize(
    "address",
    [
        "http://start.exactonline.nl",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "start.exactonline.nl",
        "https://",
        "https://host/?division=1",
        "https://host/#top",
        "https://me:hunter2@host",
        "http://[::1",
    ],
)
def test_addresses_that_would_leak_or_cannot_work_are_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        regions.resolve("nl", address)
    assert "hunter2" not in str(caught.value)
