"""Is what else the target does done once: finalising, attaching, changing and matching?"""

from __future__ import annotations

import base64
import random
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from exactonline_sandbox import FaultRule
from exactonline_sandbox.books.attachments import CONTENT
from exactonline_sandbox.books.attachments import TABLE as ATTACHMENTS
from exactonline_sandbox.business.invoices import PRINTED, PROCESSED, print_invoice
from tests.stress.writing.company import company
from tests.stress.writing.matches import MATCH_SETS, OpenItems
from tests.stress.writing.storm import SHARE, SPEED, Storm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stress.writing.company import Company, Record

RECORDS = 20
"""Documents at least; more are added while the target has to be killed more often."""
STATE_EVERY = 10
CHANGED_INVOICES = 15
MOST_LINES = 6


@dataclass
class FollowUp:
    """What it took to do one kind of thing, and what is wrong in the end."""

    name: str
    records: int = 0
    kills: int = 0
    runs: Counter[int] = field(default_factory=Counter)
    """By exit code."""
    replays: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    """The last outcome of each document."""
    found: Counter[str] = field(default_factory=Counter)
    """What there is at Exact in the end."""
    wrong: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    """What is right at Exact, but no result says what a person has to know."""


def followups(seed: int, kills: int) -> list[FollowUp]:
    """Do every follow-up; each is killed as often as the others."""
    each = -(-kills // len(FOLLOW_UPS))
    return [follow_up(seed, each) for follow_up in FOLLOW_UPS]


def finalising(seed: int, kills: int) -> FollowUp:
    """New invoices are sent by e-mail."""
    refusals = FaultRule("status", SHARE, status=500, body=True, path=PRINTED)
    with _storm(seed, finalize="email") as storm, counted_prints() as prints:
        follow_up = _weather("finalising", storm, storm.books.invoice, kills, refusals)
        _compare_finalised(follow_up, storm.books, prints)
    return follow_up


def attaching(seed: int, kills: int) -> FollowUp:
    """New invoices come with files."""
    with _storm(seed) as storm:
        follow_up = _weather("attaching", storm, lambda number: _with_files(storm, number), kills)
        _compare_files(follow_up, storm)
    return follow_up


def changing(seed: int, kills: int) -> FollowUp:
    """Invoices come again and again, with lines that are changed, added and removed."""
    with _storm(seed, load_method="upsert", hard_delete=True) as storm:
        follow_up = _weather("changing", storm, lambda number: _version(storm.books, number), kills)
        _compare_lines(follow_up, storm.books)
    return follow_up


def matching(seed: int, kills: int) -> FollowUp:
    """Parts of open items are matched, so that a set could be carried out twice."""
    with _storm(seed, batch_size_rows=4) as storm:
        items = OpenItems(storm.books)
        storm.stream = MATCH_SETS
        follow_up = _weather("matching", storm, items.record, kills)
        for number in range(follow_up.records):
            record = items.record(number)
            times = items.times_matched(record)
            outcome = _last_outcomes(storm.books).get(record["reference"], "no result")
            follow_up.outcomes[outcome] += 1
            follow_up.found["sets"] += times
            if times != 1 and not (times == 0 and outcome == "in_doubt"):
                follow_up.wrong.append(
                    f"{record['reference']} ({outcome}) is matched {times} times"
                )
    return follow_up


FOLLOW_UPS: tuple[Callable[[int, int], FollowUp], ...] = (finalising, attaching, changing, matching)


@contextmanager
def _storm(seed: int, **settings: Any) -> Iterator[Storm]:
    with company(seed, customers=20, items=50, speed=SPEED) as books:
        yield Storm(books, random.Random(seed), settings, state_every=STATE_EVERY)


def _weather(
    name: str, storm: Storm, record: Callable[[int], Record], kills: int, *rules: FaultRule
) -> FollowUp:
    """Load records until the target was killed often enough and everything is through."""
    storm.begin(*rules)
    records = storm.load(record, RECORDS, kills)
    storm.replay()
    calls = storm.end()
    follow_up = FollowUp(name, records, storm.kills, storm.runs, storm.replays, calls)
    follow_up.wrong = storm.wrong
    return follow_up


@contextmanager
def counted_prints() -> Iterator[Counter[str]]:
    """How often Exact was asked to finalise each invoice, by key; the refusals of Exact included.

    The sandbox refuses what is processed already, and so hides that it was asked once more.
    """
    asked: Counter[str] = Counter()

    def noted(editor: Any, given: dict[str, Any]) -> Any:
        asked[given["InvoiceID"]] += 1
        return print_invoice(editor, given)

    with patch("exactonline_sandbox.api.writes.print_invoice", noted):
        yield asked


def _compare_finalised(follow_up: FollowUp, books: Company, prints: Counter[str]) -> None:
    truth = books.server.control.truth
    silent = {row["ID"] for row in truth(books.division, "accounts") if not row["Email"]}
    subjects = Counter(row["Subject"] for row in truth(books.division, "documents"))
    entries = Counter(row["InvoiceNumber"] for row in truth(books.division, "sales_entries"))
    numbers, reasons = defaultdict(set), defaultdict(set)
    for line in books.reported():
        numbers[line["reference"]].add(line["number"])
        reasons[line["reference"]].add(line["reason"])
    for reference, invoice in _invoices(follow_up, books, follow_up.records):
        number, times = invoice["InvoiceNumber"], prints[invoice["InvoiceID"]]
        if invoice["Status"] != PROCESSED:
            follow_up.wrong.append(f"{reference} is not finalised")
            continue
        follow_up.found["processed"] += 1
        booked = (times, subjects[f"Factuur {number}"], entries[number])
        if booked != (1, 1, 1):
            follow_up.wrong.append(f"{reference} was finalised, filed and booked {booked} times")
        if not numbers[reference] <= {None, str(number)}:
            follow_up.wrong.append(f"{reference} is {number}, not {numbers[reference]}")
        was_said = bool(reasons[reference] - {None})
        follow_up.found["a reason said"] += was_said
        if invoice["InvoiceTo"] in silent:
            # The customer has no e-mail address: a result has to say that nothing was sent.
            follow_up.found["without an e-mail"] += 1
            if not was_said:
                follow_up.unsaid.append(f"{reference} has no e-mail, and no result says so")


def _with_files(storm: Storm, number: int) -> Record:
    """An invoice with one file or two, which may have one name."""
    chance = random.Random(f"{storm.books.seed} files {number}")
    names = chance.choice((("a.pdf",), ("a.pdf", "b.pdf"), ("a.pdf", "a.pdf")))
    contents = (base64.b64encode(b"%PDF-1.4 " + chance.randbytes(2000)) for _ in names)
    files = [
        {"file_name": name, "content": content.decode()}
        for name, content in zip(names, contents, strict=False)
    ]
    return {**storm.books.invoice(number), "attachments": files}


def _compare_files(follow_up: FollowUp, storm: Storm) -> None:
    books = storm.books
    documents = defaultdict(list)
    for row in books.server.control.truth(books.division, "documents"):
        documents[row["Subject"]].append(row["ID"])
    files = defaultdict(list)
    for row in books.server.world.company(books.division).table(ATTACHMENTS).rows.values():
        content = base64.b64encode(row[CONTENT]).decode() if CONTENT in row else None
        files[row["Document"]].append((row["FileName"], content))
    for number, (reference, invoice) in enumerate(_invoices(follow_up, books, follow_up.records)):
        mine = documents[reference]
        if mine != [invoice["Document"]]:
            follow_up.wrong.append(f"{reference}: {mine}, and it points at {invoice['Document']}")
            continue
        wanted = _with_files(storm, number)["attachments"]
        there = sorted(files[mine[0]])
        follow_up.found["files"] += len(there)
        if there != sorted((file["file_name"], file["content"]) for file in wanted):
            follow_up.wrong.append(f"{reference} has {[name for name, _ in there]}")


def _version(books: Company, number: int) -> Record:
    """The invoice of this place in the input: all come once, then all with other lines, ..."""
    version, invoice = divmod(number, CHANGED_INVOICES)
    record = books.invoice(invoice)
    lines = dict(enumerate(record["SalesInvoiceLines"]))
    for changes in range(1, version + 1):
        chance = random.Random(f"{books.seed} {invoice} {changes}")
        last = max(lines)
        for place in list(lines):
            draw = chance.random()
            if draw < 0.2 and len(lines) > 1:
                del lines[place]
            elif draw < 0.6:
                lines[place] = {**lines[place], "Quantity": chance.randint(1, 99)}
        for place in range(last + 1, last + 1 + chance.randint(0, MOST_LINES - len(lines))):
            item = chance.choice(books.items)
            lines[place] = {"Item": item, "Quantity": place, "NetPrice": changes}
    record["SalesInvoiceLines"] = list(lines.values())
    return {**record, "Description": f"Version {version}"}


def _compare_lines(follow_up: FollowUp, books: Company) -> None:
    lines = defaultdict(list)
    for row in books.server.control.truth(books.division, "sales_invoice_lines"):
        lines[row["InvoiceID"]].append(row)
    found = list(_invoices(follow_up, books, min(follow_up.records, CHANGED_INVOICES)))
    for number, (reference, invoice) in enumerate(found):
        rounds = (follow_up.records - 1 - number) // CHANGED_INVOICES
        record = _version(books, rounds * CHANGED_INVOICES + number)
        rows = sorted(lines[invoice["InvoiceID"]], key=lambda row: row["LineNumber"])
        there = [(row["ItemCode"], row["Quantity"], row["NetPrice"]) for row in rows]
        wanted = [
            (line["Item"], line["Quantity"], line["NetPrice"])
            for line in record["SalesInvoiceLines"]
        ]
        follow_up.found["lines"] += len(there)
        if invoice["Description"] != record["Description"]:
            follow_up.wrong.append(
                f"{reference} is {invoice['Description']}, not {record['Description']}"
            )
        elif there != wanted:
            follow_up.wrong.append(f"{reference}: lines {there}, not {wanted}")


def _invoices(
    follow_up: FollowUp, books: Company, wanted: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The invoices of the first numbers that are there once, as they have to be, by reference."""
    found = defaultdict(list)
    for row in books.server.control.truth(books.division, "sales_invoices"):
        found[row["YourRef"]].append(row)
    last = _last_outcomes(books)
    for number in range(wanted):
        reference = books.invoice(number)["YourRef"]
        follow_up.outcomes[last.get(reference, "no result")] += 1
        follow_up.found["invoices"] += len(found[reference])
        if len(found[reference]) == 1:
            yield reference, found[reference][0]
        else:
            follow_up.wrong.append(f"{reference} is there {len(found[reference])} times")
            # Places in the input stay those of the invoices.
            yield reference, defaultdict(lambda: None)


def _last_outcomes(books: Company) -> dict[str, str]:
    return {line["reference"]: line["outcome"] for line in books.reported()}
