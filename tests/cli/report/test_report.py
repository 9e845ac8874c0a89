"""`exactonline report`: the figures of the marts, the verdicts, and what is missing."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from typing_extensions import override

from exactonline_cli.report.marts import MARTS
from tests.cli.test_commands import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from exactonline_sandbox import Server

MOST_BYTES = 300_000


class Page(HTMLParser):
    """The rows of all tables, and the tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._cell = False
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        self._cell = tag in ("td", "th")
        if self._cell:
            self.rows[-1].append("")

    @override
    def handle_data(self, data: str) -> None:
        if self._cell and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def row(self, name: str, number: int = 0) -> list[str]:
        """The cells of a row by its name; of the company of that number."""
        return [row for row in self.rows if row and row[0] == name][number][1:]


@pytest.fixture
def report(
    command: Callable[..., Result], database: Path, run_results: Path
) -> Callable[..., tuple[Result, Page]]:
    def run(*options: str, **variables: str) -> tuple[Result, Page]:
        given = ("--database", f"duckdb:///{database}", "--run-results", str(run_results))
        done = command("report", *given, *options, **variables)
        assert done.exit_code == 0, done.output
        return done, Page(text_of(done))

    return run


def text_of(done: Result) -> str:
    return Path(done.output.partition(":")[0]).read_text(encoding="utf-8")


def test_figures_are_those_of_the_marts(report: Callable[..., Any]) -> None:
    done, page = report()
    assert done.output == "report.html: 2 companies, 1 of 3 proofs do not hold.\n"
    # The last period that has begun on the day of the ageing is the second of 2026.
    assert page.row("Revenue") == ["5,002.50", "9,004.50", "3,001.50"]
    assert page.row("Gross profit") == ["3,002.50", "5,404.50", "1,801.50"]
    assert page.row("Expenses") == ["(3,250.00)", "(5,850.00)", "(1,950.00)"]
    assert page.row("Net result") == ["(198.00)", "(356.40)", "(118.80)"]
    assert page.row("Net result", 1) == ["(594.00)", "(1,069.20)", "(356.40)"]
    assert page.row("Cash and bank") == ["500.00", "300.00"]
    assert page.row("Total assets") == ["500.00", "300.00"]
    assert page.row("Total liabilities and equity") == ["500.00", "300.00"]
    assert page.row("31 to 60 days") == ["30.00", "30.00"]
    assert page.row("Overdue") == ["90.0 %", "90.0 %"]
    assert page.row("2026-02")[:3] == ["5,002.50", "2,001.00", "150.0 %"]
    assert page.row("2026-02", 1) == ["500.00", "50.00", "70.00", "480.00"]


def test_json_says_what_was_written(
    command: Callable[..., Result], database: Path, run_results: Path
) -> None:
    given = ("--database", f"duckdb:///{database}", "--run-results", str(run_results))
    written = json.loads(command("report", *given, "--json").stdout)
    assert Path(written["file"]).is_file()
    assert len(written["divisions"]) > 1
    assert written["proofs"] > len(written["broken_proofs"])


def test_the_largest_customers_are_named_and_the_rest_added_up(report: Callable[..., Any]) -> None:
    _, page = report()
    assert page.row("Customer 12 (12)") == ["1,200.00", "15.4 %", "12.00"]
    assert page.row("2 others") == ["300.00", "3.8 %", "3.00"]
    with pytest.raises(IndexError):
        page.row("Customer 2 (2)")


def test_each_company_has_a_section_in_its_currency(report: Callable[..., Any]) -> None:
    done, page = report()
    assert [facts["id"] for tag, facts in page.tags if facts.get("class") == "company"] == [
        "company-7",
        "company-8",
    ]
    text = text_of(done)
    assert "Division 8. Amounts in USD, up to period 2026-02" in text
    done, page = report("--division", "8")
    assert "company-7" not in text_of(done)


def test_names_are_escaped(report: Callable[..., Any]) -> None:
    done, page = report()
    assert "Noord &lt;b&gt;&amp; Zuid" in text_of(done)
    assert "b" not in {tag for tag, _ in page.tags}


@pytest.mark.parametrize(
    ("language", "shown"), [("nl", "3.250,00"), ("de", "3.250,00"), ("fr", "3\u202f250,00")]
)
def test_numbers_are_written_as_in_the_country(
    report: Callable[..., Any], language: str, shown: str
) -> None:
    _, page = report("--numbers", language)
    assert page.row("Expenses")[0] == f"\N{MINUS SIGN}{shown}"


def test_the_verdict_of_each_proof_is_shown(report: Callable[..., Any]) -> None:
    done, page = report()
    assert page.row("cash is the ledger") == ["", "does not hold (3 rows)"]
    assert page.row("debit is credit") == ["holds"]
    assert page.row("is_key: division_id, term_id") == ["exact__open_items", "holds"]
    assert "1 of 3 proofs do not hold." in text_of(done)


