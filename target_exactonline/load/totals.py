"""What follows the creation of a document: it is finalised, and its number and totals are read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import HELD, REFUSED, SENDING, UNCHECKED
from target_exactonline.load.finalize import NOT_FINALIZED, OTHERS, Ending
from target_exactonline.mapping.validation import SIGNS, TOTAL, TYPE, against_type
from target_exactonline.results.outcome import Outcome, Result, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.finalize import Finalizer
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Columns, Row, Search
    from target_exactonline.mapping.model import Document

NUMBERS = ("InvoiceNumber", "EntryNumber", "OrderNumber", "QuotationNumber")
"""Where entities have the number that Exact Online gives a document; the first counts."""
HALF_A_CENT = Decimal("0.005")
TOTALS = "its totals are not those of the record"
MAYBE_FINALIZED = "the run ended before it was known whether it was finalised"
CUT_OFF = "it was not finalised, since a run was cut off before its totals were compared"


def number_field(endpoint: Endpoint) -> str | None:
    """The property that holds the number which Exact Online gives a document."""
    return next((name for name in NUMBERS if name in endpoint.columns), None)


def number_of(endpoint: Endpoint, row: Row) -> str | None:
    """That number, as far as a row tells it."""
    value = row.get(number_field(endpoint) or "")
    return str(value) if value else None


def differing(expected: Mapping[str, Decimal], row: Mapping[str, Any]) -> str | None:
    """What to say about totals of a row that differ from the expected ones by a cent or more."""
    said = []
    for name, amount in expected.items():
        try:
            made = Decimal(str(row.get(name)))
        except InvalidOperation:
            continue
        if abs(made - amount) >= HALF_A_CENT:
            said.append(f"{name} is {made} at Exact Online, and {amount} in the record")
    return joined(*said)


@dataclass
class Completion:
    """Completes the documents of one entity that this run created.

    Raises (every method):
        The errors of `Session.get` and `Session.write` that are not about one document.
    """

    search: Search
    journal: Journal
    finalizer: Finalizer | None
    """None where documents are left as they are created."""
    put_off: PutOff[Document]
    _expected: dict[str, Mapping[str, Decimal]] = field(default_factory=dict)
    """The totals that the answers to creations did not tell, by the keys of the documents."""
    _finalized: set[str] = field(default_factory=set)
    """Keys of documents whose number came with the finalising."""
    _endings: dict[str, Ending] = field(default_factory=dict)
    """How the finalising ended of documents that a person has to look at, by their references."""

    def columns(self, expected: Iterable[str], others: Columns | None = None) -> Columns:
        """What tells the number and totals of documents, besides other columns."""
        others = others or {}
        name = number_field(self.search.endpoint)
        signed = [TYPE, TOTAL] if self._is_signed else []
        names = [*others.get("", []), *([name] if name else []), *expected, *signed]
        return {**others, "": list(dict.fromkeys(names))}

    @property
    def _is_signed(self) -> bool:
        """Whether a document has a type that says which sign its total has."""
        return self.search.endpoint.id in SIGNS

    def judge(self, outcome: Outcome, document: Document, row: Row) -> Outcome:
        """What became of a new document, with what is wrong with its totals.

        What the answer to its creation does not tell is read later.
        """
        unknown = any(row.get(name) is None for name in document.expected)
        # An answer may hold a total of 0 that was not calculated yet.
        unsigned = self._is_signed and self.finalizer is not None and not row.get(TOTAL)
        if unknown or unsigned:
            self._expected[str(row[self.search.key])] = document.expected
            return outcome
        return self._judged(outcome, document.expected, row)

    def _judged(self, outcome: Outcome, expected: Mapping[str, Decimal], row: Row) -> Outcome:
        wrong = differing(expected, row)
        against = against_type(self.search.endpoint.id, row)
        held = wrong is not None or (against is not None and self.finalizer is not None)
        return replace(
            outcome,
            reason=joined(outcome.reason, TOTALS if wrong else None, against),
            detail=joined(outcome.detail, wrong),
            unfinished=outcome.unfinished or held,
        )

    def finalize(self, result: Result) -> Result:
        """The result of a new document after it was finalised, if that is asked for.

        It cannot be taken back, so a document with other totals than it should have is left open.
        """
        if self.finalizer is None:
            return result
        key, reference = str(result.outcome.exact_id), result.reference
        if key in self._expected:
            (result,) = self.complete([result])
        if result.outcome.unfinished:
            ending = Ending(HELD, NOT_FINALIZED)
        else:
            self._finalized.add(key)
            ending = self.finalizer.finalize(reference, key)
        reason = joined(result.outcome.reason, ending.reason)
        if ending.reason:
            self._note(result, reason=joined(reason, result.outcome.detail))
            self._endings[reference] = ending
        unfinished = result.outcome.unfinished or ending.has_failed
        return replace(
            result, outcome=replace(result.outcome, reason=reason, unfinished=unfinished)
        )

    def told(self, result: Result) -> None:
        """Note how the finalising of a document ended, now that it has been told."""
        ending = self._endings.pop(result.reference, None)
        if ending and self.finalizer:
            self.finalizer.told(result.reference, ending)

    def is_open(self, key: str | None) -> bool:
        """Whether there is something left to be read of a document."""
        return key in self._expected or key in self._finalized

    def complete(self, results: Iterable[Result]) -> list[Result]:
        """Results with what could only be read after the creation, many in one call."""
        results = list(results)
        totals = [total for expected in self._expected.values() for total in expected]
        keys = [str(result.outcome.exact_id) for result in results]
        rows = self.search.by_key(keys, self.columns(totals)) if keys else {}
        return [
            self._completed(result, rows.get(key, {}))
            for result, key in zip(results, keys, strict=True)
        ]

    def _completed(self, result: Result, row: Row) -> Result:
        key = str(result.outcome.exact_id)
        self._finalized.discard(key)
        number = number_of(self.search.endpoint, row) or result.outcome.number
        outcome = replace(result.outcome, number=number)
        if key in self._expected:
            outcome = self._judged(outcome, self._expected.pop(key), row)
        self._note(result, number=outcome.number, reason=joined(outcome.reason, outcome.detail))
        return replace(result, outcome=outcome)

    def _note(self, result: Result, **values: Any) -> None:  # noqa: ANN401
        now = self.journal.clock()
        self.journal.change(result.entity, result.reference, at=now, **values)

    def unfinalized(self) -> float:
        """Until when to wait for invoices whose finalising got no answer; 0 without any."""
        if self.finalizer is None:
            return 0.0
        rows = self.journal.unfinalized(self.search.endpoint.id)
        sent = [row for row in rows if row.finalized == SENDING]
        self.put_off.expect(sent)
        moments = [row.sent_at or 0.0 for row in sent]
        return max(moments) + self.put_off.settle_after if moments else 0.0

    def catch_up(self) -> Iterator[Result]:
        """Finalise what earlier runs, or this one, could not carry to its end."""
        if self.finalizer is None:
            return
        entity = self.search.endpoint.id
        for row in self.journal.unfinalized(entity):
            if row.finalized != UNCHECKED:
                ending = self.finalizer.catch_up(row, is_over=self.put_off.is_over(row))
            elif self.journal.change(entity, row.reference, row):
                ending = Ending(HELD, CUT_OFF)
            else:
                continue
            if ending is OTHERS:
                continue
            result = Result(row.stream, entity, row.reference, _told(row, ending))
            if ending.reason:
                self._endings[row.reference] = ending
            yield self._numbered(result) if ending.finalized != SENDING else result
        self._number()

    def _number(self) -> None:
        """Note the numbers that a run which was cut off did not come to read."""
        entity = self.search.endpoint.id
        rows = {str(row.exact_id): row for row in self.journal.unnumbered(entity)}
        there = self.search.by_key(list(rows), self.columns([])) if rows else {}
        for key, row in there.items():
            number, now = number_of(self.search.endpoint, row), self.journal.clock()
            self.journal.change(entity, rows[key].reference, rows[key], number=number, at=now)

    def _numbered(self, result: Result) -> Result:
        """A result with the number that the document has by now."""
        key = str(result.outcome.exact_id)
        row = self.search.by_key([key], self.columns([])).get(key, {})
        number = number_of(self.search.endpoint, row) or result.outcome.number
        self._note(result, number=number, reason=result.outcome.reason)
        return replace(result, outcome=replace(result.outcome, number=number))


def _told(row: Posting, ending: Ending) -> Outcome:
    """What became of an invoice that was created before, when it was finalised at last."""
    statuses = {SENDING: Status.IN_DOUBT, REFUSED: Status.REJECTED, HELD: Status.REJECTED}
    status = statuses.get(ending.finalized, Status.UPDATED)
    return Outcome(status, row.exact_id, row.number, ending.reason, unfinished=ending.has_failed)
