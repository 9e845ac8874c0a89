"""Loading documents so that each is at Exact Online once, whatever happened before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exactonline_client.errors import AccessDenied, ExactOnlineError, RecordsRejected
from exactonline_client.store.outcomes import FAILED, WOULD, WRITTEN, Status
from exactonline_client.store.postings import beside
from target_exactonline.load.finalize import NOT_FINALIZED
from target_exactonline.load.journal import Overtaken, made_up
from target_exactonline.load.totals import MAYBE_FINALIZED
from target_exactonline.mapping import attachments
from target_exactonline.mapping.prepare import refuse_contradictions
from target_exactonline.results.outcome import Outcome, Result, joined
from target_exactonline.results.reasons import FORGOTTEN, LOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.execute import Executor, Found
    from target_exactonline.load.planned import Planned
    from target_exactonline.load.search import Row
    from target_exactonline.mapping.model import Document
    from target_exactonline.results.results import Results

logger = logging.getLogger(__name__)

MOST_DENIALS = 3
"""So many documents that are denied one after the other are no matter of one document."""
NO_PLACE = "has no place for attachments"
SUPERSEDED = "no answer came when it was sent, and a later version takes its place"
TAKEN = (
    "its reference {reference} is that of a document of stream {stream}, which is known by another "
    "field. The store tells documents of one kind apart by their reference alone: give this one "
    "another reference, or its stream a store_url of its own"
)


@dataclass(kw_only=True)
class Loader:
    """Loads the documents of one entity into one division."""

    executor: Executor
    results: Results
    prepare: Callable[[Mapping[str, Any]], Document]
    look_up: Callable[[Sequence[Document]], None]
    """Puts the keys of other rows into documents, or gives a document a problem."""
    written: Callable[[Endpoint, Document, Outcome], None]
    """Told of a document that was, or would be, created or changed."""
    planned: Planned
    """What this run would have written, if it is a dry one."""
    doubt: Callable[[Document], None]
    """Told of a document that Exact Online refused: the keys in it may be of rows that are gone."""
    most_failures: int | None
    """Stop at this many records that were rejected or are in doubt."""
    check_stop: Callable[[], None]
    """Called before each document; raises to end the load there."""
    known_alike: Callable[[str], bool]
    """Whether the documents of another stream are known by the same field as those of this."""
    denials: list[AccessDenied] = field(default_factory=list)
    """Why documents were denied since one was written."""

    def load(self, stream: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Load a batch; each result is durable before the next document is looked at.

        Raises:
            RecordsRejected: `most_failures` is reached.
            The errors of `Session.get` and `Session.write` that are not about one document.
        """
        self.take(stream, [self.prepare(record) for record in records])

    def take(self, stream: str, documents: Sequence[Document]) -> None:
        """Load documents that are prepared; see `load`."""
        for document in documents:
            if document.problems:
                document.problems += attachments.problems(document.attachments)
            if document.attachments and not self.executor.can_attach():
                document.problems.append(f"{self.executor.endpoint.name} {NO_PLACE}")
        if not self.executor.policy.upsert:
            refuse_contradictions(document for document in documents if not document.deleted)
        # Two runs that load the same records at once must not both find a reference missing.
        with self.executor.alone():
            for round_ in _rounds(documents):
                self._load(stream, round_)

    def finish(self) -> None:
        """Settle what was put off: documents in doubt, and invoices not finalised yet.

        A document that was sent without an answer may still be waiting at Exact Online to be
        carried out. When it cannot be found after `settle_after` seconds either, it never will be,
        and is sent once more.

        Raises:
            The errors of `load`.
        """
        if self.executor.policy.dry_run:
            return
        put_off, executor = self.executor.put_off, self.executor
        left = executor.journal.left(executor.endpoint.id, changes=executor.policy.upsert)
        put_off.take_over(left, self.prepare, self._can_settle)
        names = [_name(document) for _, document in put_off.items]
        put_off.expect(executor.known(names).values() if names else ())
        put_off.wait(until=executor.completion.unfinalized())
        while put_off.items:
            stream, document = put_off.items[0]
            try:
                self.take(stream, [document])
            except RecordsRejected:
                # It is reported by now.
                put_off.items.pop(0)
                raise
            put_off.items.pop(0)
        with self.executor.alone():
            for result in self.executor.completion.catch_up():
                self._report(result)

    def _can_settle(self, stream: str, document: Document) -> bool:
        is_searchable = self.executor.search.reference_field is not None and not document.local
        return is_searchable and self.known_alike(stream)

    def give_up(self) -> None:
        """Report what was put off as being in doubt; the journal knows that already."""
        waiting = self.executor.put_off.items
        while waiting:
            stream, document = waiting.pop(0)
            outcome = Outcome(Status.IN_DOUBT, reason=LOST)
            self.results.note(self._told(stream, document, outcome))

    def _load(self, stream: str, documents: Sequence[Document]) -> None:
        """Load documents of which those with one reference are alike."""
        # Those with problems as well: what the journal says of their references has to stay.
        references = {document.reference for document in documents if document.reference}
        known = self.executor.known([*references, *map(beside, references)])
        gone = self.executor.journal.forgotten(self.executor.endpoint.id, references)
        self._refuse_taken(documents, known)
        for document in documents:
            if document.reference in gone:
                # Nothing of it is to be kept again, not even that it could not be sent.
                document.problems.clear()
        sound = _sound(documents)
        outcomes: dict[str, Outcome] = {}
        for reference, document in sound.items():
            upsert = self.executor.policy.upsert
            outcome = (
                Outcome(Status.SKIPPED, reason=FORGOTTEN)
                if reference in gone
                else self.planned.outcome(self.executor.endpoint, document, upsert=upsert)
                or self.executor.settled(document, known.get(reference))
            )
            if outcome:
                outcomes[reference] = outcome
        open_ones = [document for name, document in sound.items() if name not in outcomes]
        for document in open_ones:
            # The files of one that may be at Exact Online already are not needed any more.
            row = known.get(str(document.reference))
            if not document.deleted and (row is None or row.is_free):
                document.problems += attachments.problems(document.attachments)
        outcomes |= {str(d.reference): _rejected(d) for d in open_ones if d.problems}
        open_ones = [document for document in open_ones if not document.problems]
        self.look_up([document for document in open_ones if not document.deleted])
        # Others of the same content were not looked up, and end like the first of them.
        outcomes |= {str(d.reference): _rejected(d) for d in open_ones if d.problems}
        there = self.executor.look([d for d in open_ones if not d.problems], known)
        self._carry_out(stream, documents, outcomes, known, there)

    def _refuse_taken(self, documents: Sequence[Document], known: Mapping[str, Posting]) -> None:
        """Give a problem to documents whose reference means another document in the journal."""
        for document in documents:
            row = known.get(document.reference or "")
            if row is not None and not document.problems and not self.known_alike(row.stream):
                taken = TAKEN.format(reference=document.reference, stream=row.stream)
                document.problems.append(taken)
                # What the journal says of the other document has to stay.
                document.reference = None

    def _carry_out(
        self,
        stream: str,
        documents: Sequence[Document],
        outcomes: dict[str, Outcome],
        known: Mapping[str, Posting],
        there: Found,
    ) -> None:
        held: list[Result] = []
        try:
            for document in documents:
                self.check_stop()
                try:
                    result = self._result(stream, document, outcomes, known, there)
                except Overtaken:
                    logger.info("%s: another run is at record %s.", stream, document.reference)
                    self._load(stream, [document])
                    continue
                if result is None:
                    self._put_off(stream, document)
                    continue
                if result.outcome.status == Status.CREATED:
                    result = self._finalized(result)
                if self.executor.completion.is_open(result.outcome.exact_id):
                    held.append(result)
                else:
                    self._report(result)
            held = self.executor.completion.complete(held)
        except SystemExit:
            held = self.executor.completion.complete(held)
            raise
        finally:
            for result in held:
                self._report(result)

    def _denied(self, stream: str, document: Document, error: AccessDenied) -> Outcome:
        """What becomes of a document whose sending was denied.

        Raises:
            AccessDenied: it is no matter of this document; the run ends there.
        """
        after = self.executor.known([_name(document)]).get(_name(document))
        if after is not None and after.doubtful:
            # It was sent, and looking for it was denied: the journal keeps the doubt.
            raise error
        self.denials.append(error)
        outcome = Outcome(Status.REJECTED, reason=str(error))
        if len(self.denials) < MOST_DENIALS and not error.is_of_division:
            return outcome
        result = self._told(stream, document, outcome)
        self._settle(result, document, after, looked=False)
        self.results.note(result)
        raise error

    def _is_behind(self, document: Document) -> bool:
        """Whether another version of a document waits, which must not come after this one."""
        put_off = self.executor.put_off
        return not put_off.has_waited and any(
            document.reference == other.reference for _, other in put_off.items
        )

    def _put_off(self, stream: str, document: Document) -> None:
        """Come back to a document at the end: where it may be changed, to its last version."""
        put_off = self.executor.put_off
        waiting = put_off.items.copy()
        put_off.items.clear()
        for earlier, other in waiting:
            is_same = document.reference == other.reference
            if is_same and self.executor.policy.upsert and _content(document) != _content(other):
                outcome = Outcome(Status.SKIPPED, reason=SUPERSEDED)
                self._report(self._told(earlier, other, outcome))
            else:
                put_off.items.append((earlier, other))
        put_off.add(stream, document, put_off.clock())

    def _result(
        self,
        stream: str,
        document: Document,
        outcomes: dict[str, Outcome],
        known: Mapping[str, Posting],
        there: Found,
    ) -> Result | None:
        """Do what a document asks for, if nothing is settled yet; None where it is put off."""
        name = _name(document)
        row = known.get(name)
        outcome = outcomes.get(name) if not document.problems else None
        # What the journal told needs no note there, unless it said that a later version failed.
        fresh = (
            outcome is None or (row is not None and row.outcome in FAILED) or outcome.payload_hash
        )
        carried_out = False
        if document.problems or document.reference is None:
            outcome = _rejected(document)
        elif outcome is None:
            carried_out = True
            outcome = self._done(stream, document, row, there.get(name))
            outcomes[name] = _repeated(outcome)
            if outcome.status in (Status.CREATED, Status.UPDATED):
                self.written(self.executor.endpoint, document, outcome)
        result = self._told(stream, document, outcome)
        if self.executor.policy.dry_run:
            status = WOULD.get(outcome.status, outcome.status)
            return replace(result, outcome=replace(outcome, status=status))
        if fresh:
            self._settle(result, document, row, looked=carried_out)
        elif not outcome.failed and beside(name) in known:
            self.executor.journal.forget(result.entity, beside(name))
        if (
            outcome.status == Status.IN_DOUBT
            and outcome.reason == LOST
            and not self.executor.put_off.has_waited
        ):
            return None
        return result

    def _done(
        self, stream: str, document: Document, row: Posting | None, found: list[Row] | None
    ) -> Outcome:
        """Do what a document asks for."""
        if self._is_behind(document):
            return Outcome(Status.IN_DOUBT, row.exact_id if row else None, reason=LOST)
        try:
            outcome = self.executor.carry_out(stream, document, row, found)
        except AccessDenied as error:
            return self._denied(stream, document, error)
        if outcome.status in WRITTEN:
            self.denials.clear()
        if outcome.status == Status.REJECTED:
            self.doubt(document)
        return outcome

    def _settle(
        self, result: Result, document: Document, before: Posting | None, *, looked: bool
    ) -> None:
        content = document.record, document.payload_hash, document.source_key
        self.executor.journal.settle(result, *content, before=before, looked=looked)

    def _finalized(self, result: Result) -> Result:
        """The result of a new document after it was finalised, if that is asked for."""
        try:
            return self.executor.completion.finalize(result)
        except ExactOnlineError as error:
            # The run ends here, but the document is there.
            told = NOT_FINALIZED if error.not_carried_out else MAYBE_FINALIZED
            reason = joined(result.outcome.reason, told)
            self.results.note(replace(result, outcome=replace(result.outcome, reason=reason)))
            raise

    def _told(self, stream: str, document: Document, outcome: Outcome) -> Result:
        return Result(stream, self.executor.endpoint.id, _name(document), outcome, document.private)

    def _report(self, result: Result) -> None:
        try:
            self.results.report(result, self.most_failures)
        finally:
            self.executor.completion.told(result)


