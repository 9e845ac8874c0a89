"""The one command that keeps generated files up to date."""

from __future__ import annotations

import re
import subprocess
import sys

from scripts.__main__ import BUILDERS, CATALOGUE, compare
from scripts.pages import DOCS
from tests.built import ROOT


def test_make_writes_everything_that_is_generated() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = " ".join(re.findall(r"-m scripts ([a-z ]+)", makefile)).split()
    assert sorted(named) == sorted([*BUILDERS, CATALOGUE])


def test_a_file_that_is_not_what_the_code_says_is_named() -> None:
    page = DOCS / "streams.md"
    assert compare({page: page.read_text(encoding="utf-8")}) == []
    missing = DOCS / "none.md"
    assert compare({page: "else", missing: ""}) == [
        "docs/streams.md is not what the code says",
        "docs/none.md is not what the code says",
    ]


def test_a_name_that_does_not_exist_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "--check", "nothing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "there is no nothing" in done.stderr
