"""Load documents so that each is at Exact Online once, whatever happened before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exactonline_client.errors import AccessDenied, ExactOnlineError, RecordsRejected
from exactonline_client.store.outcomes import FAILED, WOULD, WRITTEN, Status
from exactonline_client.store.postings import beside
from target_exactonline.load import decide, diff
from target_exactonline.load.attachments import can_attach
from target_exactonline.load.finalize import MAYBE_FINALIZED, NOT_FINALIZED
from target_exactonline.load.journal import Overtaken, made_up
from target_exactonline.load.recall import link_repeats, recall, settled
from target_exactonline.mapping import attachments
from target_exactonline.mapping.prepare import refuse_contradictions
from target_exactonline.results.outcome import Outcome, Result, joined
from target_exactonline.results.reasons import LOST, SUPERSEDED, TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.case import Case
    from target_exactonline.load.decide import Policy
    from target_exactonline.load.execute import Executor
    from target_exactonline.load.finalize import Finalizer
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.planned import Planned
    from target_exactonline.load.resemblance import Resemblance
    from target_exactonline.load.search import Search
    from target_exactonline.load.totals import Totals
    from target_exactonline.mapping.model import Document
    from target_exactonline.results.results import Results

    Cases: TypeAlias = Sequence[Case[Document]]

logger = logging.getLogger(__name__)

MOST_DENIALS = 3
"""Documents denied one after the other after which the run ends: the denial is not of one."""
NO_PLACE = "has no place for attachments"


@dataclass(kw_only=True)
class Loader:
    """Loads the documents of one entity into one division."""

    endpoint: Endpoint
    policy: Policy
    journal: Journal
    search: Search
    resemblance: Resemblance
    executor: Executor
    totals: Totals
    finalizer: Finalizer | None
    """None if documents are left as they are created."""
    put_off: PutOff[Document]
    planned: Planned
    """The rows that a dry run would have written."""
    results: Results
    prepare: Callable[[Mapping[str, Any]], Document]
    """Makes a document of a record."""
    resolve: Callable[[Sequence[Document]], None]
    """Replaces related rows in documents by their keys, or adds problems."""
    on_written: Callable[[Endpoint, Document, Outcome], None]
    """Called with each document that was, or would be, created or changed."""
    on_rejected: Callable[[Document], None]
    """Called with each document that Exact Online refused: its keys may be of deleted rows."""
    most_failures: int | None
    """Stop at this many records that were rejected or are in doubt."""
    check_stop: Callable[[], None]
    """Called before each document; raises to end the load there."""
    shares_references: Callable[[str], bool]
    """Whether the documents of another stream have their reference in the same field."""
    denials: list[AccessDenied] = field(default_factory=list)
    """Denials of documents since one was written."""

    def load(self, stream: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Load a batch; each result is durable before the next document is taken up.

        Raises:
            RecordsRejected: `most_failures` is reached.
            The errors of `Session.get` and `Session.write` that are not about one document.
        """
        self._take(stream, [self.prepare(record) for record in records])

    def finish(self) -> None:
        """Settle what was put off: documents in doubt, and invoices not finalised yet.

        A document that was sent without an answer may still be waiting at Exact Online to be
        carried out. One that cannot be found after `settle_after` seconds never will be, and is
        sent once more.

        Raises:
            The errors of `load`.
        """
        if self.policy.dry_run:
            return
        put_off, entity = self.put_off, self.endpoint.id
        left = self.journal.left(entity, changes=self.policy.upsert)
        put_off.take_over(left, self.prepare, self._can_settle)
        if put_off.items:
            references = [str(document.reference) for _, document in put_off.items]
            put_off.expect(self.journal.known(entity, references).values())
        put_off.wait(until=self.finalizer.wait_until() if self.finalizer else 0.0)
        while put_off.items:
            stream, document = put_off.items[0]
            try:
                self._take(stream, [document])
            except RecordsRejected:
                # It is reported by now.
                put_off.items.pop(0)
                raise
            put_off.items.pop(0)
        if self.finalizer:
            with self._alone():
                for result, finalized in self.finalizer.catch_up():
                    self._report_result(result, finalized)

    def _can_settle(self, stream: str, document: Document) -> bool:
        is_searchable = self.search.reference_field is not None and not document.local
        return is_searchable and self.shares_references(stream)

    def give_up(self) -> None:
        """Report what was put off as being in doubt; the journal holds it already."""
        while self.put_off.items:
            stream, document = self.put_off.items.pop(0)
            outcome = Outcome(Status.IN_DOUBT, reason=LOST)
            self.results.note(self._result(stream, document, outcome))

    # The steps of a batch

    def _take(self, stream: str, documents: Sequence[Document]) -> None:
        for document in documents:
            if document.problems:
                document.problems += attachments.problems(document.attachments)
            if document.attachments and not can_attach(self.endpoint):
                document.problems.append(f"{self.endpoint.name} {NO_PLACE}")
        if not self.policy.upsert:
            refuse_contradictions(document for document in documents if not document.deleted)
        with self._alone():
            for round_ in _rounds(documents):
                self._load(stream, round_)

    def _alone(self) -> AbstractContextManager[None]:
        """Lock out other runs: two with the same records must not both find a reference missing."""
        name = f"load-{self.endpoint.name}-{self.search.division}"
        return self.search.connection.store.lock(name)

    def _load(self, stream: str, documents: Sequence[Document]) -> None:
        """Load documents of which those with one reference have the same content."""
        cases = recall(self.journal, self.endpoint.id, stream, documents)
        self._refuse_taken(cases)
        link_repeats(cases)
        self._settle_by_journal(_open(cases))
        self._check(_open(cases))
        self._search(_open(cases))
        self._carry_out(cases)

    def _refuse_taken(self, cases: Cases) -> None:
        """Add a problem to documents whose reference has another meaning in the journal."""
        for case in cases:
            posting, document = case.posting, case.document
            if posting and not document.problems and not self.shares_references(posting.stream):
                taken = TAKEN.format(reference=document.reference, stream=posting.stream)
                document.problems.append(taken)
                # The posting is of another document, and must stay as it is.
                document.reference, case.posting = None, None

    def _settle_by_journal(self, cases: Cases) -> None:
        """Give their outcome to those that the journal settles without a call."""
        for case in cases:
            facts = decide.facts_of_document(case, self.policy)
            known = decide.first(decide.BY_JOURNAL, facts)
            case.outcome = self.planned.outcome(
                self.endpoint, case.document, upsert=self.policy.upsert
            ) or settled(known, case, self.endpoint)

    def _check(self, cases: Cases) -> None:
        """Check files and references of documents; wrong ones get problems."""
        for case in cases:
            document, posting = case.document, case.posting
            # One that may be at Exact Online already needs its files no more.
            if not document.deleted and (posting is None or posting.is_free):
                document.problems += attachments.problems(document.attachments)
        sound = [case.document for case in cases if case.is_sound]
        self.resolve([document for document in sound if not document.deleted])

    def _search(self, cases: Cases) -> None:
        """Find out which documents are at Exact Online, many in one call."""
        columns = {}
        if self.policy.upsert and self.policy.can_change:
            compared = [case.document for case in cases if not case.document.deleted]
            columns = diff.columns(self.endpoint, compared) if compared else {}
        self.search.look(cases, columns)
        for case in cases:
            if case.is_doubtful and case.rows is None:
                wanted = self.totals.columns(case.document.expected, columns)
                case.rows = self.resemblance.lost(case.document, case.sent_at, wanted)

    def _carry_out(self, cases: Cases) -> None:
        """Carry out and report each document, in the order in which they came."""
        unread: list[Case[Document]] = []
        """Those that are reported once their numbers and totals are read, many in one call."""
        try:
            for case in cases:
                self.check_stop()
                try:
                    outcome = self._process(case)
                except Overtaken:
                    logger.info("%s: another run is at record %s.", case.stream, case.name)
                    self._load(case.stream, [case.document])
                    continue
                if self._is_put_off(outcome):
                    self._put_off(case.stream, case.document)
                    continue
                is_new = outcome.status == Status.CREATED and not self.policy.dry_run
                if self.finalizer and is_new:
                    self._finalize(case, outcome, self.finalizer)
                if _is_unread(case) or (case.first and _is_unread(case.first)):
                    unread.append(case)
                else:
                    self._report(case)
            self.totals.complete(unread)
        except SystemExit:
            self.totals.complete(unread)
            raise
        finally:
            for case in unread:
                self._report(case)

    # One document

    def _process(self, case: Case[Document]) -> Outcome:
        """Give a document its outcome, and note that in the journal."""
        first, document = case.first, case.document
        if first and first.outcome:
            case.outcome = _repeated(first.outcome) if first.was_carried_out else first.outcome
        elif first:
            # The first was left to another run.
            case.rows = first.rows
        # What the journal settled is in it already, unless a later version has failed since.
        has_failed = case.posting is not None and case.posting.outcome in FAILED
        is_news = case.outcome is None or has_failed or bool(case.outcome.payload_hash)
        if case.outcome is None and case.is_sound:
            case.was_carried_out = True
            case.outcome = self._outcome(case)
            if case.outcome.status in (Status.CREATED, Status.UPDATED):
                self.on_written(self.endpoint, document, case.outcome)
        outcome = case.outcome or Outcome(Status.REJECTED, reason="; ".join(document.problems))
        case.outcome = outcome
        if is_news and not self.policy.dry_run:
            self._note(case, outcome)
        elif not (outcome.failed or self.policy.dry_run) and case.has_failed_version:
            self.journal.forget(self.endpoint.id, beside(case.name))
        return outcome

    def _outcome(self, case: Case[Document]) -> Outcome:
        """Carry out what is decided on a document."""
        if self._is_behind(case.document):
            key = case.posting.exact_id if case.posting else None
            return Outcome(Status.IN_DOUBT, key, reason=LOST)
        try:
            outcome = self.executor.carry_out(case)
        except AccessDenied as error:
            return self._denied(case, error)
        if outcome.status in WRITTEN:
            self.denials.clear()
        if outcome.status == Status.REJECTED:
            self.on_rejected(case.document)
        return outcome

    def _is_behind(self, document: Document) -> bool:
        """Whether another version of a document is put off, which must not come after this one."""
        return not self.put_off.has_waited and any(
            document.reference == other.reference for _, other in self.put_off.items
        )

    def _denied(self, case: Case[Document], error: AccessDenied) -> Outcome:
        """Give the outcome of a document that was denied.

        Raises:
            AccessDenied: the denial is not of this document alone; the run ends there.
        """
        after = self.journal.known(self.endpoint.id, [case.name]).get(case.name)
        if after is not None and after.doubtful:
            # It was sent, and the search for it was denied: it stays in doubt.
            raise error
        self.denials.append(error)
        outcome = Outcome(Status.REJECTED, reason=str(error))
        if len(self.denials) < MOST_DENIALS and not error.is_of_division:
            return outcome
        case.posting, case.was_carried_out = after, False
        self._note(case, outcome)
        self.results.note(self._result(case.stream, case.document, outcome))
        raise error

    def _note(self, case: Case[Document], outcome: Outcome) -> None:
        """Note an outcome in the journal."""
        document = case.document
        self.journal.settle(
            self._result(case.stream, document, outcome),
            document.record,
            document.payload_hash,
            document.source_key,
            before=case.posting,
            looked=case.was_carried_out,
        )

    def _finalize(self, case: Case[Document], outcome: Outcome, finalizer: Finalizer) -> None:
        try:
            case.outcome = finalizer.finalize(case, outcome)
        except ExactOnlineError as error:
            # The run ends here, but the document is there.
            reason = NOT_FINALIZED if error.not_carried_out else MAYBE_FINALIZED
            outcome = replace(outcome, reason=joined(outcome.reason, reason))
            self.results.note(self._result(case.stream, case.document, outcome))
            raise

    # Put off and reported

    def _is_put_off(self, outcome: Outcome) -> bool:
        """Whether an outcome is looked into again at the end of the run."""
        is_lost = outcome.status == Status.IN_DOUBT and outcome.reason == LOST
        return is_lost and not self.put_off.has_waited and not self.policy.dry_run

    def _put_off(self, stream: str, document: Document) -> None:
        """Come back to a document at the end: if it may be changed, to its last version."""
        put_off = self.put_off
        waiting = put_off.items.copy()
        put_off.items.clear()
        for earlier, other in waiting:
            is_same = document.reference == other.reference
            if is_same and self.policy.upsert and _content(document) != _content(other):
                outcome = Outcome(Status.SKIPPED, reason=SUPERSEDED)
                self._report_result(self._result(earlier, other, outcome))
            else:
                put_off.items.append((earlier, other))
        put_off.add(stream, document, put_off.clock())

    def _report(self, case: Case[Document]) -> None:
        outcome = case.outcome
        if outcome is None:
            return
        if self.policy.dry_run:
            outcome = replace(outcome, status=WOULD.get(outcome.status, outcome.status))
        result = self._result(case.stream, case.document, outcome)
        self._report_result(result, case.finalized)

    def _report_result(self, result: Result, finalized: str | None = None) -> None:
        """Report a result; the state of finalising is noted after it."""
        try:
            self.results.report(result, self.most_failures)
        finally:
            if finalized and self.finalizer:
                self.finalizer.note(result.reference, finalized)

    def _result(self, stream: str, document: Document, outcome: Outcome) -> Result:
        name = document.reference or made_up(document.record)
        return Result(stream, self.endpoint.id, name, outcome, document.private)


def _open(cases: Cases) -> list[Case[Document]]:
    return [case for case in cases if case.is_open]


def _is_unread(case: Case[Document]) -> bool:
    return case.lacks_number or case.lacks_totals


def _repeated(outcome: Outcome) -> Outcome:
    """Give the outcome of a document that is the same as one before it, by that of the first."""
    if outcome.status == Status.UPDATED and not outcome.payload_hash:
        # Not all of it could be applied.
        return replace(outcome, status=Status.SKIPPED)
    if outcome.status in (Status.CREATED, Status.UPDATED):
        return Outcome(Status.UNCHANGED, outcome.exact_id, outcome.number)
    return outcome


def _content(document: Document) -> tuple[str, bool]:
    return document.payload_hash, document.deleted


def _rounds(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Cut documents into rounds, each with one content of a reference, in their order."""
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