def _sound(documents: Iterable[Document]) -> dict[str, Document]:
    """The first document with each reference, of those that can be loaded."""
    sound: dict[str, Document] = {}
    for document in documents:
        if document.reference is not None and not document.problems:
            sound.setdefault(document.reference, document)
    return sound


def _rejected(document: Document) -> Outcome:
    return Outcome(Status.REJECTED, reason="; ".join(document.problems))


def _name(document: Document) -> str:
    """What a document is called in the journal and the results."""
    return document.reference or made_up(document.record)


def _repeated(outcome: Outcome) -> Outcome:
    """What becomes of a second document that is the same as one before it."""
    if outcome.status == Status.UPDATED and not outcome.payload_hash:
        # Not all of it could be applied.
        return replace(outcome, status=Status.SKIPPED)
    if outcome.status in (Status.CREATED, Status.UPDATED):
        return Outcome(Status.UNCHANGED, outcome.exact_id, outcome.number)
    return outcome


def _content(document: Document) -> tuple[str, bool]:
    return document.payload_hash, document.deleted


def _rounds(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """The documents in their order, cut where a reference comes again with another content."""
    batch: list[Document] = []
    seen: dict[str, tuple[str, bool]] = {}
    for document in documents:
        content = _content(document)
        usable = document.reference is not None and not document.problems
        if usable and seen.setdefault(str(document.reference), content) != content:
            yield batch
            batch, seen = [], {str(document.reference): content}
        batch.append(document)
    if batch:
        yield batch
