"""Imports without garbage collection."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exactonline_client.plugin.imports import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_off_meanwhile_and_then_as_before(*, enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled() == enabled


def test_the_collector_comes_back_after_an_import_that_fails() -> None:
    with pytest.raises(ModuleNotFoundError), uncollected():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401, PLC0415
    assert gc.isenabled()


def test_a_library_passes_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "also_new_here.py").touch()
    with uncollected():
        import also_new_here  # type: ignore[import-not-found]  # noqa: F401, PLC0415
    assert not gc.get_freeze_count()
    sys.modules.pop("also_new_here")


@pytest.mark.parametrize("name", ["tap_exactonline", "target_exactonline", "exactonline_cli"])
def test_programs_pass_over_what_they_import(name: str) -> None:
    program = f"""
import gc, sys
from {name}.__main__ import main
assert not gc.get_freeze_count()
sys.argv = ["program", "--version"]
try:
    main()
except SystemExit:
    frozen = gc.get_freeze_count()
    from exactonline_client.plugin.imports import uncollected
    with uncollected():
        import json
    assert gc.get_freeze_count() == frozen
    with uncollected():
        import this
    print(frozen, gc.get_freeze_count())
"""
    shown = subprocess.check_output([sys.executable, "-c", program], text=True)
    first, second = map(int, shown.splitlines()[-1].split())
    assert second > first > 10_000


def test_the_last_collection_is_left_out() -> None:
    program = """
class Cycle:
    def __init__(self): self.itself = self
    def __del__(self): print("collected")
"""
    ending = "from exactonline_client.plugin.imports import own_process; own_process()\n"
    for first, shown in (("", "collected\n"), (ending, "")):
        command = [sys.executable, "-c", f"{first}{program}\nCycle()"]
        assert subprocess.check_output(command, text=True) == shown
