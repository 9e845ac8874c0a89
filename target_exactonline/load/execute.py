"""Carry out what is decided on a document: create, adopt, change, delete, or leave it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exactonline_client.errors import InDoubt, RequestRefused
from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import UNCHECKED, WANTED, derived
from target_exactonline.load import decide
from target_exactonline.load.attachments import DOCUMENTS, LINK, Attacher
from target_exactonline.load.decide import Action
from target_exactonline.load.journal import Intent
from target_exactonline.load.totals import number_of
from target_exactonline.mapping import attachments
from target_exactonline.mapping.validation import lines_against_type
from target_exactonline.results.outcome import Outcome, joined
from target_exactonline.results.reasons import (
    CHANGED,
    GONE,
    KEPT_OTHERWISE,
    LOST,
    NOT_THERE,
    SAME_CONTENT,
    UNKNOWN,
    UNKNOWN_KEY,
    UNSEARCHABLE,
    UNSEARCHED,
)
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.case import Case
    from target_exactonline.load.change import Changer
    from target_exactonline.load.decide import Policy
    from target_exactonline.load.first_load import FirstLoad
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.resemblance import Resemblance
    from target_exactonline.load.search import Row, Search
    from target_exactonline.load.totals import Totals
    from target_exactonline.load.writer import Writer
    from target_exactonline.mapping.model import Document

NOTED = (Action.CHANGE, Action.KEEP, Action.INCOMPLETE, Action.COMPARE_CONTENT, Action.CREATE)
"""Actions whose outcome reports what of the record was left out."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Carries out decisions on the documents of one entity, in one division.

    Raises (every method):
        The errors of `Session.get` and `Session.write` that are not about one document.
    """

    endpoint: Endpoint
    search: Search
    writer: Writer
    changer: Changer
    totals: Totals
    policy: Policy
    resemblance: Resemblance
    first_load: FirstLoad
    put_off: PutOff[Document]

    def carry_out(self, case: Case[Document]) -> Outcome:
        """Decide on a document by what was found of it, and carry that out.

        Raises:
            Overtaken: another run is at it; nothing was sent.
        """
        facts = decide.facts_of_document(
            case,
            self.policy,
            over=case.posting is not None and self.put_off.is_over(case.posting),
        )
        action = decide.first(decide.BY_SEARCH, facts)
        methods: dict[Action, Callable[[Case[Document]], Outcome]] = {
            Action.WAIT: self._wait,
            Action.ASK_USER: self._ask_user,
            Action.ADOPT: self._adopt,
            Action.CHANGE: self._change,
            Action.KEEP: self._keep,
            Action.DELETE: self._delete,
            Action.GONE: self._report_gone,
            Action.SEVERAL: self._refuse_several,
            Action.UNKNOWN_KEY: self._refuse_unknown_key,
            Action.INCOMPLETE: self._refuse_incomplete,
            Action.COMPARE_CONTENT: self._compare_content,
            Action.CREATE: self._create,
        }
        outcome = methods[action](case)
        if action not in NOTED:
            return outcome
        return replace(outcome, detail=joined(outcome.detail, *case.document.notes))

    # Sent before without an answer

    @staticmethod
    def _wait(case: Case[Document]) -> Outcome:
        key = case.posting.exact_id if case.posting else None
        return Outcome(Status.IN_DOUBT, key, reason=LOST)

    def _ask_user(self, case: Case[Document]) -> Outcome:
        unsure = self.resemblance.unsure.get(case.name)
        why = unsure or UNSEARCHED.format(name=self.endpoint.name)
        names = {"stream": shlex.quote(case.stream), "reference": shlex.quote(case.name)}
        return Outcome(Status.IN_DOUBT, reason=UNSEARCHABLE.format(why=why, **names))

    def _adopt(self, case: Case[Document]) -> Outcome:
        rows = case.rows or []
        outcome = self._created(case, rows[0])
        outcome = replace(outcome, reason=joined(outcome.reason, self.search.several(rows)))
        return self._with_files(case, outcome)

    # At Exact Online

    def _keep(self, case: Case[Document]) -> Outcome:
        rows, before, document = case.rows or [], case.posting, case.document
        is_new = before is None or before.exact_id is None
        kept = document.payload_hash if is_new and not case.is_doubtful else ""
        is_other = case.is_doubtful and before and before.payload_hash != document.payload_hash
        reason = CHANGED if is_other else self.search.several(rows)
        key, number = str(rows[0][self.search.key]), number_of(self.endpoint, rows[0])
        return Outcome(Status.EXISTS, key, number, reason, payload_hash=kept)

    def _change(self, case: Case[Document]) -> Outcome:
        rows, before = case.rows or [], case.posting
        outcome = self.changer.change(case, rows[0])
        if outcome.status == Status.UNCHANGED and before and before.outcome == Status.IN_DOUBT:
            # The change that got no answer was carried out.
            outcome = replace(outcome, status=Status.UPDATED)
        return replace(outcome, reason=joined(outcome.reason, self.search.several(rows)))

    # Deleted at the source

    def _delete(self, case: Case[Document]) -> Outcome:
        return self.changer.delete((case.rows or [])[0])

    @staticmethod
    def _report_gone(_case: Case[Document]) -> Outcome:
        return Outcome(Status.DELETED, reason=GONE)

    def _refuse_several(self, case: Case[Document]) -> Outcome:
        rows = case.rows or []
        reason = f"{self.search.several(rows)}; none of them was deleted"
        return Outcome(Status.REJECTED, str(rows[0][self.search.key]), reason=reason)

    def _refuse_unknown_key(self, _case: Case[Document]) -> Outcome:
        return Outcome(Status.REJECTED, reason=UNKNOWN_KEY.format(name=self.endpoint.name))

    # Not at Exact Online

    @staticmethod
    def _refuse_incomplete(case: Case[Document]) -> Outcome:
        return Outcome(Status.REJECTED, reason="; ".join([NOT_THERE, *case.document.lacks]))

    def _compare_content(self, case: Case[Document]) -> Outcome:
        """Create a document, unless another store has loaded it before."""
        document = case.document
        rows = self.first_load.look(document)
        if rows is None:
            return Outcome(Status.REJECTED, reason=UNKNOWN.format(name=self.endpoint.name))
        if not rows:
            return self._create(case)
        key, number = str(rows[0][self.search.key]), number_of(self.endpoint, rows[0])
        same = document.payload_hash
        return Outcome(Status.EXISTS, key, number, SAME_CONTENT, payload_hash=same, unfinished=True)

    def _create(self, case: Case[Document]) -> Outcome:
        document = case.document
        if not case.is_doubtful and (outcome := self._respelled(document)):
            return outcome
        # Nothing is created at Exact Online for files that cannot follow.
        if unfit := attachments.problems(document.attachments):
            return Outcome(Status.REJECTED, reason="; ".join(unfit))
        if self.policy.dry_run:
            reason = lines_against_type(shape_of(self.endpoint.id), document.fields)
            return Outcome(Status.CREATED, reason=reason)
        return self._send(case)

    def _respelled(self, document: Document) -> Outcome | None:
        """Give the outcome of a new document that is there under another spelling."""
        reference, name = str(document.reference), self.search.reference_field
        if name not in document.fields or self.resemblance.spelling.is_plain(reference):
            return None
        rows = self.resemblance.unsent(document)
        if rows is None:
            why = self.resemblance.unsure[reference]
            return Outcome(Status.REJECTED, reason=f"it was not sent, since {why}")
        if not rows:
            return None
        kept, other = self._kept_reference(document, rows[0])
        key, number = str(rows[0][self.search.key]), number_of(self.endpoint, rows[0])
        reason = joined(other, self.search.several(rows))
        return Outcome(
            Status.EXISTS, key, number, reason, kept_reference=kept, unfinished=other is not None
        )

    def _send(self, case: Case[Document]) -> Outcome:
        document = case.document
        finalized = UNCHECKED if document.expected else WANTED
        intent = Intent(
            case.stream,
            self.endpoint.id,
            case.name,
            document.payload_hash,
            document.record,
            document.source_key,
            finalized if self.totals.finalizes else None,
        )
        was_sent = False
        try:
            self._attach_first(case)
            was_sent = True
            row = self.writer.create(self.endpoint, intent, document.body(), case.posting)
        except RequestRefused as refusal:
            return Outcome(Status.REJECTED, reason=refusal.reason or str(refusal))
        except BadValueError as error:
            return Outcome(Status.REJECTED, reason=f"one of its files {error}")
        except InDoubt:
            return self._look_again(case) if was_sent else Outcome(Status.IN_DOUBT, reason=LOST)
        return self._with_files(case, self._created(case, row))

    def _look_again(self, case: Case[Document]) -> Outcome:
        """Search for a document that was sent just now without an answer."""
        columns = self.totals.columns(case.document.expected)
        case.rows = self.resemblance.lost(case.document, self.writer.journal.clock(), columns)
        if case.rows is None:
            return self._ask_user(case)
        return self._adopt(case) if case.rows else Outcome(Status.IN_DOUBT, reason=LOST)

    def _created(self, case: Case[Document], row: Row) -> Outcome:
        document = case.document
        kept, other = self._kept_reference(document, row)
        outcome = Outcome(
            Status.CREATED,
            str(row[self.search.key]),
            number_of(self.endpoint, row),
            other,
            payload_hash=document.payload_hash,
            kept_reference=kept,
            unfinished=other is not None,
        )
        return self.totals.compare(case, outcome, row)

    def _kept_reference(self, document: Document, row: Row) -> tuple[str | None, str | None]:
        """Return how Exact Online keeps a reference, and a reason if it differs."""
        name, reference = self.search.reference_field, str(document.reference)
        if name not in document.fields or name not in row:
            return None, None
        kept = str(row[name] or "")
        self.resemblance.spelling.learn(reference, kept)
        if kept.strip() == reference:
            return reference, None
        return kept, KEPT_OTHERWISE.format(name=name, kept=kept)

    # Files

    def _attach_first(self, case: Case[Document]) -> None:
        """Upload the files of a document that is to refer to them."""
        document = case.document
        if document.attachments and self.endpoint.id != DOCUMENTS and LINK not in document.fields:
            attacher = Attacher(self.writer, case.stream)
            document.fields[LINK] = attacher.document_for(self.endpoint, document)

    def _with_files(self, case: Case[Document], outcome: Outcome) -> Outcome:
        """Upload the files of a new document that holds them itself."""
        files = case.document.attachments
        if not files or self.endpoint.id != DOCUMENTS:
            return outcome
        name = derived(self.endpoint.id, case.name)
        try:
            Attacher(self.writer, case.stream).attach(str(outcome.exact_id), name, files)
        except RequestRefused as refusal:
            reason = f"its files were refused: {refusal.reason or refusal}"
        except BadValueError as error:
            reason = f"one of its files {error}; add what is missing by hand"
        except InDoubt:
            reason = "whether all of its files arrived is not known; add what is missing by hand"
        else:
            return outcome
        return replace(outcome, reason=joined(outcome.reason, reason), unfinished=True)
