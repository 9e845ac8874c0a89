"""What is done with one document: it is created, changed, deleted, or left as it is."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from exactonline_client.errors import InDoubt, RequestRefused
from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import UNCHECKED, WANTED, derived
from target_exactonline.load import decide, finalize
from target_exactonline.load import diff as differences
from target_exactonline.load.attachments import ATTACHMENTS, DOCUMENTS, LINK, Attacher
from target_exactonline.load.decide import Action, Known
from target_exactonline.load.journal import Intent, Overtaken
from target_exactonline.load.totals import number_of
from target_exactonline.mapping import attachments
from target_exactonline.mapping.validation import lines_against_type
from target_exactonline.results.outcome import Outcome, Result, joined
from target_exactonline.results.reasons import (
    CHANGED,
    FEWER_LINES,
    KEPT_OTHERWISE,
    LOST,
    NOT_DELETED,
    NOT_THERE,
    SAME_CONTENT,
    UNKNOWN,
    UNSEARCHABLE,
    UNSEARCHED,
    WRITTEN_BEFORE,
)
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.values import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.decide import Policy
    from target_exactonline.load.diff import Changes
    from target_exactonline.load.first_load import FirstLoad
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.resemblance import Resemblance
    from target_exactonline.load.search import Columns, Row, Search
    from target_exactonline.load.spelling import Spelling
    from target_exactonline.load.totals import Completion
    from target_exactonline.load.writer import Writer
    from target_exactonline.mapping.model import Document

NOT_FOUND = 404
DELETED_AT_SOURCE: Mapping[Known, Outcome] = {
    Known.DELETED_BEFORE: Outcome(Status.UNCHANGED, detail=WRITTEN_BEFORE),
    Known.KEPT: Outcome(Status.SKIPPED, reason=NOT_DELETED),
}
"""Of records that were deleted at their source."""

Found = dict[str, "list[Row] | None"]
"""The documents at Exact Online by reference; None where there is no way to look."""


def _as_before(row: Posting) -> Outcome:
    """What becomes of a record that has come before, by what became of it then.

    Exact Online is not asked for that: it costs no call, and tells nothing of changes by hand.
    """
    there = Outcome(Status.UNCHANGED, row.exact_id, row.number)
    if row.outcome == Status.SKIPPED:
        return replace(there, status=Status.SKIPPED, reason=row.reason)
    if row.outcome == Status.EXISTS:
        return replace(there, status=Status.EXISTS, detail=row.reason)
    return replace(there, detail=joined(row.reason, WRITTEN_BEFORE))


@dataclass(kw_only=True)
class Executor:
    """Carries out what the documents of one entity ask for, in one division.

    Raises (every method):
        The errors of `Session.get` and `Session.write` that are not about one document.
    """

    endpoint: Endpoint
    search: Search
    journal: Journal
    writer: Writer
    completion: Completion
    policy: Policy
    resemblance: Resemblance
    first_load: FirstLoad
    put_off: PutOff[Document]

    @cached_property
    def spelling(self) -> Spelling:
        """How Exact Online keeps the references of these documents."""
        return self.journal.spelling(self.endpoint.id)

    def alone(self) -> AbstractContextManager[None]:
        """Keep other runs from loading documents of this kind at the same time."""
        name = f"load-{self.endpoint.name}-{self.search.division}"
        return self.search.connection.store.lock(name)

    def known(self, references: Sequence[str]) -> dict[str, Posting]:
        """What the journal says of documents; it is asked first, since that is free."""
        return self.journal.known(self.endpoint.id, references)

    @property
    def can_change(self) -> bool:
        """Whether the API can change documents of this kind."""
        return "PUT" in self.endpoint.methods

    def settled(self, document: Document, row: Posting | None) -> Outcome | None:
        """What becomes of a document, where the journal alone can tell."""
        facts = decide.facts_of(document, row, self.policy, can_change=self.can_change)
        known = decide.first(decide.BY_JOURNAL, facts)
        if row is None or known in DELETED_AT_SOURCE:
            return DELETED_AT_SOURCE.get(known)
        there = _as_before(row)
        fixed = f"The record has changed, but the API cannot change {self.endpoint.name}"
        same = document.payload_hash
        return {
            Known.LOOK: None,
            Known.AS_BEFORE: there,
            Known.EXISTS: replace(there, status=Status.EXISTS, reason=None, detail=None),
            Known.CHANGED: replace(there, status=Status.EXISTS, reason=CHANGED, detail=None),
            Known.FIXED: Outcome(
                Status.SKIPPED, row.exact_id, row.number, fixed, payload_hash=same
            ),
        }[known]

    def look(self, documents: Sequence[Document], known: Mapping[str, Posting]) -> Found:
        """Which documents are at Exact Online, many in one call."""
        wanted = {str(document.reference): document for document in documents}
        columns = {}
        if self.policy.upsert and self.can_change:
            compared = [document for document in documents if not document.deleted]
            columns = differences.columns(self.endpoint, compared) if compared else {}
        found: Found = {}
        keys = {
            name: key for name, document in wanted.items()
            if (key := (known[name].exact_id if name in known else None) or document.exact_id)
        }  # fmt: skip
        if keys:
            rows = self.search.by_key(list(keys.values()), columns)
            found = {name: [rows[key]] for name, key in keys.items() if key in rows}
        doubtful = {name for name in wanted if name in known and known[name].doubtful}
        others = [
            name for name, document in wanted.items()
            if name not in found and name not in doubtful and not document.local
        ]  # fmt: skip
        rows_of = self.search.by_reference(others, columns) if others else {}
        for name in others:
            found[name] = None if rows_of is None else rows_of.get(name, [])
        for name in doubtful - found.keys():
            found[name] = self._lost(wanted[name], known[name].sent_at or 0.0, columns)
        return found

    def carry_out(
        self,
        stream: str,
        document: Document,
        before: Posting | None,
        there: list[Row] | None,
    ) -> Outcome:
        """Do what a document asks for.

        Raises:
            Overtaken: another run is at it; nothing was sent.

        Args:
            stream: where it came from.
            document: without problems.
            before: what the journal says of its reference.
            there: what was found at Exact Online.
        """
        facts = replace(
            decide.facts_of(document, before, self.policy, can_change=self.can_change),
            found=decide.found(there),
            over=before is not None and self.put_off.is_over(before),
        )
        action = decide.first(decide.BY_SEARCH, facts)
        rows = there or []
        if action is Action.WAIT:
            return Outcome(Status.IN_DOUBT, before.exact_id if before else None, reason=LOST)
        if action is Action.ASK_USER:
            return Outcome(Status.IN_DOUBT, reason=self._unsearchable(stream, document))
        if action is Action.ADOPT:
            return self._adopted(stream, document, rows)
        if document.deleted:
            return self._delete(action, rows)
        outcome = self._write(action, stream, document, before, rows)
        return replace(outcome, detail=joined(outcome.detail, *document.notes))

    def _write(
        self,
        action: Action,
        stream: str,
        document: Document,
        before: Posting | None,
        rows: list[Row],
    ) -> Outcome:
        if action is Action.INCOMPLETE:
            return Outcome(Status.REJECTED, reason="; ".join([NOT_THERE, *document.lacks]))
        if action is Action.KEEP:
            return self._kept_as_it_is(document, before, rows)
        if action is Action.CHANGE:
            return self._bring_up_to_date(stream, document, before, rows)
        by_content = self._loaded_before(document) if action is Action.COMPARE_CONTENT else None
        return by_content or self._create(stream, document, before)

    def _unsearchable(self, stream: str, document: Document) -> str:
        reference = str(document.reference)
        why = self.resemblance.unsure.get(reference) or UNSEARCHED.format(name=self.endpoint.name)
        names = {"stream": shlex.quote(stream), "reference": shlex.quote(reference)}
        return UNSEARCHABLE.format(why=why, **names)

    def _adopted(self, stream: str, document: Document, rows: list[Row]) -> Outcome:
        outcome = self._created(document, rows[0])
        outcome = replace(outcome, reason=joined(outcome.reason, self._several(rows)))
        return self._with_files(stream, document, outcome)

    def _several(self, rows: list[Row]) -> str | None:
        if len(rows) == 1:
            return None
        keys = ", ".join(str(row[self.search.key]) for row in rows)
        return f"{len(rows)} documents at Exact Online carry this reference: {keys}"

    def _create(self, stream: str, document: Document, before: Posting | None) -> Outcome:
        if not (before and before.doubtful) and (outcome := self._respelled(document)):
            return outcome
        # Nothing is made at Exact Online for files that cannot follow.
        if unfit := attachments.problems(document.attachments):
            return Outcome(Status.REJECTED, reason="; ".join(unfit))
        if self.policy.dry_run:
            reason = lines_against_type(shape_of(self.endpoint.id), document.fields)
            return Outcome(Status.CREATED, reason=reason)
        return self._sent(stream, document, before)

    def _sent(self, stream: str, document: Document, before: Posting | None) -> Outcome:
        """Send a document that is not at Exact Online."""
        wanted = UNCHECKED if document.expected else WANTED
        intent = Intent(
            stream,
            self.endpoint.id,
            str(document.reference),
            document.payload_hash,
            document.record,
            document.source_key,
            wanted if self.completion.finalizer else None,
        )
        sent = False
        try:
            self._attach_first(stream, document)
            sent = True
            row = self.writer.create(self.endpoint, intent, document.body(), before)
        except RequestRefused as refusal:
            return Outcome(Status.REJECTED, reason=refusal.reason or str(refusal))
        except Unfit as error:
            return Outcome(Status.REJECTED, reason=f"one of its files {error}")
        except InDoubt:
            return (
                self._resolved(stream, document) if sent else Outcome(Status.IN_DOUBT, reason=LOST)
            )
        return self._with_files(stream, document, self._created(document, row))

    def _resolved(self, stream: str, document: Document) -> Outcome:
        """Look for a document that was sent just now, without an answer."""
        rows = self._lost(document, self.journal.clock())
        if rows is None:
            return Outcome(Status.IN_DOUBT, reason=self._unsearchable(stream, document))
        return (
            self._adopted(stream, document, rows) if rows else Outcome(Status.IN_DOUBT, reason=LOST)
        )

    def _lost(
        self, document: Document, sent_at: float, columns: Columns | None = None
    ) -> list[Row] | None:
        """The documents that may be a lost one, with what its answer would have told."""
        told = self.completion.columns(document.expected, columns)
        found = self.search.lost(document, sent_at, told)
        if found or self.search.reference_field not in document.fields:
            return found
        if found is not None and self.spelling.is_proven(str(document.reference)):
            return found
        return self.resemblance.since(document, sent_at, self.spelling, told, believed=found)

    def _loaded_before(self, document: Document) -> Outcome | None:
        """What becomes of a document that another store may have loaded, and no search finds."""
        rows = self.first_load.look(document)
        if rows is None:
            return Outcome(Status.REJECTED, reason=UNKNOWN.format(name=self.endpoint.name))
        if not rows:
            return None
        key, number = str(rows[0][self.search.key]), number_of(self.endpoint, rows[0])
        same = document.payload_hash
        return Outcome(Status.EXISTS, key, number, SAME_CONTENT, payload_hash=same, unfinished=True)

    def _respelled(self, document: Document) -> Outcome | None:
        """What becomes of a new document that may be there under another spelling."""
        reference, name = str(document.reference), self.search.reference_field
        if name not in document.fields or self.spelling.is_plain(reference):
            return None
        rows = self.resemblance.unsent(document, self.spelling)
        if rows is None:
            why = self.resemblance.unsure[reference]
            return Outcome(Status.REJECTED, reason=f"it was not sent, since {why}")
        if not rows:
            return None
        kept, other = self._kept(document, rows[0])
        key, number = str(rows[0][self.search.key]), number_of(self.endpoint, rows[0])
        reason = joined(other, self._several(rows))
        return Outcome(
            Status.EXISTS, key, number, reason, kept_reference=kept, unfinished=other is not None
        )

    def _kept(self, document: Document, row: Row) -> tuple[str | None, str | None]:
        """How a document's reference is kept, and what to say of it."""
        name, reference = self.search.reference_field, str(document.reference)
        if name not in document.fields or name not in row:
            return None, None
        kept = str(row[name] or "")
        self.spelling.learn(reference, kept)
        if kept.strip() == reference:
            return reference, None
        return kept, KEPT_OTHERWISE.format(name=name, kept=kept)

    def _created(self, document: Document, row: Row) -> Outcome:
        key = str(row[self.search.key])
        kept, other = self._kept(document, row)
        outcome = Outcome(
            Status.CREATED,
            key,
            number_of(self.endpoint, row),
            other,
            payload_hash=document.payload_hash,
            kept_reference=kept,
            unfinished=other is not None,
        )
        return self.completion.judge(outcome, document, row)

    def can_attach(self) -> bool:
        """Whether files can go with these documents."""
        item = self.endpoint.columns.get(LINK)
        return self.endpoint.id == DOCUMENTS or (
            self.endpoint.id != ATTACHMENTS and item is not None and item.post
        )

    def _attach_first(self, stream: str, document: Document) -> None:
        """Upload the files of a document that is to point at them."""
        if document.attachments and self.endpoint.id != DOCUMENTS and LINK not in document.fields:
            attacher = Attacher(self.writer, stream)
            document.fields[LINK] = attacher.document_for(self.endpoint, document)

    def _with_files(self, stream: str, document: Document, outcome: Outcome) -> Outcome:
        """Upload the files of a new document that holds them itself."""
        if not document.attachments or self.endpoint.id != DOCUMENTS:
            return outcome
        name = derived(self.endpoint.id, str(document.reference))
        try:
            Attacher(self.writer, stream).attach(str(outcome.exact_id), name, document.attachments)
        except RequestRefused as refusal:
            reason = f"its files were refused: {refusal.reason or refusal}"
        except Unfit as error:
            reason = f"one of its files {error}; add what is missing by hand"
        except InDoubt:
            reason = "whether all of its files arrived is not known; add what is missing by hand"
        else:
            return outcome
        return replace(outcome, reason=joined(outcome.reason, reason), unfinished=True)

    def _kept_as_it_is(
        self, document: Document, before: Posting | None, rows: list[Row]
    ) -> Outcome:
        key = str(rows[0][self.search.key])
        new = before is None or before.exact_id is None
        kept = document.payload_hash if new and not (before and before.doubtful) else ""
        other = before and before.doubtful and before.payload_hash != document.payload_hash
        reason = CHANGED if other else self._several(rows)
        number = number_of(self.endpoint, rows[0])
        return Outcome(Status.EXISTS, key, number, reason, payload_hash=kept)

    def _bring_up_to_date(
        self, stream: str, document: Document, before: Posting | None, rows: list[Row]
    ) -> Outcome:
        outcome = self._change(stream, document, before, rows[0])
        if outcome.status == Status.UNCHANGED and before and before.outcome == Status.IN_DOUBT:
            # What had no answer was carried out after all.
            outcome = replace(outcome, status=Status.UPDATED)
        several = self._several(rows)
        if several:
            outcome = replace(outcome, reason=joined(outcome.reason, several))
        return outcome

    def _change(self, stream: str, document: Document, before: Posting | None, row: Row) -> Outcome:
        """Make a document at Exact Online what the record says."""
        key = str(row[self.search.key])
        for _attempt in range(2):
            wanted = differences.compare(self.endpoint, document.fields, row)
            outcome = self._decided(document, key, row, wanted)
            if outcome.status != Status.UPDATED or self.policy.dry_run:
                return outcome
            confirm = self._intend(stream, document, key, before, wanted)
            try:
                self.writer.change(self.endpoint, key, wanted, confirm)
            except RequestRefused as refusal:
                return Outcome(Status.REJECTED, key, reason=refusal.reason or str(refusal))
            except InDoubt:
                if wanted.adds_lines:
                    # A line that is still on its way would be added twice.
                    break
                columns = differences.columns(self.endpoint, [document])
                row = self.search.by_key([key], columns).get(key, row)
                left = differences.compare(self.endpoint, document.fields, row)
                if not left.wanted:
                    return outcome
            else:
                return outcome
        return Outcome(Status.IN_DOUBT, key, reason=LOST)

    def _intend(
        self, stream: str, document: Document, key: str, before: Posting | None, wanted: Changes
    ) -> Callable[[], None] | None:
        """Note that lines are about to be added: after a run that is cut off, they may be there.

        What is given confirms that just before each is added.
        """
        if not wanted.adds_lines:
            return None
        reference, now = str(document.reference), self.journal.clock()
        result = Result(
            stream, self.endpoint.id, reference, Outcome(Status.IN_DOUBT, key, reason=LOST)
        )
        content = document.record, document.payload_hash, document.source_key
        if not self.journal.settle(result, *content, before=before):
            raise Overtaken
        return partial(self.journal.confirm, self.endpoint.id, [reference], now)

    def _decided(self, document: Document, key: str, row: Row, wanted: Changes) -> Outcome:
        """What is to become of a document that is there."""
        outcome = Outcome(
            Status.UNCHANGED, key, number_of(self.endpoint, row), payload_hash=document.payload_hash
        )
        fixed = f"the API cannot change {', '.join(wanted.fixed)}" if wanted.fixed else None
        if fixed and wanted.wanted:
            # The next load has to say so too.
            outcome = replace(outcome, payload_hash="")
        detail = "; ".join(wanted.values) if self.policy.dry_run else None
        if not wanted.wanted:
            return (
                replace(outcome, status=Status.SKIPPED, reason=fixed, detail=detail)
                if fixed
                else outcome
            )
        if document.assembled and wanted.removes_lines and not self.policy.hard_delete:
            return Outcome(Status.REJECTED, key, reason=FEWER_LINES, detail=detail)
        if self.endpoint.id == finalize.INVOICES and row.get("Status") == finalize.PROCESSED:
            names = ", ".join([*wanted.names, *wanted.fixed])
            reason = f"the invoice is processed and can no longer be changed; it differs in {names}"
            return replace(outcome, status=Status.SKIPPED, reason=reason, detail=detail)
        if self.policy.dry_run:
            names = f"it differs in {', '.join(wanted.names)}"
            fixed = joined(names, fixed)
        return replace(outcome, status=Status.UPDATED, reason=fixed, detail=detail)

    def _delete(self, action: Action, rows: list[Row]) -> Outcome:
        if action is Action.UNKNOWN_KEY:
            return Outcome(
                Status.REJECTED,
                reason=f"{self.endpoint.name} cannot be searched by a reference of your own, and "
                "the key of this one is not known, so it was not deleted",
            )
        if action is Action.GONE:
            return Outcome(Status.DELETED, reason="it was not at Exact Online any more")
        key = str(rows[0][self.search.key])
        if action is Action.SEVERAL:
            reason = f"{self._several(rows)}; none of them was deleted"
            return Outcome(Status.REJECTED, key, reason=reason)
        return Outcome(Status.DELETED, key) if self.policy.dry_run else self._deleted(key)

    def _deleted(self, key: str) -> Outcome:
        """Delete a document; a request without an answer may be sent again, unlike others."""
        for _attempt in range(2):
            try:
                self.writer.delete(self.endpoint, key)
            except RequestRefused as refusal:
                if refusal.status != NOT_FOUND:
                    return Outcome(Status.REJECTED, key, reason=refusal.reason or str(refusal))
            except InDoubt:
                if self.search.by_key([key], {}):
                    continue
            return Outcome(Status.DELETED, key)
        return Outcome(Status.IN_DOUBT, key, reason=LOST)
