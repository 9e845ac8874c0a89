"""Change and delete documents that are at Exact Online."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from exactonline_client.errors import InDoubt, RequestRefused
from exactonline_client.store.outcomes import Status
from target_exactonline.load import diff, finalize
from target_exactonline.load.journal import Overtaken
from target_exactonline.load.totals import number_of
from target_exactonline.results.outcome import Outcome, Result, joined
from target_exactonline.results.reasons import FEWER_LINES, LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.case import Case
    from target_exactonline.load.decide import Policy
    from target_exactonline.load.diff import Changes
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Row, Search
    from target_exactonline.load.writer import Writer
    from target_exactonline.mapping.model import Document

NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class Changer:
    """Changes and deletes the documents of one entity, in one division.

    Raises (every method):
        The errors of `Session.get` and `Session.write` that are not about one document.
    """

    endpoint: Endpoint
    search: Search
    journal: Journal
    writer: Writer
    policy: Policy

    def change(self, case: Case[Document], row: Row) -> Outcome:
        """Change a document to what the record says, if it differs."""
        document, key = case.document, str(row[self.search.key])
        for _attempt in range(2):
            changes = diff.compare(self.endpoint, document.fields, row)
            outcome = self._outcome(document, key, row, changes)
            if outcome.status != Status.UPDATED or self.policy.dry_run:
                return outcome
            confirm = self._intend(case, key, changes)
            try:
                self.writer.change(self.endpoint, key, changes, confirm)
            except RequestRefused as refusal:
                return Outcome(Status.REJECTED, key, reason=refusal.reason or str(refusal))
            except InDoubt:
                if changes.adds_lines:
                    # A line that is still on its way would be added twice.
                    break
                columns = diff.columns(self.endpoint, [document])
                row = self.search.by_key([key], columns).get(key, row)
                if not diff.compare(self.endpoint, document.fields, row).wanted:
                    return outcome
            else:
                return outcome
        return Outcome(Status.IN_DOUBT, key, reason=LOST)

    def _intend(
        self, case: Case[Document], key: str, changes: Changes
    ) -> Callable[[], None] | None:
        """Note that lines are about to be added: after a run that is cut off, they may be there.

        Returns:
            A function to call just before each is added; None if none is.

        Raises:
            Overtaken: another run has changed the posting.
        """
        if not changes.adds_lines:
            return None
        document, now = case.document, self.journal.clock()
        in_doubt = Outcome(Status.IN_DOUBT, key, reason=LOST)
        result = Result(case.stream, self.endpoint.id, case.name, in_doubt)
        content = document.record, document.payload_hash, document.source_key
        if not self.journal.settle(result, *content, before=case.posting):
            raise Overtaken
        return partial(self.journal.confirm, self.endpoint.id, [case.name], now)

    def _outcome(self, document: Document, key: str, row: Row, changes: Changes) -> Outcome:
        """Give the outcome that a document has once the changes are carried out."""
        outcome = Outcome(
            Status.UNCHANGED, key, number_of(self.endpoint, row), payload_hash=document.payload_hash
        )
        fixed = f"the API cannot change {', '.join(changes.fixed)}" if changes.fixed else None
        if fixed and changes.wanted:
            # The next load has to report it too.
            outcome = replace(outcome, payload_hash="")
        detail = "; ".join(changes.values) if self.policy.dry_run else None
        if not changes.wanted:
            return (
                replace(outcome, status=Status.SKIPPED, reason=fixed, detail=detail)
                if fixed
                else outcome
            )
        if document.assembled and changes.removes_lines and not self.policy.hard_delete:
            return Outcome(Status.REJECTED, key, reason=FEWER_LINES, detail=detail)
        if self.endpoint.id == finalize.INVOICES and row.get("Status") == finalize.PROCESSED:
            names = ", ".join([*changes.names, *changes.fixed])
            reason = f"the invoice is processed and can no longer be changed; it differs in {names}"
            return replace(outcome, status=Status.SKIPPED, reason=reason, detail=detail)
        if self.policy.dry_run:
            names = f"it differs in {', '.join(changes.names)}"
            fixed = joined(names, fixed)
        return replace(outcome, status=Status.UPDATED, reason=fixed, detail=detail)

    def delete(self, row: Row) -> Outcome:
        """Delete a document; a DELETE without an answer is safe to repeat."""
        key = str(row[self.search.key])
        if self.policy.dry_run:
            return Outcome(Status.DELETED, key)
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
