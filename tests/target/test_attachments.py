"""Files go with their document, each once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import RecordsRejected

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


def test_a_file_may_be_named_by_its_path(company: Company, runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
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
