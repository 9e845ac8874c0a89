"""Write `docs/modules.md`: every module with its first sentence, from the code itself.

Usage: python -m scripts.build_modules [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the code.
"""

from __future__ import annotations

import ast
from pathlib import Path

from scripts.pages import keep_up

ROOT = Path(__file__).parent.parent
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


def page(_before: str) -> str:
    """The whole page."""
    return PAGE + "".join(f"\n## {package}\n\n{table(ROOT / package)}" for package in PACKAGES)


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


if __name__ == "__main__":
    keep_up("modules.md", page, "code")
