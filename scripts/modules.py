"""The page `docs/modules.md`: every module with the first sentence of its docstring."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from scripts.pages import DOCS, ROOT, Files

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = (
    "exactonline_client",
    "tap_exactonline",
    "target_exactonline",
    "exactonline_cli",
    "exactonline_sandbox",
)

PAGE = """\
# Modules

Made from the code by `make docs-tables`; do not edit by hand. How the packages fit together is in
[architecture](architecture.md).
"""


def build() -> Files:
    """The whole page."""
    text = PAGE + "".join(f"\n## {package}\n\n{table(ROOT / package)}" for package in PACKAGES)
    return {DOCS / "modules.md": text}


def table(package: Path) -> str:
    """The modules of a package, in a table."""
    rows = [
        f"| `{'.'.join(module.relative_to(package).with_suffix('').parts)}` | {about(module)} |\n"
        for module in sorted(package.rglob("*.py"))
        if not module.name.startswith("__")
    ]
    return "".join(["| module | what it is about |\n| --- | --- |\n", *rows])


def about(module: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")
