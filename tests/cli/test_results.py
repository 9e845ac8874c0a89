"""`results`, `results settle` and `replay`: what became of documents, and what to do about it."""

from __future__ import annotations

import csv
import io
import json
import signal
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from exactonline_client.store import postings as postings_of
from exactonline_client.store.postings import beside, derived
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections, postings
from tests.cli.test_commands import DIVISIONS, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from exactonline_sandbox import Server

INVOICES = "salesinvoice/SalesInvoices"
KEY = "a07b5588-4d7d-4872-88f9-30b2d256440d"
MORNING = 1_782_374_400.0  # 2026-06-25T08:00:00Z


@pytest.fixture
def books(server: Server, store_url: str) -> str:
    sign_in(server, store_url)
    return "books"


@pytest.fixture
def signals() -> Iterator[None]:
    """Put back the handlers that a target replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Journal:
    """The postings of a store, as a target would have left them."""

    def __init__(self, store_url: str) -> None:
        self._url = store_url

    def note(self, reference: str, outcome: str, **more: Any) -> None:
        with closing(Store(self._url)) as store:
            with store.transaction() as connection:
                app = connection.execute(sa.select(connections.c.app)).scalar_one()
            record = more.pop("content", None)
            sealed = store.encrypt(json.dumps(record), secret=False) if record else None
            more = postings_of.sealed(store, more)
            values = {
                "app": app,
                "division": DIVISIONS[0],
                "entity": INVOICES,
                "reference": reference,
                "stream": "sales_invoices",
                "outcome": outcome,
                "payload_hash": "",
                "at": MORNING,
                "record": sealed,
                **more,
            }
            store.put(postings, **values)

    def rows(self) -> dict[str, Any]:
        with closing(Store(self._url)) as store:
            rows = store.read(sa.select(postings))
            return {
                row.reference: SimpleNamespace(
                    **{**row._mapping, "reason": store.decrypt(row.reason, secret=False)}
                )
                for row in rows
            }


@pytest.fixture
def journal(books: str, store_url: str) -> Journal:  # noqa: ARG001 - it makes the store
    return Journal(store_url)


class TestResults:
    def test_scripts_get_a_line_each_the_newest_first(
        self, journal: Journal, server: Server, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "created", exact_id=KEY, number="26000012", at=MORNING + 1)
        journal.note("W2", "rejected", reason="OrderedBy is missing", at=MORNING + 2)
        server.control.reset_calls()
        result = command("results", "--json")
        assert result.exit_code == 0, result.output
        newest, oldest = map(json.loads, result.stdout.splitlines())
        assert newest["reference"] == "W2"
        assert oldest == {
            "at": "2026-06-25T08:00:01+00:00",
            "division": DIVISIONS[0],
            "stream": "sales_invoices",
            "entity": INVOICES,
            "reference": "W1",
            "outcome": "created",
            "exact_id": KEY,
            "number": "26000012",
            "reason": None,
            "finalized": None,
            "sent_at": None,
            "link": f"{server.base_url}/api/v1/{DIVISIONS[0]}/{INVOICES}(guid'{KEY}')",
        }
        assert newest["link"] is None
        assert server.control.calls()["data_calls"] == 0

    @pytest.mark.parametrize(
        ("options", "left"),
        [
            (("--division", str(DIVISIONS[1])), ["C"]),
            (("--stream", "accounts"), ["B"]),
            (("--outcome", "rejected"), ["B"]),
            (("--outcome", "rejected", "--outcome", "in_doubt"), ["C", "B"]),
            (("--reference", "A"), ["A"]),
            (("--since", "2026-06-25T08:00:02Z"), ["C"]),
            (("--since", "2026-06-25"), ["C", "B", "A"]),
            (("--limit", "2"), ["C", "B"]),
        ],
    )
    def test_each_filter_leaves_its_own(
        self,
        journal: Journal,
        command: Callable[..., Result],
        options: tuple[str, ...],
        left: list[str],
    ) -> None:
        journal.note("A", "created", at=MORNING)
        journal.note("B", "rejected", stream="accounts", at=MORNING + 1)
        journal.note("C", "in_doubt", division=DIVISIONS[1], at=MORNING + 2)
        result = command("results", "--json", *options)
        assert [json.loads(line)["reference"] for line in result.stdout.splitlines()] == left

    @pytest.mark.parametrize("name", ["public-sales_invoices", "sales_invoices", "SalesInvoices"])
    @pytest.mark.parametrize("loaded", ["public-sales_invoices", "public.sales_invoices", "orders"])
    def test_a_stream_is_found_as_it_was_loaded_and_by_its_entity(
        self, journal: Journal, command: Callable[..., Result], name: str, loaded: str
    ) -> None:
        journal.note("W1", "created", stream=loaded)
        journal.note("W2", "created", stream="public-accounts", entity="crm/Accounts")
        by_schema = name.startswith("public") and name != loaded
        wanted = [] if by_schema else ["W1"]
        result = command("results", "--json", "--stream", name)
        assert [json.loads(line)["reference"] for line in result.stdout.splitlines()] == wanted
        result = command("results", "--json", "--stream", loaded.removeprefix("public-"))
        assert "W1" in result.stdout

    def test_people_see_a_table_and_how_many_there_are(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        for number in range(3):
            journal.note(f"W{number}", "created")
        journal.note("X", "rejected", reason="OrderedBy is missing", at=MORNING + 1)
        result = command("results", "--limit", "2")
        lines = result.stdout.splitlines()
        assert "OrderedBy is missing" in lines[1]
        assert lines[-1] == "3 created, 1 rejected. The newest 2 of 4 are shown."

    def test_what_all_rows_have_in_common_takes_no_room(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "created", exact_id=KEY)
        assert command("results").stdout.split()[:4] == ["At", "(UTC)", "Reference", "Outcome"]
        journal.note(
            "W2", "rejected", reason="OrderedBy is missing", stream="public-sales_invoices"
        )
        heading = command("results").stdout.splitlines()[0].split()
        assert heading == ["At", "(UTC)", "Stream", "Reference", "Outcome", "Reason"]

    def test_a_table_for_spreadsheets_holds_no_formula(
        self, journal: Journal, server: Server, command: Callable[..., Result]
    ) -> None:
        journal.note("=1+1", "created", exact_id=KEY, number="26000012")
        journal.note("W2", "rejected", reason='a "quoted", reason')
        result = command("results", "--csv")
        by_reference = {row["reference"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
        assert by_reference["W2"]["reason"] == 'a "quoted", reason'
        assert by_reference["'=1+1"]["number"] == "26000012"
        assert by_reference["'=1+1"]["link"].startswith(server.base_url)

    def test_customer_and_amount_are_asked_for(
        self, journal: Journal, server: Server, command: Callable[..., Result]
    ) -> None:
        there = server.control.truth(DIVISIONS[0], "sales_invoices")[:2]
        accounts = {
            row["ID"]: row["Name"] for row in server.control.truth(DIVISIONS[0], "accounts")
        }
        for number, row in enumerate(there):
            journal.note(f"W{number}", "created", exact_id=row["InvoiceID"], at=MORNING + number)
        journal.note("W9", "rejected", reason="no", at=MORNING + 9)
        server.control.reset_calls()
        result = command("results", "--json", "--details")
        refused, *found = map(json.loads, result.stdout.splitlines())
        assert "customer" not in refused
        assert {(row["customer"], row["amount"]) for row in found} == {
            (accounts[row["OrderedBy"]], row["AmountFC"]) for row in there
        }
        assert server.control.calls()["data_calls"] == 1
        assert f"{there[0]['AmountFC']:,.2f}" in command("results", "--details").stdout

    @pytest.mark.usefixtures("journal")
    def test_none_are_no_error(self, command: Callable[..., Result]) -> None:
        result = command("results")
        assert (result.exit_code, result.stdout) == (0, "No results.\n")

    @pytest.mark.usefixtures("journal")
    def test_a_moment_that_is_none(self, command: Callable[..., Result]) -> None:
        result = command("results", "--since", "yesterday")
        assert result.exit_code == 2
        assert "--since: 'yesterday' is not a date or a time" in result.stderr


class TestSettle:
    def test_a_document_that_is_there_is_created(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "in_doubt", content={"YourRef": "W1"}, payload_hash="hash")
        result = command("results", "settle", "sales_invoices", "W1", "--created", KEY.upper())
        assert result.exit_code == 0, result.output
        row = journal.rows()["W1"]
        assert (row.outcome, row.exact_id, row.payload_hash) == ("created", KEY, "hash")
        assert row.record is None

    @pytest.mark.parametrize(
        ("options", "created", "key"),
        [(("--created", KEY), True, KEY), (("--not-created",), False, None)],
    )
    def test_json_says_what_it_is_settled_as(
        self,
        journal: Journal,
        command: Callable[..., Result],
        options: tuple[str, ...],
        created: bool,  # noqa: FBT001
        key: str | None,
    ) -> None:
        journal.note("W1", "in_doubt", content={"YourRef": "W1"})
        result = command("results", "settle", "sales_invoices", "W1", *options, "--json")
        settled = json.loads(result.stdout)
        assert (settled["reference"], settled["created"], settled["exact_id"]) == (
            *("W1", created, key),
        )

    def test_a_document_that_is_not_there_may_be_sent_again(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "posting", content={"YourRef": "W1"}, sent_at=MORNING)
        result = command("results", "settle", "sales_invoices", "W1", "--not-created")
        assert result.exit_code == 0, result.output
        row = journal.rows()["W1"]
        assert (row.outcome, row.reason) == ("rejected", "settled as not created")
        assert row.exact_id is None
        assert row.record is not None

    def test_only_what_is_in_doubt_is_settled(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "created", exact_id=KEY)
        before = journal.rows()
        result = command("results", "settle", "sales_invoices", "W1", "--not-created")
        assert result.exit_code == 2
        assert "No document in stream sales_invoices with reference W1 is in doubt" in result.stderr
        assert journal.rows() == before

    def test_of_two_divisions_one_is_chosen(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "in_doubt")
        journal.note("W1", "in_doubt", division=DIVISIONS[1])
        settle = ("results", "settle", "sales_invoices", "W1", "--not-created")
        result = command(*settle)
        assert result.exit_code == 2
        assert "Choose one with --division" in result.stderr
        assert command(*settle, "--division", str(DIVISIONS[1])).exit_code == 0
        assert command(*settle).exit_code == 0

    @pytest.mark.parametrize("name", ["public-sales_invoices", "sales_invoices"])
    def test_a_stream_has_two_names(
        self, journal: Journal, command: Callable[..., Result], name: str
    ) -> None:
        journal.note("W1", "in_doubt", stream="public-sales_invoices")
        assert command("results", "settle", name, "W1", "--not-created").exit_code == 0
        assert journal.rows()["W1"].outcome == "rejected"

    @pytest.mark.parametrize("options", [(), ("--created", KEY, "--not-created")])
    def test_it_is_said_which(
        self, journal: Journal, command: Callable[..., Result], options: tuple[str, ...]
    ) -> None:
        journal.note("W1", "in_doubt")
        result = command("results", "settle", "sales_invoices", "W1", *options)
        assert result.exit_code == 2
        assert "Say either --created" in result.stderr

    def test_an_id_that_can_be_none_of_exact(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "in_doubt")
        result = command("results", "settle", "sales_invoices", "W1", "--created", "26000012")
        assert result.exit_code == 2
        assert "'26000012' is not a GUID, as each InvoiceID of SalesInvoices is" in result.stderr
        assert journal.rows()["W1"].outcome == "in_doubt"


class TestForget:
    """What is kept of a document goes, but for what it takes not to send it twice."""

    @staticmethod
    def kept(store_url: str) -> bytes:
        """All bytes of the store, those of the log of its changes included."""
        folder = Path(make_url(store_url).database or "").parent
        return b"".join(path.read_bytes() for path in folder.glob("store.db*"))

    def test_no_more_is_left_than_a_keyed_hash(
        self, journal: Journal, store_url: str, command: Callable[..., Result]
    ) -> None:
        name = "Jansen-2026-118"
        about = {"content": {"Name": "Jansen"}, "reason": "Jansen is blocked"}
        journal.note(name, "created", exact_id=KEY, number="26000012", kept_reference=name)
        journal.note(beside(name), "rejected", **about)
        files = derived(INVOICES, name)
        journal.note(files, "created", entity="documents/Documents")
        of_files = {"entity": "documents/DocumentAttachments"}
        journal.note(derived(files, "hash", "jansen.pdf"), "created", **of_files)
        journal.note("W10", "created")
        result = command("results", "forget", name, "--yes")
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[-1] == f"{name} is forgotten."
        other, left = sorted(journal.rows().values(), key=lambda row: row.outcome)
        assert (other.reference, left.outcome) == ("W10", "forgotten")
        assert left.reference.startswith("#forgotten-")
        nothing = ("exact_id", "number", "kept_reference", "reason", "record", "sent_at")
        assert {getattr(left, name) for name in nothing} == {None}
        again = command("results", "forget", name, "--yes")
        assert (again.exit_code, again.stdout) == (0, f"{name} is forgotten.\n")
        kept = self.kept(store_url)
        assert [secret for secret in ("Jansen", "26000012", KEY) if secret.encode() in kept] == []

    def test_json_says_what_is_forgotten(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "created", exact_id=KEY)
        forget = ("results", "forget", "W1", "--json")
        result = command(*forget, text="y\n")
        found = {"division": DIVISIONS[0], "stream": "sales_invoices"}
        assert json.loads(result.stdout) == {"reference": "W1", "forgotten": [found]}
        again = command(*forget)
        assert json.loads(again.stdout) == {"reference": "W1", "forgotten": []}

    def test_a_rejected_record_leaves_nothing(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content={"Name": "Jansen"}, reason="Jansen is blocked")
        assert command("results", "forget", "W1", "--yes").exit_code == 0
        assert journal.rows() == {}

    def test_what_is_in_doubt_is_not_forgotten(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W 1", "in_doubt", content={"Name": "Jansen"})
        journal.note("W 1", "created", division=DIVISIONS[1], exact_id=KEY)
        before = journal.rows()
        result = command("results", "forget", "W 1", "--yes")
        assert result.exit_code == 2
        assert "settle sales_invoices 'W 1' --created ID | --not-created" in result.stderr
        assert journal.rows() == before
        one = ("--division", str(DIVISIONS[1]))
        assert command("results", "forget", "W 1", "--yes", *one).exit_code == 0

    @pytest.mark.parametrize(
        ("answer", "code", "told", "left"),
        [("y\n", 0, "", False), ("n\n", 0, "Nothing was", True), ("", 2, "Give --yes", True)],
    )
    def test_there_is_a_question_before_it(  # noqa: PLR0917
        self,
        journal: Journal,
        command: Callable[..., Result],
        answer: str,
        code: int,
        told: str,
        left: bool,  # noqa: FBT001
    ) -> None:
        journal.note("W1", "created", exact_id=KEY)
        result = command("results", "forget", "W1", text=answer)
        assert result.exit_code == code
        assert told in result.stderr
        assert ("W1" in journal.rows()) == left

    @pytest.mark.parametrize("options", [("W2",), ("W1", "--stream", "accounts")])
    def test_what_is_not_kept_is_said(
        self, journal: Journal, command: Callable[..., Result], options: tuple[str, ...]
    ) -> None:
        journal.note("W1", "created", exact_id=KEY)
        result = command("results", "forget", *options, "--yes")
        assert result.exit_code == 2
        assert f"Nothing is kept under the reference {options[0]}" in result.stderr
        assert set(journal.rows()) == {"W1"}


def test_reasons_are_not_kept_in_clear(
    journal: Journal, store_url: str, command: Callable[..., Result]
) -> None:
    journal.note("W1", "rejected", reason="no row of Accounts has Name 'Jansen'")
    assert "Name 'Jansen'" in command("results").stdout
    assert b"Jansen" not in TestForget.kept(store_url)


@pytest.mark.usefixtures("signals")
class TestReplay:
    @staticmethod
    def invoice(server: Server, reference: str) -> dict[str, Any]:
        control, division = server.control, DIVISIONS[0]
        customer = next(row for row in control.truth(division, "accounts") if row["Status"] == "C")
        item = next(row for row in control.truth(division, "items") if row["IsSalesItem"])
        line = {"Item": item["ID"], "Quantity": 2, "NetPrice": 12.5}
        return {"YourRef": reference, "OrderedBy": customer["ID"], "SalesInvoiceLines": [line]}

    @staticmethod
    def created(server: Server, reference: str) -> list[dict[str, Any]]:
        rows = server.control.truth(DIVISIONS[0], "sales_invoices")
        return [row for row in rows if row["YourRef"] == reference]

    def test_rejected_records_are_sent_again(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        for reference in ("W1", "W2"):
            journal.note(reference, "rejected", content=self.invoice(server, reference))
        journal.note("W3", "created", exact_id=KEY)
        result = command("replay")
        assert result.exit_code == 0, result.output
        assert [len(self.created(server, f"W{number}")) for number in (1, 2, 3)] == [1, 1, 0]
        rows = journal.rows()
        assert [rows[f"W{number}"].outcome for number in (1, 2, 3)] == ["created"] * 3
        assert rows["W1"].exact_id == self.created(server, "W1")[0]["InvoiceID"]
        assert "0 records are sent again" in command("replay").stderr

    @pytest.mark.parametrize(
        ("method", "outcome"), [("append-only", "created"), ("upsert", "updated")]
    )
    def test_what_failed_beside_a_document_is_shown_and_sent_again_with_it(
        self,
        server: Server,
        journal: Journal,
        command: Callable[..., Result],
        method: str,
        outcome: str,
    ) -> None:
        reference = f"W-{method}"
        content = self.invoice(server, reference)
        journal.note(reference, "rejected", content=content)
        assert command("replay").exit_code == 0
        later = {**content, "Description": "later"}
        journal.note(beside(reference), "rejected", content=later, reason="closed")
        shown = command("results", "--reference", reference, "--json").stdout.splitlines()
        assert [json.loads(line)["outcome"] for line in shown] == ["created", "rejected"]
        environment = {"TARGET_EXACTONLINE_LOAD_METHOD": method}
        result = command("replay", "--reference", reference, **environment)
        assert "1 record is sent again" in result.stderr
        assert result.exit_code == 0, result.output
        assert {name: row.outcome for name, row in journal.rows().items()} == {reference: outcome}
        (made,) = self.created(server, reference)
        assert (made["Description"] == "later") == (method == "upsert")

    def test_what_is_in_doubt_is_looked_for_and_sent_if_it_is_not_there(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        content = self.invoice(server, "W1")
        journal.note("W1", "in_doubt", content=content, sent_at=MORNING, payload_hash="hash")
        assert "1 record is sent again" in command("replay").stderr
        assert len(self.created(server, "W1")) == 1
        # As if the answer had been lost.
        journal.note("W1", "in_doubt", content=content, sent_at=MORNING, payload_hash="hash")
        assert command("replay").exit_code == 0
        assert len(self.created(server, "W1")) == 1

    def test_a_row_that_a_document_needed_is_not_taken_for_the_document(
        self, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("10021", "in_doubt", content={"Name": "a"}, entity="crm/Accounts")
        assert "0 records are sent again" in command("replay").stderr

    @pytest.mark.parametrize("name", ["public-sales_invoices", "sales_invoices"])
    def test_a_stream_has_two_names(
        self, server: Server, journal: Journal, command: Callable[..., Result], name: str
    ) -> None:
        reference = f"two-{len(name)}"
        content = self.invoice(server, reference)
        journal.note(reference, "rejected", content=content, stream="public-sales_invoices")
        assert command("replay", "--stream", name).exit_code == 0
        assert len(self.created(server, reference)) == 1

    def test_record_in_the_unified_shape_is_sent_again_in_it(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        exact = self.invoice(server, "unified-1")
        (line,) = exact["SalesInvoiceLines"]
        content = {
            "reference": "unified-1",
            "customer": {"id": exact["OrderedBy"]},
            "line_items": [{"item": {"id": line["Item"]}, "quantity": 2, "unit_price": 12.5}],
        }
        journal.note("unified-1", "rejected", content=content, stream="invoices")
        result = command("replay")
        assert result.exit_code == 0, result.output
        assert len(self.created(server, "unified-1")) == 1

    def test_json_has_a_result_for_each_record(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        wrong = {**self.invoice(server, "W2"), "OrderedBy": "99999"}
        journal.note("W2", "rejected", content=wrong, at=MORNING + 1)
        result = command("replay", "--json")
        assert result.exit_code == 5
        found = {each["reference"]: each for each in json.loads(result.stdout)}
        assert found["W1"]["outcome"] == "created"
        assert found["W1"]["exact_id"] == self.created(server, "W1")[0]["InvoiceID"]
        assert found["W2"]["outcome"] == "rejected"
        assert "no row of Accounts has Code '99999'" in found["W2"]["reason"]
        assert json.loads(command("replay", "--reference", "W9", "--json").stdout) == []

    def test_what_is_settled_as_not_created_is_sent_again(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        content = self.invoice(server, "W1")
        journal.note("W1", "in_doubt", content=content, sent_at=MORNING, payload_hash="hash")
        command("results", "settle", "sales_invoices", "W1", "--not-created")
        assert command("replay").exit_code == 0
        assert len(self.created(server, "W1")) == 1

    def test_one_that_is_still_wrong_ends_in_the_exit_code_of_the_target(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        journal.note("W2", "rejected", content={"YourRef": "W2"})
        result = command("replay")
        assert result.exit_code == 5
        assert "1 of 2 records was rejected" in result.stderr
        assert "1 created, 0 already there, 1 rejected" in result.stderr
        assert journal.rows()["W2"].outcome == "rejected"
        assert len(self.created(server, "W1")) == 1

    def test_what_fails_is_told_by_reason(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W0", "rejected", content=self.invoice(server, "W0"))
        for number in range(1, 8):
            content = {**self.invoice(server, f"W{number}"), "OrderedBy": f"9999{number}"}
            journal.note(f"W{number}", "rejected", content=content, at=MORNING + number)
        journal.note("X1", "rejected", content={"YourRef": "X1"}, at=MORNING + 9)
        result = command("replay", "--dry-run")
        assert result.exit_code == 5
        assert "9 records would be sent again" in result.stderr
        lines = result.stderr.splitlines()
        start = lines.index(
            "These cannot succeed as they are. Fix what they name at Exact or in the settings, or "
            "correct them at their source and load them again:"
        )
        assert lines[start + 1].startswith("- 7: OrderedBy: no row of Accounts has Code '99991'")
        assert lines[start + 1].endswith("(for one): W1, W2, W3, W4, W5, ...")
        assert lines[start + 2].startswith("- 1: OrderedBy is missing")
        assert lines[start + 2].endswith(": X1")
        assert "1 would be created" in lines[start + 3]
        assert self.created(server, "W0") == []
        result = command("replay")
        assert "These were not written:" in result.stderr
        assert len(self.created(server, "W0")) == 1

    def test_only_what_is_asked_for_is_sent(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        for reference in ("W1", "W2"):
            journal.note(reference, "rejected", content=self.invoice(server, reference))
        journal.note("W4", "rejected", content={"YourRef": "W4"}, division=DIVISIONS[1])
        result = command("replay", "--reference", "W2")
        assert result.exit_code == 0, result.output
        assert [len(self.created(server, f"W{number}")) for number in (1, 2)] == [0, 1]
        result = command("replay", "--stream", "accounts")
        assert "0 records are sent again" in result.stderr
        result = command("replay", "--reference", "W1")
        assert f"Records of divisions {DIVISIONS[1]}" not in result.stderr
        result = command("replay")
        assert f"Records of divisions {DIVISIONS[1]} were not written either" in result.stderr
        result = command("replay", "--division", str(DIVISIONS[1]))
        assert result.exit_code == 5

    def test_invoices_that_were_refused_are_finalised_again(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        journal.note("W2", "rejected", content=self.invoice(server, "W2"))
        fault = {"kind": "status", "status": 500, "body": True, "path": "PrintedSalesInvoices"}
        server.control.faults({**fault, "times": 2})
        email = {"TARGET_EXACTONLINE_FINALIZE": "print"}
        result = command("replay", **email)
        assert result.exit_code == 5
        assert "2 of 2 records were rejected or left unfinished" in result.stderr
        assert {row.finalized for row in journal.rows().values()} == {"refused"}
        result = command("replay")
        assert "2 invoices were created and not finalised. Set finalize" in result.stderr
        result = command("replay", "--dry-run", **email)
        assert (
            "2 invoices were created and not finalised; a run without --dry-run does that."
            in result.stderr
        )
        result = command("replay", "--reference", "W1", **email)
        assert result.exit_code == 0, result.output
        rows = journal.rows()
        assert (rows["W1"].finalized, rows["W2"].finalized) == ("done", "refused")
        assert "0 created, 0 already there, 1 updated" in result.stderr
        assert [len(self.created(server, f"W{number}")) for number in (1, 2)] == [1, 1]

    def test_invoices_whose_finalising_was_cut_off_are_finalised(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        settings = {"TARGET_EXACTONLINE_FINALIZE": "print"}
        server.control.faults({"kind": "status", "status": 403, "path": "Printed", "times": 1})
        assert command("replay", **settings).exit_code == 6
        assert journal.rows()["W1"].finalized == "wanted"
        assert command("replay", **settings).exit_code == 0
        assert journal.rows()["W1"].finalized == "done"

    def test_invoices_that_a_person_has_to_look_at_are_finalised_by_their_reference(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        other = {"AmountFCExclVat": 1, "VATAmountFC": 7, "AmountFC": 8}
        content = {**self.invoice(server, "W1"), **other}
        content["SalesInvoiceLines"][0] |= {"Quantity": 1, "NetPrice": 1}
        journal.note("W1", "rejected", content=content)
        settings = {"TARGET_EXACTONLINE_FINALIZE": "print"}
        assert command("replay", **settings).exit_code == 5
        assert command("replay", **settings).exit_code == 0
        assert journal.rows()["W1"].finalized == "held"
        assert command("replay", "--reference", "W1", **settings).exit_code == 0
        assert journal.rows()["W1"].finalized == "done"
        assert len(self.created(server, "W1")) == 1

    def test_a_dry_run_sends_nothing(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        before = journal.rows()
        result = command("replay", "--dry-run")
        assert result.exit_code == 0, result.output
        assert self.created(server, "W1") == []
        assert journal.rows() == before

    def test_settings_come_from_files_and_from_the_environment(
        self,
        server: Server,
        journal: Journal,
        command: Callable[..., Result],
        tmp_path: Any,
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        settings = {"results_path": str(tmp_path / "results.jsonl"), "request_timeout": 0}
        (tmp_path / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        replay = ("replay", "--config", str(tmp_path / "config.json"))
        result = command(*replay)
        assert result.exit_code == 2
        assert "request_timeout" in result.stderr
        result = command(*replay, TARGET_EXACTONLINE_REQUEST_TIMEOUT="12.5")
        assert result.exit_code == 0, result.output
        (line,) = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["outcome"] == "created"

    def test_settings_in_the_environment_are_read_as_the_target_reads_them(
        self, server: Server, journal: Journal, command: Callable[..., Result]
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        result = command(
            *("replay", "--config", "ENV"),
            TARGET_EXACTONLINE_CREATE_MISSING="accounts,items",
            TARGET_EXACTONLINE_STREAMS='{"orders": {"entity": "sales_orders"}}',
            TARGET_EXACTONLINE_HARD_DELETE="off",
            TARGET_EXACTONLINE_DIVISION="",
        )
        assert result.exit_code == 0, result.output
        assert len(self.created(server, "W1")) == 1
        result = command("replay", TARGET_EXACTONLINE_MAX_ERRORS="many")
        assert result.exit_code == 2
        assert "TARGET_EXACTONLINE_MAX_ERRORS should be a whole number" in result.stderr

    @pytest.mark.parametrize(
        ("config", "variables", "named"),
        [
            (
                {"dryrun": True},
                {},
                "Nothing was written. There is no setting dryrun. Did you mean dry_run?",
            ),
            ({}, {"TARGET_EXACTONLINE_DRYRUN": "1"}, "Did you mean TARGET_EXACTONLINE_DRY_RUN?"),
        ],
    )
    def test_a_misspelt_setting_ends_it_before_anything_is_sent(
        self,
        server: Server,
        journal: Journal,
        command: Callable[..., Result],
        tmp_path: Path,
        *,
        config: dict[str, bool],
        variables: dict[str, str],
        named: str,
    ) -> None:
        journal.note("W1", "rejected", content=self.invoice(server, "W1"))
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        result = command("replay", "--config", str(tmp_path / "config.json"), **variables)
        assert result.exit_code == 2
        assert named in result.stderr
        assert not self.created(server, "W1")

    @pytest.mark.usefixtures("journal")
    def test_a_file_that_is_not_there(self, command: Callable[..., Result]) -> None:
        result = command("replay", "--config", "nowhere.json")
        assert result.exit_code == 2
        assert "nowhere.json" in result.stderr
