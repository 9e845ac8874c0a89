"""The files of document attachments."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
import time_machine

from exactonline_client.errors import Incomplete
from exactonline_sandbox.books.attachments import CONTENT, PAGE, TABLE
from exactonline_sandbox.business.editor import Editor

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

STREAM = "document_attachments"
HOUR = 3600

pytestmark = pytest.mark.parametrize("bench", [{"invoices": 16}], indirect=True)


def files(outcome: Outcome) -> dict[str, bytes | None]:
    return {
        row["ID"]: row["Attachment"] and base64.b64decode(row["Attachment"])
        for row in outcome.records(STREAM)
        if "_sdc_deleted_at" not in row
    }


def kept(bench: Bench) -> dict[str, dict[str, Any]]:
    """The attachments of the sandbox, by key."""
    return dict(bench.server.world.company(bench.divisions[0]).table(TABLE).rows)


def attach(bench: Bench, content: bytes, name: str = "a.pdf", **more: Any) -> str:
    """A new attachment; returns its key."""
    world = bench.server.world
    editor = Editor(world.company(bench.divisions[0]), world.author(world.config.users[0]))
    (some, *_) = kept(bench).values()
    row = {"ID": editor.guid(), "Document": some["Document"], "FileName": name, CONTENT: content}
    editor.insert(TABLE, {**row, **more})
    return str(row["ID"])


@pytest.mark.parametrize("use_sync", [True, False])
def test_files_come_where_they_are_wanted(bench: Bench, *, use_sync: bool) -> None:
    without = bench.run(STREAM, use_sync_api=use_sync)
    assert set(files(without).values()) == {None}
    assert without.calls[PAGE] == 0
    wanted = bench.run(STREAM, attachments="content", use_sync_api=use_sync)
    assert wanted.error is None
    assert files(wanted) == {key: row[CONTENT] for key, row in kept(bench).items()}
    assert wanted.calls[PAGE] == len(kept(bench)) > 0


def test_only_new_files_are_fetched(bench: Bench) -> None:
    first = bench.run(STREAM, attachments="content")
    bench.server.control.clock(advance_seconds=86_400)
    new = attach(bench, b"new \x00\xff")
    second = bench.run(STREAM, state=first.state, attachments="content")
    assert files(second) == {new: b"new \x00\xff"}
    assert second.calls[PAGE] == 1


@pytest.mark.parametrize("tells_size", [True, False])
def test_a_large_file_is_left_out_and_told(
    bench: Bench, caplog: pytest.LogCaptureFixture, *, tells_size: bool
) -> None:
    content = b"x" * 300_001
    large = attach(bench, content, FileSize=len(content) if tells_size else None)
    outcome = bench.run(STREAM, attachments="content", attachments_max_mb=0.3)
    assert outcome.error is None
    assert files(outcome)[large] is None
    assert sum(file is None for file in files(outcome).values()) == 1
    assert f"Attachment {large}" in caplog.text
    assert "300000 bytes" in caplog.text
    fitting = bench.run(STREAM, attachments="content", attachments_max_mb=0.300001)
    assert files(fitting)[large] == content


def test_the_token_goes_to_our_own_server_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    link = f"https://files.example.com/docs/{PAGE}?ID=1"
    bench.edit_pages(lambda rows: [row.update(Url=link) for row in rows if row.get("Url")])
    outcome = bench.run(STREAM, attachments="content")
    assert outcome.error is None
    assert set(files(outcome).values()) == {None}
    assert outcome.calls[PAGE] == 0
    assert "https://files.example.com, which is not" in caplog.text


def test_a_file_that_is_gone_is_not_in_the_way(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    gone = [*kept(bench)][:8]
    for key in gone:
        kept(bench)[key].pop(CONTENT)
    outcome = bench.run(STREAM, attachments="content")
    assert outcome.error is None
    assert "is sent without its file" in caplog.text
    assert files(outcome) == {key: row.get(CONTENT) for key, row in kept(bench).items()}


def test_many_files_that_are_gone_take_no_others_along(bench: Bench) -> None:
    gone = [*kept(bench)][:12]
    for key in gone:
        kept(bench)[key].pop(CONTENT)
    first = bench.run(STREAM, attachments="content")
    assert isinstance(first.error, Incomplete)
    assert first.calls[PAGE] <= 40
    found = files(first)
    assert sum(file is None for file in found.values()) == 9, "more would have the app blocked"
    with time_machine.travel(time.time() + 2 * HOUR):
        bench.server.control.clock(advance_seconds=2 * HOUR)
        second = bench.run(STREAM, state=first.state, attachments="content")
    assert second.error is None
    assert found | files(second) == {key: row.get(CONTENT) for key, row in kept(bench).items()}


def test_a_file_without_rights_is_not_in_the_way(bench: Bench) -> None:
    bench.server.control.faults(
        {"kind": "status", "status": 403, "body": True, "path": PAGE, "times": 2}
    )
    outcome = bench.run(STREAM, attachments="content")
    assert outcome.error is None
    assert len(files(outcome)) == len(kept(bench))
    assert sum(file is None for file in files(outcome).values()) == 1


def test_a_page_in_place_of_a_file_is_no_file(bench: Bench) -> None:
    page = b"\r\n<!DOCTYPE html><title>Sign in</title>"
    wrong, right = attach(bench, page), attach(bench, page, "a.HTML")
    found = files(bench.run(STREAM, attachments="content"))
    assert found[wrong] is None
    assert found[right] == page


def test_a_transfer_that_breaks_off_is_tried_again(bench: Bench) -> None:
    bench.server.control.faults({"kind": "cut", "path": PAGE, "times": 1})
    outcome = bench.run(STREAM, attachments="content")
    assert outcome.error is None
    assert files(outcome) == {key: row[CONTENT] for key, row in kept(bench).items()}


def test_the_end_of_the_day_ends_the_files_too(bench: Bench) -> None:
    bench.server.control.limits(division=bench.divisions[0], leave_today=12)
    first = bench.run(STREAM, attachments="content")
    assert first.error is None
    assert 0 < len(files(first)) < len(kept(bench))
    assert None not in files(first).values()
    # The next day goes on at the file where this one ended, however few calls a day has.
    found, state = files(first), first.state
    for _day in range(6):
        bench.server.control.clock(advance_seconds=24 * HOUR)
        bench.sign_in()
        bench.server.control.limits(division=bench.divisions[0], leave_today=12)
        bench.config["store_url"] += "x"
        outcome = bench.run(STREAM, state=state, attachments="content")
        assert not found.keys() & files(outcome).keys()
        found, state = found | files(outcome), outcome.state
    assert found == {key: row[CONTENT] for key, row in kept(bench).items()}


def test_columns_that_the_file_needs_are_not_sent_unasked(bench: Bench) -> None:
    outcome = bench.run(STREAM, columns=["Attachment"], attachments="content")
    assert {frozenset(row) for row in outcome.records(STREAM)} == {
        frozenset({"ID", "Division", "Timestamp", "Attachment"})
    }
    assert None not in files(outcome).values()
    without = bench.run(STREAM, columns=["FileName"], attachments="content")
    assert without.calls[PAGE] == 0


def test_a_file_is_served_to_the_signed_in_alone(bench: Bench) -> None:
    (key, *_) = kept(bench)
    outcome = bench.run(STREAM)
    (link, *_) = [row["Url"] for row in outcome.records(STREAM) if row["ID"] == key]
    assert link == f"{bench.server.base_url}/docs/{PAGE}?ID={key}&_Division_={bench.divisions[0]}"
    assert requests.get(link, timeout=5).status_code == 401
