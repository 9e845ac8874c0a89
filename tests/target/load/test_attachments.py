"""Files go with their document, each once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import RecordsRejected
from tests.target.conftest import noted_a_day_ahead

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Record, Runner

FILE = base64.b64encode(b"%PDF-1.4 a paper").decode()
OTHER = base64.b64encode(b"other words").decode()


def files(*contents: str) -> list[dict[str, str]]:
    return [
        {"file_name": f"paper-{count}.pdf", "content": text} for count, text in enumerate(contents)
    ]


def documents(company: Company, subject: str) -> list[dict[str, Any]]:
    rows = company.server.control.truth(company.division, "documents")
    return [row for row in rows if row["Subject"] == subject]


def names(company: Company, document: str) -> list[str]:
    rows = company.server.control.truth(company.division, "document_attachments")
    return sorted(row["FileName"] for row in rows if row["Document"] == document)


def invoice(company: Company, reference: str, *contents: str) -> Record:
    return company.invoice(reference, attachments=files(*contents))


def test_a_document_is_made_for_the_files_of_an_invoice(company: Company, runner: Runner) -> None:
    load = runner.load(invoice(company, "att", FILE, OTHER))
    assert load.error is None
    (made,) = company.invoices("att")
    (document,) = documents(company, "att")
    assert made["Document"] == document["ID"]
    assert (document["Type"], document["Account"]) == (10, company.customer)
    assert names(company, document["ID"]) == ["paper-0.pdf", "paper-1.pdf"]
    company.server.control.reset_calls()
    assert runner.load(invoice(company, "att", FILE, OTHER)).outcomes == [("att", "unchanged")]
    assert company.calls("POST") == 0


@pytest.fixture
def scans(runner: Runner, tmp_path: Path) -> Path:
    """The folder of files that records name by their path."""
    folder = tmp_path / "scans"
    folder.mkdir()
    runner.settings["attachments_folder"] = str(folder)
    return folder


def test_a_file_may_be_named_by_its_path(company: Company, runner: Runner, scans: Path) -> None:
    path = scans / "scan.pdf"
    path.write_bytes(b"%PDF-1.4 a scan")
    load = runner.load(company.invoice("att-path", attachment_path=str(path)))
    assert load.error is None
    (document,) = documents(company, "att-path")
    assert names(company, document["ID"]) == ["scan.pdf"]


def test_a_refused_invoice_finds_its_files_there_the_next_time(
    company: Company, runner: Runner
) -> None:
    wrong = invoice(company, "att-later", FILE) | {"Type": 1}
    load = runner.load(wrong)
    assert isinstance(load.error, RecordsRejected)
    assert load.outcomes == [("att-later", "rejected")]
    load = runner.load(invoice(company, "att-later", FILE))
    assert load.outcomes == [("att-later", "created")]
    (document,) = documents(company, "att-later")
    assert names(company, document["ID"]) == ["paper-0.pdf"]


def test_uploads_without_an_answer_are_found_again(company: Company, runner: Runner) -> None:
    company.server.control.faults(
        {"kind": "lost", "method": "POST", "path": "documents/Documents", "times": 1},
        {"kind": "lost", "method": "POST", "path": "DocumentAttachments", "times": 1},
    )
    load = runner.load(invoice(company, "att-lost", FILE))
    assert load.error is None
    assert load.outcomes == [("att-lost", "created")]
    (document,) = documents(company, "att-lost")
    assert names(company, document["ID"]) == ["paper-0.pdf"]


def test_an_upload_that_never_arrived_is_sent_again_at_the_end(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults(
        {"kind": "cut", "method": "POST", "path": "DocumentAttachments", "times": 1}
    )
    load = runner.load(invoice(company, "att-cut", FILE), settle_after=1)
    assert load.error is None
    assert load.outcomes == [("att-cut", "created")]
    (document,) = documents(company, "att-cut")
    assert names(company, document["ID"]) == ["paper-0.pdf"]
    assert len(company.invoices("att-cut")) == 1


def test_a_document_takes_its_files_itself(company: Company, runner: Runner) -> None:
    record = {"Subject": "att-own", "Type": 55, "attachments": files(FILE)}
    load = runner.load(record, stream="documents")
    assert load.error is None
    (document,) = documents(company, "att-own")
    assert names(company, document["ID"]) == ["paper-0.pdf"]


def test_a_document_without_an_answer_gets_its_files_too(company: Company, runner: Runner) -> None:
    company.server.control.faults(
        {"kind": "lost", "method": "POST", "path": "documents/Documents", "times": 1}
    )
    record = {"Subject": "att-found", "Type": 55, "attachments": files(FILE)}
    assert runner.load(record, stream="documents").outcomes == [("att-found", "created")]
    (document,) = documents(company, "att-found")
    assert names(company, document["ID"]) == ["paper-0.pdf"]


def test_a_refused_file_is_said_and_its_document_is_there(company: Company, runner: Runner) -> None:
    company.server.control.faults(
        {"kind": "status", "status": 500, "body": True, "path": "DocumentAttachments", "times": 1}
    )
    record = {"Subject": "att-bare", "Type": 55, "attachments": files(FILE)}
    load = runner.load(record, stream="documents")
    assert load.outcomes == [("att-bare", "created")]
    assert str(load.reasons[0]).startswith("its files were refused: ")


def test_what_has_no_place_for_files_says_so(company: Company, runner: Runner) -> None:
    record = {"Code": "NEW-1", "Description": "new", "attachments": files(FILE)}
    load = runner.load(record, stream="items")
    assert isinstance(load.error, RecordsRejected)
    assert company.calls("POST") == 0


def test_a_dry_run_uploads_nothing(company: Company, runner: Runner) -> None:
    load = runner.load(invoice(company, "att-dry", FILE), dry_run=True)
    assert load.outcomes == [("att-dry", "would_create")]
    assert company.calls("POST") == 0


def test_the_document_of_another_entity_is_not_taken_for_the_lost_one(
    company: Company, runner: Runner
) -> None:
    assert runner.load(invoice(company, "att-two", FILE)).error is None
    company.server.control.faults(
        {"kind": "cut", "method": "POST", "path": "documents/Documents", "times": 1}
    )
    accounts = company.server.control.truth(company.division, "gl_accounts")
    revenue = next(row["ID"] for row in accounts if row["Type"] == 110)
    entry = {
        "YourRef": "att-two",
        "Customer": company.customer,
        "Journal": "70",
        "EntryDate": "2026-06-25",
        "SalesEntryLines": [{"GLAccount": revenue, "AmountFC": 10}],
        "attachments": files(OTHER),
    }
    runner.load(entry, stream="sales_entries", settle_after=0)
    assert len(documents(company, "att-two")) == 2
    (made,) = company.invoices("att-two")
    assert len(names(company, made["Document"])) == 1


def test_two_files_of_one_name_are_two_files(company: Company, runner: Runner) -> None:
    cut = {"kind": "cut", "method": "POST", "path": "DocumentAttachments"}
    company.server.control.faults({**cut, "skip": 1, "times": 1})
    same_name = [{"file_name": "scan.pdf", "content": text} for text in (FILE, OTHER)]
    load = runner.load(company.invoice("att-same", attachments=same_name), settle_after=0)
    assert load.outcomes == [("att-same", "created")]
    (made,) = company.invoices("att-same")
    assert names(company, made["Document"]) == ["scan.pdf", "scan.pdf"]


def test_a_file_is_needed_once(company: Company, runner: Runner, scans: Path) -> None:
    path = scans / "once.pdf"
    path.write_bytes(b"%PDF-1.4 once")
    record = company.invoice("att-once", attachment_path=str(path))
    assert runner.load(record).outcomes == [("att-once", "created")]
    path.unlink()
    assert runner.load(record).outcomes == [("att-once", "unchanged")]
    company.server.control.reset_calls()
    missing = runner.load(company.invoice("att-none", attachment_path=str(path), Colour="red"))
    assert missing.outcomes == [("att-none", "rejected")]
    assert "cannot be read" in str(missing.reasons[0])
    assert "Colour" in str(missing.reasons[0])
    assert company.calls("POST") == 0


def test_a_file_that_is_gone_does_not_keep_a_doubt_alive(
    company: Company, runner: Runner, scans: Path
) -> None:
    path = scans / "doubt.pdf"
    path.write_bytes(b"%PDF-1.4 doubt")
    company.server.control.faults(
        {"kind": "cut", "method": "POST", "path": "SalesInvoices", "times": 2},
    )
    record = company.invoice("att-doubt", attachment_path=str(path))
    assert runner.load(record, settle_after=0).outcomes == [("att-doubt", "in_doubt")]
    path.unlink()
    other = runner.load(company.invoice("att-other"), settle_after=0)
    assert ("att-other", "created") in other.outcomes
    assert dict(other.outcomes)["att-doubt"] in {"created", "rejected"}


def test_a_moment_that_a_clock_ahead_has_noted_is_not_waited_for(
    company: Company, runner: Runner
) -> None:
    cut = {"kind": "cut", "method": "POST", "path": "documents/Documents", "times": 2}
    company.server.control.faults(cut)
    record = invoice(company, "att-ahead", FILE)
    assert runner.load(record, settle_after=0).outcomes == [("att-ahead", "in_doubt")]
    noted_a_day_ahead(runner)
    assert runner.load(record, settle_after=0).outcomes == [("att-ahead", "created")]
