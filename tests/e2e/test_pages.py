"""The commands of the pages as they are written, in one project made from the Hub files."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo.stack import WAREHOUSE, Stack, running
from tests import pages
from tests.built import ROOT
from tests.e2e.hub import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]

PAGES = ("README.md", "docs/warehouse.md", "docs/invoices.md", "docs/look-after.md")
NOT_RUN = {
    "README.md": [
        "it takes minutes, and the tests do all of it",
        "needs a browser and an app that is registered at Exact",
        "it is what runs this",
    ],
    "docs/index.md": [],
    "docs/finance.md": ["needs a browser"],
    "docs/tutorial.md": [],
    "docs/connect.md": [
        "needs a browser and an app that is registered at Exact",
        "needs an app that is registered at Exact",
    ],
    "docs/look-after.md": ["needs a browser"],
    "docs/many-companies.md": ["needs Docker", "needs Docker"],
    "docs/custom-streams.md": ["needs a payload that Exact has signed"],
    "docs/spreadsheets.md": ["needs a file of yours", "needs a file of yours"],
    "docs/report.md": ["needs a warehouse"],
    "docs/models.md": ["needs a warehouse"] * 4,
}
ORDERS = """
    create schema billing;
    create table billing.orders as
    select 10020 + number as id, %(customer)s as customer, date '2026-06-25' as day, true as billed
    from generate_series(1, 2) number;
    alter table billing.orders add primary key (id);
    create table billing.lines as
    select id as order_id, %(item)s as item, 2 as quantity, 12.5 as price, 1 as position
    from billing.orders;