def test_the_file_needs_nothing_else(report: Callable[..., Any]) -> None:
    done, page = report()
    text = text_of(done)
    assert len(text.encode()) < MOST_BYTES
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "form"}
    addresses = [
        value
        for _, facts in page.tags
        for name, value in facts.items()
        if name in ("src", "href", "xlink:href") and not str(value).startswith("#")
    ]
    assert not addresses
    assert "url(" not in text
    assert "@import" not in text


def test_plots_are_named_described_and_beside_a_table(report: Callable[..., Any]) -> None:
    done, page = report()
    text = text_of(done)
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    assert len(ids) == len(re.findall(r'\bid="', text))
    plots = [facts for tag, facts in page.tags if tag == "svg" and "aria-labelledby" in facts]
    assert len(plots) == 12
    for facts in plots:
        assert set(str(facts["aria-labelledby"]).split()) <= ids
    assert text.count("<caption>") == len(plots)


def test_calls_of_the_day_come_from_the_store(
    report: Callable[..., Any], command: Callable[..., Result], server: Server, store_url: str
) -> None:
    done, _ = report()
    assert "The store has no counts of calls." in text_of(done)
    assert not Path(store_url.removeprefix("sqlite:///")).exists()
    sign_in(server, store_url)
    assert command("divisions").exit_code == 0
    _, page = report()
    counted = next(row for row in page.rows if row[0] == "books")
    division, used, limit = map(int, counted[1:4])
    assert (division, limit) == (server.divisions[0], 5000)
    assert 0 < used < 20


def test_what_is_missing_is_said(
    command: Callable[..., Result], database: Path, tmp_path: Path
) -> None:
    url = f"duckdb:///{database}"
    for options, said in (
        (("--database", "mysql://me@host/books"), "not in mysql"),
        (("--database", "books"), "should be an address such as postgresql://"),
        (("--database", f"duckdb:///{tmp_path / 'none.duckdb'}"), "There is no file"),
        (("--database", url, "--schema", "elsewhere"), "Build the models with dbt build"),
        (("--database", url, "--division", "7", "--division", "9"), "no rows of division 9"),
        (("--database", url, "--run-results", "none.json"), "none.json cannot be read"),
        (("--database", url, "-o", "none/report.html"), "a folder that exists"),
    ):
        done = command("report", *options)
        assert done.exit_code == 2, options
        assert said in done.output
        assert "Traceback" not in done.output
    done = command("report", "--database", "postgresql://me:hidden-word@127.0.0.1:9/books")
    assert done.exit_code == 2
    assert "cannot be read" in done.output
    assert "hidden-word" not in done.output


def test_a_missing_model_is_named(command: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "some.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema analytics")
        for mart in list(MARTS.values())[1:]:
            connection.execute(f"create table analytics.{mart.name} (division_id bigint)")
    done = command("report", "--database", f"duckdb:///{path}")
    assert "has no table exact__profit_and_loss. Build" in done.output


def test_results_of_dbt_are_found_where_it_writes_them(
    command: Callable[..., Result], database: Path, run_results: Path
) -> None:
    options = ("report", "--database", f"duckdb:///{database}")
    done = command(*options)
    assert done.output.endswith("no results of proofs (run dbt build).\n")
    done = command(*options, DBT_TARGET_PATH=str(run_results.parent))
    assert done.output.endswith("1 of 3 proofs do not hold.\n")


@pytest.mark.parametrize(
    ("options", "package", "name"),
    [
        ((), "psycopg", "postgresql+psycopg://postgres@localhost:5432/postgres"),
        (("--database", "duckdb:///books.duckdb"), "duckdb", "duckdb:///books.duckdb"),
    ],
)
def test_a_database_whose_driver_is_missing_is_named(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    package: str,
    name: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = command("report", *options)
    assert done.exit_code == 2
    assert f"The database {name} needs the driver {package}" in done.output
    assert "Name another with --database" in done.output


def test_the_database_of_the_profile_is_the_default(
    command: Callable[..., Result], database: Path
) -> None:
    done = command("report", DBT_EXACT_TARGET="duckdb", DBT_EXACT_PATH=str(database))
    assert done.output.startswith("report.html: 2 companies")
    done = command("report", DBT_EXACT_HOST="127.0.0.1", DBT_EXACT_PORT="9", DBT_EXACT_USER="ann")
    assert "ann@127.0.0.1:9/postgres cannot be read" in done.output


def test_an_old_report_stays_whole(
    command: Callable[..., Result], database: Path, tmp_path: Path
) -> None:
    old = tmp_path / "report.html"
    old.write_text("old", encoding="utf-8")
    command("report", "--database", f"duckdb:///{database}", "--schema", "none", "-o", str(old))
    assert old.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.glob("*report*")] == ["report.html"]
