"""A path in a record leads to files below one folder, and nowhere else."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import ConfigurationError, RecordsRejected
from exactonline_sandbox.books.attachments import CONTENT, TABLE
from target_exactonline.mapping import attachments, folder
from target_exactonline.schema.values import BadValueError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Load, Record, Runner

INSIDE, OUTSIDE = b"%PDF-1.4 inside", b"canary"
SETTING = "attachments_folder"
NO_FOLDER = "the setting attachments_folder is not set"
NOT_BELOW = "not below the folder of the setting attachments_folder"
LINK = "link"
HIDDEN = "begins with a dot"
NOT_REGULAR = "no regular file"
STORE = "in the folder of the store"
UNREADABLE = "cannot be read"
OUT: tuple[tuple[object, str], ...] = (
    ("{outside}/secret.txt", NOT_BELOW),
    ("../secret.txt", NOT_BELOW),
    ("2026/../../secret.txt", NOT_BELOW),
    ("{scans}/../secret.txt", NOT_BELOW),
    ("{scans}x/../secret.txt", NOT_BELOW),
    ("/proc/self/environ", NOT_BELOW),
    ("//proc/self/environ", NOT_BELOW),
    ("/dev/zero", NOT_BELOW),
    ("{outside}/pipe", NOT_BELOW),
    ("{outside}/store.key", NOT_BELOW),
    ("up/../../secret.txt", NOT_BELOW),
    ("file:///{outside}/secret.txt", UNREADABLE),
    ("~/secret.txt", UNREADABLE),
    ("link.pdf", LINK),
    ("inner.pdf", LINK),
    ("zero", LINK),
    ("up/secret.txt", LINK),
    ("up/store.key", LINK),
    ("up/scans/2026/a.pdf", LINK),
    ("hard.pdf", LINK),
    (".env", HIDDEN),
    ("pipe", NOT_REGULAR),
    ("pipe/a.pdf", UNREADABLE),
    ("2026", NOT_REGULAR),
    (".", NOT_REGULAR),
    ("2026/a.pdf/b.pdf", UNREADABLE),
    ("2026/none.pdf", UNREADABLE),
    ("2026\uff0fa.pdf", UNREADABLE),
    ("\uff0e\uff0e/secret.txt", UNREADABLE),
    ("%2e%2e/secret.txt", UNREADABLE),
    ("..\\secret.txt", HIDDEN),
    ("2026/a.pdf\0", UNREADABLE),
    ("\ud800", UNREADABLE),
    ("a" * 100_000, UNREADABLE),
    ("2026/" + "../2026/" * 20_000 + "none.pdf", UNREADABLE),
    ("", "should have the path of a file"),
    (3, "should have the path of a file"),
)
"""Paths, and what is said of each."""


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of files, with everything in it that might lead out of it."""
    scans, secret = tmp_path / "scans", tmp_path / "secret.txt"
    (scans / "2026").mkdir(parents=True)
    (scans / "2026" / "a.pdf").write_bytes(INSIDE)
    (scans / ".env").write_bytes(OUTSIDE)
    secret.write_bytes(OUTSIDE)
    (scans / "link.pdf").symlink_to(secret)
    (scans / "inner.pdf").symlink_to(scans / "2026" / "a.pdf")
    (scans / "up").symlink_to(tmp_path)
    (scans / "zero").symlink_to("/dev/zero")
    os.link(secret, scans / "hard.pdf")
    os.mkfifo(scans / "pipe")
    os.mkfifo(tmp_path / "pipe")
    return scans


def load(company: Company, runner: Runner, name: str, path: object, **settings: Any) -> Load:
    return runner.load(company.invoice(name, attachments=[{"path": path}]), **settings)


@pytest.mark.parametrize("dry_run", [True, False])
def test_no_path_leads_out_of_the_folder(
    company: Company, runner: Runner, scans: Path, *, dry_run: bool
) -> None:
    outside = str(scans.parent)
    paths = [
        path.format(outside=outside, scans=scans) if isinstance(path, str) else path
        for path, _ in OUT
    ]
    records = [
        company.invoice(f"out-{number}", attachments=[{"file_name": "a.pdf", "path": path}])
        for number, path in enumerate(paths)
    ]
    run = runner.load(*records, dry_run=dry_run, **{SETTING: str(scans)})
    assert isinstance(run.error, RecordsRejected)
    assert {outcome for _, outcome in run.outcomes} == {"would_reject" if dry_run else "rejected"}
    said = {line["reference"]: line["reason"] for line in run.results}
    wrong = {
        paths[number]: said[f"out-{number}"]
        for number, (_, reason) in enumerate(OUT)
        if not said[f"out-{number}"].startswith("attachments[1] ")
        or reason not in said[f"out-{number}"]
    }
    assert wrong == {}
    assert company.calls("POST") == 0


def test_files_below_the_folder_are_sent(company: Company, runner: Runner, scans: Path) -> None:
    paths = ["2026/a.pdf", f"{scans}/2026/a.pdf", "2026/../2026//./a.pdf"]
    files = [{"path": path} for path in paths]
    record = company.invoice("folder-in", attachments=files)
    assert runner.load(record, **{SETTING: str(scans)}).error is None
    (made,) = company.invoices("folder-in")
    rows = company.server.world.company(company.division).table(TABLE).rows.values()
    contents = [row[CONTENT] for row in rows if row["Document"] == made["Document"]]
    assert set(contents) == {INSIDE}


