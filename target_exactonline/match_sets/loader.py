"""Loading match sets: many in one upload, each of them once, whatever happened before."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import (
    AccessDenied,
    ConfigurationError,
    ExactOnlineError,
    InDoubt,
    RequestRefused,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.http import server_faults, xml
from exactonline_client.store.outcomes import WOULD, Status
from exactonline_client.store.postings import beside
from target_exactonline.load.journal import Intent, Overtaken
from target_exactonline.match_sets import file
from target_exactonline.match_sets.model import TOPIC, MatchSet, document, identity, read, refusals
from target_exactonline.results.discretion import values
from target_exactonline.results.outcome import Outcome, Result
from target_exactonline.results.reasons import FORGOTTEN, WRITTEN_BEFORE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.http.xml import Message
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.results.results import Results

logger = logging.getLogger(__name__)

ENTITY = "xml/MatchSets"
"""What match sets are called in the journal."""
GONE = (404, 410)
LOST = (
    "It was sent, no answer came, and it is not among the match sets at Exact Online. The next run "
    "that brings this record looks for it once more before it sends it again"
)
CONTRADICTION = (
    "an earlier record of this batch has the same reference and other content; that one was used"
)
UNSAID = "The answer of Exact Online does not say what became of it"
CHANGED = (
    "These items were matched by an earlier load under this reference; a match set cannot be "
    "changed, only undone in Exact Online"
)
NOT_LISTED = (
    "It was sent, no answer came, and the match sets at Exact Online cannot be listed. Look for it "
    "there, then settle it with: exactonline results settle"
)


@dataclass(kw_only=True)
class MatchSetLoader:
    """Uploads the match sets of one division."""

    connection: Connection
    division: int
    results: Results
    journal: Journal
    path: str | None
    """Where sets are written that Exact does not take by itself; None for the usual file."""
    put_off: PutOff[MatchSet]
    dry_run: bool
    most_failures: int | None
    check_stop: Callable[[], None]
    """Called before each upload; raises to end the load there."""
    check_codes: Callable[[Sequence[MatchSet]], None]
    """Adds problems to sets with unknown codes, for a dry run; Exact Online checks an upload."""
    gone: str = ""
    """Why this run sends nothing more."""

    def load(self, stream: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Load a batch; each result is durable before the load goes on.

        Raises:
            RecordsRejected: `most_failures` is reached.
            The errors of `Session.get` and `Session.write` that are not about the sets.
        """
        self._take(stream, [read(record) for record in records])

    def _take(self, stream: str, sets: Sequence[MatchSet]) -> None:
        # Two runs that load the same records at once must not both find a reference new.
        with self.connection.store.lock(f"load-{TOPIC}-{self.division}"):
            self.check_stop()
            _Batch(self, stream, sets).work()

    def finish(self) -> None:
        """Settle what is in doubt.

        An upload without an answer may still be waiting at Exact Online to be carried out. What is
        not there after `settle_after` seconds never will be, and is sent once more.

        Raises:
            The errors of `load`.
        """
        if self.dry_run:
            return
        put_off = self.put_off
        put_off.take_over(self.journal.left(ENTITY), read)
        if not put_off.items:
            return
        references = [item.reference for _, item in put_off.items]
        put_off.expect(self.journal.known(ENTITY, references).values())
        put_off.wait()
        for stream in dict.fromkeys(stream for stream, _ in put_off.items):
            self._take(stream, [item for other, item in put_off.items if other == stream])
            put_off.items = [pair for pair in put_off.items if pair[0] != stream]

    def give_up(self) -> None:
        """Report what was put off as being in doubt; the store knows that already."""
        for stream, item in self.put_off.items:
            outcome = Outcome(Status.IN_DOUBT, reason=LOST)
            self.results.note(_result(stream, item, outcome))
        self.put_off.items.clear()


