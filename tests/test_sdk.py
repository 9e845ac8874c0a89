"""The private names of the Singer SDK that the plugins use: each is listed, and still there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PACKAGES = ("exactonline_client", "tap_exactonline", "target_exactonline", "exactonline_cli")
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
ROW = re.compile(r"^\| `(\w+)\.(_\w+)` \| \S.*\|$", re.MULTILINE)
USED = re.compile(r"(?:self|cls|super\(\))\.(_[a-z]\w*)|def (_[a-z]\w*)\(")
IMPORTED = re.compile(
    r"^from singer_sdk[\w.]*\._|^from singer_sdk[\w.]* import .*\b_", re.MULTILINE
)


def listed() -> set[tuple[str, str]]:
    return set(ROW.findall(PAGE.read_text(encoding="utf-8")))


def modules() -> Iterator[ModuleType]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def plugin_classes() -> Iterator[type]:
    """Our own classes with one of the SDK's above them."""
    for module in modules():
        for found in vars(module).values():
            if inspect.isclass(found) and found.__module__ == module.__name__ and of_sdk(found):
                yield found


def of_sdk(kind: type) -> list[type]:
    return [base for base in kind.__mro__ if base.__module__.split(".")[0] == "singer_sdk"]


@cache
def names(kind: type) -> set[str]:
    """The private names of methods and attributes in the source of a class."""
    return {first or second for first, second in USED.findall(inspect.getsource(kind))}


@cache
def used() -> set[tuple[str, str]]:
    """Class of the SDK and name, of all that our classes use of theirs."""
    found = set()
    for kind in plugin_classes():
        for name in names(kind):
            theirs = [base for base in of_sdk(kind) if name in names(base)]
            found |= {(base.__name__, name) for base in theirs[:1]}
    return found


@pytest.mark.parametrize(("kind", "name"), sorted(listed()))
def test_a_private_name_of_the_sdk_is_still_used_and_still_there(kind: str, name: str) -> None:
    assert (kind, name) in used(), f"{kind}.{name} is gone from the SDK, or no longer used here"


def test_every_private_name_of_the_sdk_is_listed_with_its_reason() -> None:
    assert used() - listed() == set()


def test_nothing_private_is_imported_from_the_sdk() -> None:
    found = {
        line
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if IMPORTED.match(line)
    }
    assert found == set()
