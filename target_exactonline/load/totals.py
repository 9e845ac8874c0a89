"""The number and totals that Exact Online gives a new document, and how they compare.

An answer to a POST may lack them; they are then read for many documents in one call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from target_exactonline.mapping.validation import SIGNS, TOTAL, TYPE, sign_problem
from target_exactonline.results.outcome import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.case import Case
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Columns, Row, Search
    from target_exactonline.mapping.model import Document
    from target_exactonline.results.outcome import Outcome

NUMBERS = ("InvoiceNumber", "EntryNumber", "OrderNumber", "QuotationNumber")
"""Properties with the number that Exact Online gives a document; the first one counts."""
HALF_A_CENT = Decimal("0.005")
DIFFERENT = "its totals are not those of the record"


def number_field(endpoint: Endpoint) -> str | None:
    """Return the property with the number that Exact Online gives a document."""
    return next((name for name in NUMBERS if name in endpoint.columns), None)


def number_of(endpoint: Endpoint, row: Row) -> str | None:
    """Return that number, if the row has it."""
    value = row.get(number_field(endpoint) or "")
    return str(value) if value else None


def differing(expected: Mapping[str, Decimal], row: Mapping[str, Any]) -> str | None:
    """Describe the totals of a row that differ from the expected ones by a cent or more."""
    differences = []
    for name, amount in expected.items():
        try:
            made = Decimal(str(row.get(name)))
        except InvalidOperation:
            continue
        if abs(made - amount) >= HALF_A_CENT:
            differences.append(f"{name} is {made} at Exact Online, and {amount} in the record")
    return joined(*differences)


@dataclass(frozen=True)
class Totals:
    """Compares the totals of new documents of one entity, and reads their numbers."""

    search: Search
    journal: Journal
    finalizes: bool
    """Whether the run finalises the documents, so that a total of the wrong sign is a failure."""

    def columns(self, expected: Iterable[str], others: Columns | None = None) -> Columns:
        """Add the columns with number and totals to other columns of a query."""
        others = others or {}
        name = number_field(self.search.endpoint)
        signed = [TYPE, TOTAL] if self._has_sign else []
        names = [*others.get("", []), *([name] if name else []), *expected, *signed]
        return {**others, "": list(dict.fromkeys(names))}

    @property
    def _has_sign(self) -> bool:
        """Whether the type of a document fixes the sign of its total."""
        return self.search.endpoint.id in SIGNS

    def compare(self, case: Case[Document], outcome: Outcome, row: Row) -> Outcome:
        """Add differences in totals to the outcome of a new document.

        Totals that the row does not have are read later, see `complete`.
        """
        unknown = any(row.get(name) is None for name in case.document.expected)
        # An answer may hold a total of 0 that was not calculated yet.
        unsigned = self._has_sign and self.finalizes and not row.get(TOTAL)
        if unknown or unsigned:
            case.lacks_totals = True
            return outcome
        return self._compared(outcome, case.document.expected, row)

    def _compared(self, outcome: Outcome, expected: Mapping[str, Decimal], row: Row) -> Outcome:
        differences = differing(expected, row)
        against = sign_problem(self.search.endpoint.id, row)
        failed = differences is not None or (against is not None and self.finalizes)
        return replace(
            outcome,
            reason=joined(outcome.reason, DIFFERENT if differences else None, against),
            detail=joined(outcome.detail, differences),
            unfinished=outcome.unfinished or failed,
        )

    def complete(self, cases: Sequence[Case[Document]]) -> None:
        """Read what the outcomes of documents lack, for many of them in one call.

        Raises:
            The errors of `Session.get`.
        """
        expected = [name for case in cases if case.lacks_totals for name in case.document.expected]
        keys = [str(case.outcome.exact_id) for case in cases if case.outcome]
        rows = self.search.by_key(list(dict.fromkeys(keys)), self.columns(expected)) if keys else {}
        for case in cases:
            if case.outcome:
                self._complete(case, case.outcome, rows.get(str(case.outcome.exact_id), {}))

    def _complete(self, case: Case[Document], outcome: Outcome, row: Row) -> None:
        number = number_of(self.search.endpoint, row) or outcome.number
        outcome = replace(outcome, number=number)
        if case.lacks_totals:
            outcome = self._compared(outcome, case.document.expected, row)
        case.lacks_totals = case.lacks_number = False
        case.outcome = outcome
        if case.first is None:
            self.note(case.name, number=number, reason=joined(outcome.reason, outcome.detail))

    def note(self, reference: str, **values: Any) -> None:  # noqa: ANN401
        """Change columns of the posting of a document that this run created."""
        entity, now = self.search.endpoint.id, self.journal.clock()
        self.journal.change(entity, reference, at=now, **values)

    def number(self, key: str) -> str | None:
        """Read the number of one document."""
        row = self.search.by_key([key], self.columns([])).get(key, {})
        return number_of(self.search.endpoint, row)

    def number_postings(self) -> None:
        """Note the numbers of documents whose run was cut off before it read them."""
        entity = self.search.endpoint.id
        postings = {str(posting.exact_id): posting for posting in self.journal.unnumbered(entity)}
        rows = self.search.by_key(list(postings), self.columns([])) if postings else {}
        for key, row in rows.items():
            posting, now = postings[key], self.journal.clock()
            number = number_of(self.search.endpoint, row)
            self.journal.change(entity, posting.reference, posting, number=number, at=now)