class _Batch:
    """What becomes of the records of one batch, told in their order."""

    def __init__(self, loader: MatchSetLoader, stream: str, sets: Sequence[MatchSet]) -> None:
        self.loader = loader
        self.stream = stream
        self.sets = sets
        self.journal = loader.journal
        self.outcomes: dict[str, Outcome] = {}
        """What became of the first record with each reference."""
        # Those with problems as well: what the journal says of their references has to stay.
        references = {item.reference for item in sets}
        self.known = self.journal.known(ENTITY, [*references, *map(beside, references)])
        self.forgotten = self.journal.forgotten(ENTITY, references)

    def work(self) -> None:
        """Settle every record of the batch."""
        first: dict[str, MatchSet] = {}
        for item in self.sets:
            if not item.problems:
                first.setdefault(item.reference, item)
        again = [
            item for item in self.sets
            if not item.problems and first[item.reference] is not item
        ]  # fmt: skip
        self._work([item for item in self.sets if item.problems or first[item.reference] is item])
        self._note([(item, self._repeated(item, first[item.reference])) for item in again])

    def _work(self, items: Sequence[MatchSet]) -> None:
        """Settle records of which no two have one reference."""
        new: list[MatchSet] = []
        doubtful: list[MatchSet] = []
        for item in items:
            if not self._settled(item):
                posting = self.known.get(item.reference)
                (doubtful if posting and posting.doubtful else new).append(item)
        new += self._look_again(doubtful)
        if self.loader.dry_run:
            self.loader.check_codes(new)
            planned = [(item, _planned(item)) for item in new]
            self.outcomes |= {item.reference: outcome for item, outcome in planned}
            self._note(planned)
        elif new:
            self._send(new)

    def _settled(self, item: MatchSet) -> bool:
        """Whether nothing is to be done for a record; says what became of it."""
        posting = self.known.get(item.reference)
        if item.reference in self.forgotten:
            outcome = Outcome(Status.SKIPPED, reason=FORGOTTEN)
        elif item.problems:
            outcome = Outcome(Status.REJECTED, reason="; ".join(item.problems))
        elif posting is None or not posting.is_there:
            return False
        elif posting.payload_hash == item.payload_hash:
            was_there = posting.outcome == Status.EXISTS
            outcome = (
                Outcome(Status.EXISTS)
                if was_there
                else Outcome(Status.UNCHANGED, detail=WRITTEN_BEFORE)
            )
        else:
            outcome = Outcome(Status.SKIPPED, reason=CHANGED)
        self._note([(item, outcome)])
        return True

    def _repeated(self, item: MatchSet, first: MatchSet) -> Outcome:
        """What becomes of a record whose reference an earlier one of the batch has."""
        if item.payload_hash != first.payload_hash:
            return Outcome(Status.REJECTED, reason=CONTRADICTION)
        outcome = self.outcomes.get(item.reference, Outcome(Status.IN_DOUBT, reason=LOST))
        return Outcome(Status.UNCHANGED) if outcome.status == Status.CREATED else outcome

    # What was sent before without an answer

    def _look_again(self, doubtful: list[MatchSet]) -> list[MatchSet]:
        """Settle what is found at Exact; of the rest, those that may be sent again."""
        if not doubtful:
            return []
        found = self._there(doubtful)
        if found is None:
            self._note([(item, Outcome(Status.IN_DOUBT, reason=NOT_LISTED)) for item in doubtful])
            return []
        free, settled = [], []
        for item in doubtful:
            if item.reference in found:
                settled.append((item, _made(Status.CREATED, item)))
            elif not self.loader.put_off.is_over(posting := self.known[item.reference]):
                self._put_off([item], posting.sent_at or 0.0)
            else:
                free.append(item)
        self._note(settled)
        return free

    def _put_off(self, items: list[MatchSet], sent_at: float) -> None:
        """Leave sets in doubt for the end of the run, if this is not the end."""
        if self.loader.put_off.has_waited or self.loader.dry_run:
            self._note([(item, Outcome(Status.IN_DOUBT, reason=LOST)) for item in items])
            return
        for item in items:
            self.loader.put_off.add(self.stream, item, sent_at)

    def _at_exact(self, wanted: Sequence[MatchSet]) -> set[str]:
        """References of the sets that Exact has already."""
        loader = self.loader
        left = {item.reference: identity(item.element()) for item in wanted}
        found = set()
        for page in xml.download(loader.connection.session, loader.division, TOPIC):
            for there in map(identity, page.iter("MatchSet")):
                same = [
                    reference
                    for reference, (accounts, lines) in left.items()
                    # What is written off stands among the lines as one more.
                    if accounts == there[0] and lines <= there[1]
                ]
                for reference in same:
                    found.add(reference)
                    del left[reference]
            if not left:
                break
        return found

    # Sending

    def _send(self, items: list[MatchSet]) -> None:
        if self.loader.gone:
            self._keep_for_hand(items)
            return
        now = self.journal.clock()
        intents = {item.reference: self._intent(item) for item in items}
        mine: list[MatchSet] = []
        others: list[MatchSet] = []
        for item in items:
            before = self.known.get(item.reference)
            is_mine = self.journal.intend(intents[item.reference], before)
            (mine if is_mine else others).append(item)
        if mine:
            self._upload(mine, intents, now)
        self._again(others)

    def _intent(self, item: MatchSet) -> Intent:
        return Intent(self.stream, ENTITY, item.reference, item.payload_hash, item.record)

    def _again(self, items: list[MatchSet]) -> None:
        """Decide anew on sets that another run is at."""
        if items:
            references = [item.reference for item in items]
            for reference in references:
                self.known.pop(reference, None)
            self.known |= self.journal.known(ENTITY, references)
            self._work(items)

    def _upload(
        self, items: list[MatchSet], intents: Mapping[str, Intent], intended_at: float
    ) -> None:
        loader = self.loader
        upload = document(item.element() for item in items)
        references = [item.reference for item in items]
        confirm = partial(self.journal.confirm, ENTITY, references, intended_at)
        try:
            messages = xml.upload(
                loader.connection.session, loader.division, TOPIC, upload, confirm
            )
        except Overtaken:
            self._withdraw(items, intents)
            self._again(items)
        except InDoubt as doubt:
            self._doubt(items, str(doubt))
        except (AccessDenied, RequestRefused) as refusal:
            self._refused(items, intents, refusal)
        except ExactOnlineError as error:
            if error.not_carried_out:
                self._withdraw(items, intents)
            else:
                self._note_doubt(items, str(error))
            raise
        else:
            self._tell(items, messages)

    def _withdraw(self, items: list[MatchSet], intents: Mapping[str, Intent]) -> None:
        for item in items:
            self.journal.withdraw(intents[item.reference], self.known.get(item.reference))

    def _refused(
        self,
        items: list[MatchSet],
        intents: Mapping[str, Intent],
        refusal: AccessDenied | RequestRefused,
    ) -> None:
        """Nothing of an upload was carried out."""
        if isinstance(refusal, AccessDenied) or refusal.status in GONE:
            self.loader.gone = str(refusal)
            try:
                self._keep_for_hand(items)
            except ConfigurationError:
                self._withdraw(items, intents)
                raise
        else:
            self._note([(item, Outcome(Status.REJECTED, reason=str(refusal))) for item in items])

    def _note_doubt(self, items: list[MatchSet], reason: str) -> None:
        for item in items:
            self.journal.doubt(ENTITY, item.reference, reason)

    def _doubt(self, items: list[MatchSet], reason: str) -> None:
        """Look for sets that were sent without an answer."""
        # Durable first: the search may fail as well.
        self._note_doubt(items, reason)
        found = self._there(items) or set()
        self._note(
            [(item, _made(Status.CREATED, item)) for item in items if item.reference in found]
        )
        self._put_off([item for item in items if item.reference not in found], self.journal.clock())

    def _tell(self, items: list[MatchSet], messages: Sequence[Message]) -> None:
        """Note what the answer to an upload says of each set."""
        refused = refusals(items, messages)
        there = self._there([item for item in items if item.reference in refused]) or set()
        # A set that Exact refuses because it has it already was not made by this upload; where
        # its answer does not tell one set from another, that cannot be known.
        present = Status.EXISTS if len(messages) == len(items) else Status.CREATED
        settled = []
        unsaid = []
        for item in items:
            reason = refused.get(item.reference)
            if reason is None or item.reference in there:
                settled.append((item, _made(Status.CREATED if reason is None else present, item)))
            elif reason and not server_faults.is_meant(reason):
                settled.append((item, Outcome(Status.REJECTED, reason=reason)))
            else:
                self.journal.doubt(ENTITY, item.reference, reason or UNSAID)
                unsaid.append(item)
        self._note(settled)
        self._put_off(unsaid, self.journal.clock())

    def _there(self, items: list[MatchSet]) -> set[str] | None:
        """Which of the sets are at Exact; None where they cannot be listed."""
        if not items:
            return set()
        try:
            return self._at_exact(items)
        except (AccessDenied, RequestRefused, Unavailable, UnexpectedAnswer) as error:
            logger.warning("The match sets at Exact Online cannot be listed: %s", error)
            if isinstance(error, AccessDenied) or getattr(error, "status", None) in GONE:
                self.loader.gone = str(error)
            return None

    def _keep_for_hand(self, items: list[MatchSet]) -> None:
        """Write sets to a file that a person can upload."""
        loader = self.loader
        path = file.add(loader.path, loader.division, [item.element() for item in items])
        reason = (
            f"Exact Online did not take it ({loader.gone.rstrip('.')}). It was added to {path}: "
            "upload that file in Exact Online under Import/Export, XML, topic Match sets, and "
            "remove it afterwards"
        )
        self._note([(item, Outcome(Status.SKIPPED, reason=reason)) for item in items])

    # Results

    def _note(self, settled: Sequence[tuple[MatchSet, Outcome]]) -> None:
        """Make what became of sets durable, and then tell it."""
        loader = self.loader
        for item, outcome in settled:
            if not item.problems:
                self.outcomes.setdefault(item.reference, outcome)
            if not loader.dry_run:
                self._settle(item, outcome)
        for item, outcome in settled:
            self._tell_one(item, outcome)

    def _settle(self, item: MatchSet, outcome: Outcome) -> None:
        if item.reference in self.forgotten:
            return
        before = self.known.get(item.reference)
        failed = item.problems or outcome.reason == CONTRADICTION
        made = before is not None and before.is_there
        if (made or outcome.status == Status.UNCHANGED) and not failed:
            if beside(item.reference) in self.known:
                self.journal.forget(ENTITY, beside(item.reference))
            return
        result = _result(self.stream, item, outcome)
        payload_hash = "" if item.problems else item.payload_hash
        self.journal.settle(result, item.record, payload_hash, before=before, looked=not failed)

    def _tell_one(self, item: MatchSet, outcome: Outcome) -> None:
        loader = self.loader
        if loader.dry_run:
            outcome = Outcome(WOULD.get(outcome.status, outcome.status), reason=outcome.reason)
        result = _result(self.stream, item, outcome)
        loader.results.report(result, loader.most_failures)


def _result(stream: str, item: MatchSet, outcome: Outcome) -> Result:
    return Result(stream, ENTITY, item.reference, outcome, partial(values, item.record))


def _planned(item: MatchSet) -> Outcome:
    if item.problems:
        return Outcome(Status.REJECTED, reason="; ".join(item.problems))
    return Outcome(Status.CREATED)


def _made(status: Status, item: MatchSet) -> Outcome:
    return Outcome(status, payload_hash=item.payload_hash)
