"""Write the picture of the report to docs/images: `python -m tests.dbt.picture`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from exactonline_cli.main import main as exactonline
from scripts.browser import browser
from tests.built import ROOT
from tests.stress import planted

PICTURE = ROOT / "docs" / "images" / "report.png"
SEED = 5
SIZE = {"width": 1000, "height": 1240}


def main() -> None:
    """Build full books of three companies, and photograph the report of the first."""
    with TemporaryDirectory() as place:
        database, manifest = planted.build(Path(place), SEED)
        page = Path(place) / "report.html"
        options = ["--database", f"duckdb:///{database}", "--output", str(page)]
        results = ["--run-results", str(manifest.with_name("run_results.json"))]
        store = {"EXACTONLINE_STORE_URL": f"sqlite:///{Path(place) / 'store' / 'store.db'}"}
        CliRunner().invoke(exactonline, ["report", *options, *results], env=store)
        # The address of the database is that of this run alone.
        text = page.read_text(encoding="utf-8").replace(str(database), "books.duckdb")
        page.write_text(text, encoding="utf-8")
        with browser(viewport=SIZE, color_scheme="light") as context:
            tab = context.new_page()
            tab.goto(page.as_uri())
            tab.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