"""
BACKUP = "sqlite3 .exactonline/store.db \".backup 'backup/store.db'\""
TRIED = re.compile(r"meltano config test|.*meltano_test_stream")
"""Tried by those who follow the tutorial, which has the same commands."""
OPTIONAL = set() if shutil.which("sqlite3") else {BACKUP}
"""Run only where there is the program."""
IN_DOUBT = ("2026-118", "2026-119")
REFUSED = "WEB-10023"


def tried() -> set[str]:
    """Commands that change nothing, and that the test of the tutorial runs."""
    typed = [
        each
        for block in pages.blocks("docs/tutorial.md")
        if not block.file
        for each in block.commands()
    ]
    return {command for command in typed if TRIED.match(command)}


class Project:
    """A Meltano project that is made by following the pages."""

    def __init__(self, folder: Path, stack: Stack, hub: str) -> None:
        self.folder = folder
        self.stack = stack
        ours = {
            name: value
            for name, value in stack.environment.items()
            if re.match(r"(TAP|TARGET)_(EXACTONLINE|POSTGRES)_", name)
            and not name.endswith(("_STORE_URL", "_FILTER_SCHEMAS"))
        }
        self.environment = {**pages.environment(hub, pages.pins(folder / "pins.txt")), **ours}
        self.ran: list[str] = []
        self.said: dict[str, str] = {}

    def follow(self, page: str) -> str:
        """Type what a page says, but for what another page has had typed already."""
        found = list(pages.blocks(page))
        program = self.folder / f"{Path(page).stem}.sh"
        text = pages.program(found, without={*self.ran, *OPTIONAL, *tried()})
        program.write_text(text, encoding="utf-8")
        cwd = self.folder / ("books" if self.ran else "source")
        code, said = pages.followed(program, self.environment, cwd=cwd)
        assert code == 0, f"{page}\n{said[-6000:]}"
        assert "Traceback" not in said
        self.ran += [
            command for block in found if not block.not_run for command in block.commands()
        ]
        return said

    def target(self, *messages: dict[str, Any]) -> int:
        """Send records to the target of the project; its exit code."""
        venv = self.folder / "books" / ".meltano" / "loaders" / "target-exactonline" / "venv"
        done = subprocess.run(
            [venv / "bin" / "target-exactonline", "--config", "ENV"],
            input="".join(f"{json.dumps(message)}\n" for message in messages),
            text=True,
            capture_output=True,
            check=False,
            cwd=self.folder / "books",
            env={**self.environment, "TARGET_EXACTONLINE_SETTLE_AFTER": "1"},
        )
        return done.returncode


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """All pages, followed one after the other."""
    options = ["--invoices", "20", "--seed", "7", "--minutely-limit", "600"]
    # Not in pytest's folder, which pytest closes to others: PostgreSQL runs as a user of its own.
    with (
        TemporaryDirectory() as name,
        running(Path(name) / "stack", options) as stack,
        serving() as hub,
    ):
        project = Project(Path(name), stack, hub)
        pages.source(project.folder / "source")
        make_orders(stack)
        for page in PAGES:
            if page == "docs/look-after.md":
                leave_work(project)
            project.said[page] = project.follow(page)
        yield project


def row(stack: Stack, stream: str, **wanted: Any) -> dict[str, Any]:
    """The first row at Exact that has these values."""
    (division,) = stack.sandbox.facts["divisions"]
    rows = stack.sandbox.truth(division, stream)
    return next(row for row in rows if wanted.items() <= row.items())


def make_orders(stack: Stack) -> None:
    """The tables that the page makes its view from, and the view by the page's own words."""
    text = (ROOT / "docs" / "invoices.md").read_text(encoding="utf-8")
    (view,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    codes = {
        "customer": row(stack, "accounts", Status="C")["Code"],
        "item": row(stack, "items", IsSalesItem=True)["Code"],
    }
    stack.sql(ORDERS % {name: f"'{code}'" for name, code in codes.items()})
    stack.sql(view)


def leave_work(project: Project) -> None:
    """What the page on looking after it needs: documents in doubt, and one that was refused."""
    fault = {"method": "POST", "times": 2}
    project.stack.sandbox.post(
        "faults",
        rules=[
            {"kind": "cut", "path": "BankEntries", **fault},
            {"kind": "status", "path": "SalesInvoices", "status": 400, "body": True, **fault},
        ],
    )
    schema = {"type": "SCHEMA", "schema": {"properties": {}}, "key_properties": []}
    stack = project.stack
    entry = {
        "JournalCode": row(stack, "journals", Type=12)["Code"],
        "BankEntryLines": [{"AmountFC": 10, "GLAccount": row(stack, "gl_accounts")["ID"]}],
    }
    invoice = {
        "YourRef": REFUSED,
        "OrderedBy": row(stack, "accounts", Status="C")["ID"],
        "SalesInvoiceLines": [{"Item": row(stack, "items", IsSalesItem=True)["ID"], "Quantity": 1}],
    }
    code = project.target(
        {**schema, "stream": "bank_entries"},
        *(
            {
                "type": "RECORD",
                "stream": "bank_entries",
                "record": {"reference": reference, **entry},
            }
            for reference in IN_DOUBT
        ),
        {**schema, "stream": "public-sales_invoices"},
        {"type": "RECORD", "stream": "public-sales_invoices", "record": invoice},
    )
    assert code == 5
    project.stack.sandbox.post("faults", rules=[])


def results(project: Project) -> dict[str, str]:
    """The outcomes that the store holds, by reference."""
    done = subprocess.run(
        ["exactonline", "results", "--json", "--limit", "1000"],
        capture_output=True,
        text=True,
        check=True,
        cwd=project.folder / "books",
        env=project.environment,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {result["reference"]: result["outcome"] for result in found}


def test_the_pages_can_be_followed(project: Project) -> None:
    assert set(project.said) == set(PAGES)
    for page, said in project.said.items():
        assert pages.MARK in said, page


def test_meltano_knows_what_the_hub_files_say(project: Project) -> None:
    made = yaml.safe_load((project.folder / "books" / "meltano.yml").read_text(encoding="utf-8"))
    for kind, name in (("extractors", "tap-exactonline"), ("loaders", "target-exactonline")):
        ours = yaml.safe_load((ROOT / "hub" / f"{name}.yml").read_text(encoding="utf-8"))
        entry = next(item for item in made["plugins"][kind] if item["name"] == name)
        assert entry["pip_url"] == ours["pip_url"]
        assert {each["name"] for each in entry["settings"]} == {
            each["name"] for each in ours["settings"]
        }


def test_the_warehouse_holds_what_the_page_selects(project: Project) -> None:
    for stream in ("sales_invoices", "sales_invoice_lines", "accounts"):
        ((count,),) = project.stack.sql(f'select count(*) from "{WAREHOUSE}"."{stream}"')  # noqa: S608
        assert count > 10, stream


def test_the_invoices_of_the_view_are_there_once(project: Project) -> None:
    (division,) = project.stack.sandbox.facts["divisions"]
    references = [
        found["YourRef"]
        for found in project.stack.sandbox.truth(division, "sales_invoices")
        if str(found["YourRef"]).startswith("WEB-")
    ]
    assert sorted(references) == ["WEB-10021", "WEB-10023"], "WEB-10022 was deleted by the page"


def test_what_the_pages_promise_of_outcomes_is_so(project: Project) -> None:
    found = results(project)
    assert found["WEB-10021"] == "created"
    assert "WEB-10022" not in found, "the page has had it forgotten"
    assert found["2026-118"] == "created"
    assert found["2026-119"] in {"rejected", "created"}


def test_a_schema_in_front_of_a_stream_is_no_part_of_its_name(project: Project) -> None:
    said = project.said["docs/look-after.md"]
    assert f"{REFUSED} would be created" in said or "1 would be created" in said


def test_the_readme_and_the_index_say_the_same_of_meltano() -> None:
    typed = [command for block in pages.blocks("docs/index.md") for command in block.commands()]
    readme = [command for block in pages.blocks("README.md") for command in block.commands()]
    assert set(typed) - set(readme) == {"pip install ."}


def test_the_store_is_backed_up_whole(project: Project) -> None:
    assert BACKUP in project.ran
    if not OPTIONAL:
        with closing(sqlite3.connect(project.folder / "books" / "backup" / "store.db")) as copy:
            (count,) = copy.execute("select count(*) from postings").fetchone()
        assert count >= 2


def test_what_is_not_run_is_listed_with_its_reason() -> None:
    listed = {page: NOT_RUN.get(page, []) for page in (*PAGES, *NOT_RUN)}
    for page, reasons in listed.items():
        found = [block.not_run for block in pages.blocks(page) if block.not_run]
        assert found == reasons, page
    marked = {
        path.relative_to(ROOT).as_posix()
        for path in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md")
        if "<!-- not run:" in path.read_text(encoding="utf-8")
    }
    assert marked <= set(listed)
