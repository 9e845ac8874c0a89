"""References that Exact Online keeps in another spelling than they were sent in.

It may cut them, change their case, or leave them out; its documentation says nothing of it. A
search by the reference as it was sent does not find such a document, so that it proves nothing.
What the answers show is kept in the journal, and tells what the next ones will look like.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORT = 10
"""Characters of a reference that no column is too narrow for."""
MOST_EXAMPLES = 50


@dataclass
class Spelling:
    """How the references of one kind of documents are kept, as far as answers have shown."""

    proven: int = 0
    """Characters of the longest reference that was kept as it was sent."""
    examples: list[tuple[str, str]] = field(default_factory=list)
    """References that were not, each with its kept spelling."""

    def learn(self, reference: str, kept: str) -> None:
        """Take in what an answer showed."""
        if kept.strip() == reference:
            self.proven = max(self.proven, len(reference))
        else:
            self.examples = [*self.examples[1 - MOST_EXAMPLES :], (reference, kept)]

    def is_proven(self, reference: str) -> bool:
        """Whether a search by this reference finds its document, if there is one."""
        if self.examples:
            return (self.predicted(reference) or "").strip() == reference
        return len(reference) <= self.proven

    def is_plain(self, reference: str) -> bool:
        """The same, also where nothing is known yet of a short one."""
        return self.is_proven(reference) or (not self.examples and len(reference) <= SHORT)

    def predicted(self, reference: str) -> str | None:
        """How a reference will be kept; None where the examples show no rule."""
        if not self.examples:
            return None
        for way in self._ways():
            if all(way(sent).rstrip() == kept.rstrip() for sent, kept in self.examples):
                return way(reference)
        return None

    def _ways(self) -> Iterator[Callable[[str], str]]:
        yield lambda _reference: ""
        # Blanks at the end of what was cut may be gone as well.
        cuts = [(len(kept.rstrip()), sent) for sent, kept in self.examples]
        ends = [width + len(sent[width:]) - len(sent[width:].lstrip()) for width, sent in cuts]
        widths = sorted({*ends, *(width for width, _ in cuts)}, reverse=True)
        cases: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower)
        for changed, single, width in product(cases, (False, True), (None, *widths)):
            yield partial(_spelled, changed, width, single=single)

    def may_be(self, reference: str, kept: str) -> bool:
        """Whether a text may be what became of a reference."""
        one, other = _letters(kept), _letters(reference)
        is_cut = len(kept) >= max(SHORT, self.proven) and other.startswith(one)
        return bool(one) and (one == other or is_cut)


def _spelled(
    changed: Callable[[str], str], width: int | None, reference: str, *, single: bool
) -> str:
    text = changed(" ".join(reference.split()) if single else reference)
    return text[:width]


def _letters(text: str) -> str:
    """What is left of a text whatever is done to its case, accents, blanks and signs."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalnum()
    )