def test_the_folder_itself_may_be_a_link(
    company: Company, runner: Runner, scans: Path, tmp_path: Path
) -> None:
    link = tmp_path / "scans of today"
    link.symlink_to(scans)
    for number, path in enumerate((link / "2026" / "a.pdf", scans / "2026" / "a.pdf")):
        run = load(company, runner, f"folder-link-{number}", str(path), **{SETTING: str(link)})
        assert run.error is None


def test_a_folder_may_be_named_from_where_the_target_runs(
    company: Company, runner: Runner, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scans.parent)
    assert load(company, runner, "folder-cwd", "2026/a.pdf", **{SETTING: "scans"}).error is None


@pytest.mark.parametrize("named", [None, ""])
def test_without_a_folder_no_path_is_followed(
    company: Company, runner: Runner, scans: Path, named: str | None
) -> None:
    paths = (str(scans / "2026" / "a.pdf"), "/dev/zero", str(scans / "pipe"))
    records = [
        company.invoice(f"none-{number}", attachment_path=path) for number, path in enumerate(paths)
    ]
    settings: dict[str, Any] = {SETTING: named}
    run = runner.load(*records, **settings)
    assert {outcome for _, outcome in run.outcomes} == {"rejected"}
    for reason in run.reasons:
        assert str(reason).startswith("attachment_path ")
        assert NO_FOLDER in str(reason)
    assert company.calls("POST") == 0


@pytest.mark.parametrize("named", ["{scans}/none", "{scans}/2026/a.pdf", "\0", "/", "//", "/.."])
def test_a_folder_that_is_none_ends_the_run(
    company: Company, runner: Runner, scans: Path, named: str
) -> None:
    run = load(company, runner, "no", "a.pdf", **{SETTING: named.replace("{scans}", str(scans))})
    assert isinstance(run.error, ConfigurationError)
    assert SETTING in str(run.error)
    assert company.calls("POST") == 0


def test_the_folder_of_the_store_is_never_read(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    kept = tmp_path / "project" / "kept"
    runner.settings["store_url"] = f"sqlite:///{kept / 'store.db'}"
    runner.load(company.invoice("store-first"))
    (kept / "scans").mkdir()
    (kept / "scans" / "a.pdf").write_bytes(INSIDE)
    for root in (tmp_path, kept.parent, kept):
        files = [
            {"path": str(kept.relative_to(root) / name)}
            for name in ("store.key", "store.db", "scans/a.pdf")
        ]
        run = runner.load(company.invoice("store", attachments=files), **{SETTING: str(root)})
        assert run.outcomes == [("store", "rejected")]
        assert str(run.reasons[0]).count(STORE) == len(files)
    below: dict[str, Any] = {SETTING: str(kept / "scans")}
    assert load(company, runner, "store-below", "a.pdf", **below).error is None


def test_a_file_that_is_too_large_is_not_read_to_its_end(
    company: Company, runner: Runner, scans: Path
) -> None:
    with (scans / "large.bin").open("wb") as file:
        file.truncate(2**40)
    run = load(company, runner, "large", "large.bin", **{SETTING: str(scans)})
    assert "is larger than 10 MB" in str(run.reasons[0])


def test_a_rejected_path_is_rejected_again(company: Company, runner: Runner, scans: Path) -> None:
    """The journal knows the reference by then, and its files are looked at all the same."""
    for dry_run in (False, False, True):
        run = load(company, runner, "again", "link.pdf", dry_run=dry_run, **{SETTING: str(scans)})
        assert run.outcomes == [("again", "would_reject" if dry_run else "rejected")]
        assert LINK in str(run.reasons[0])
    assert company.calls("POST") == 0


def test_nothing_is_made_for_a_document_whose_files_are_gone(
    company: Company, runner: Runner, scans: Path
) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "path": "Documents"})
    record: Record = company.invoice("files-gone", attachments=[{"path": "2026/a.pdf"}])
    settings: dict[str, Any] = {"settle_after": 0, SETTING: str(scans)}
    assert runner.load(record, **settings).outcomes == [("files-gone", "in_doubt")]
    company.server.control.faults()
    company.server.control.reset_calls()
    shutil.rmtree(scans / "2026")
    for dry_run in (True, False):
        run = runner.load(record, **settings, dry_run=dry_run)
        assert run.outcomes == [("files-gone", "would_reject" if dry_run else "rejected")]
    assert company.calls("POST") == 0


def test_a_system_that_opens_no_file_by_its_folder_compares(scans: Path) -> None:
    place = folder.Folder(scans, by_dir_fd=False)
    assert place.read("2026/a.pdf", attachments.MAX_BYTES) == INSIDE
    for path, reason in (
        ("link.pdf", LINK),
        ("up/secret.txt", LINK),
        ("hard.pdf", LINK),
        ("../secret.txt", NOT_BELOW),
        ("pipe", NOT_REGULAR),
        ("2026", NOT_REGULAR),
    ):
        with pytest.raises(BadValueError, match=reason):
            place.read(path, attachments.MAX_BYTES)
