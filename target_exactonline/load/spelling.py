"""References that Exact Online keeps in another spelling than they were sent in.

It may cut them, change their case, or drop them, which is not documented. A search by the reference
as it was sent then does not find a document that is there. The spellings seen in answers are kept
in the journal, and predict those of other references.
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
"""Length of a reference that every column has room for."""
MOST_EXAMPLES = 50


@dataclass
class Spelling:
    """The spellings of references of one kind of documents, as seen in answers."""

    proven: int = 0
    """Length of the longest reference that was kept as it was sent."""
    examples: list[tuple[str, str]] = field(default_factory=list)
    """References that were not, each with the spelling that was kept."""

    def learn(self, reference: str, kept: str) -> None:
        """Add the spelling in an answer."""
        if kept.strip() == reference:
            self.proven = max(self.proven, len(reference))
        else:
            self.examples = [*self.examples[1 - MOST_EXAMPLES :], (reference, kept)]

    def is_proven(self, reference: str) -> bool:
        """Whether a search by this reference certainly finds its document, if there is one."""
        if self.examples:
            return (self.predicted(reference) or "").strip() == reference
        return len(reference) <= self.proven

    def is_plain(self, reference: str) -> bool:
        """Whether it is proven, or short and no other was kept differently."""
        return self.is_proven(reference) or (not self.examples and len(reference) <= SHORT)

    def predicted(self, reference: str) -> str | None:
        """Predict the spelling of a reference; None if the examples follow no rule."""
        if not self.examples:
            return None
        for rule in self._rules():
            if all(rule(sent).rstrip() == kept.rstrip() for sent, kept in self.examples):
                return rule(reference)
        return None

    def _rules(self) -> Iterator[Callable[[str], str]]:
        yield lambda _reference: ""
        # Blanks at the end of what was cut may be gone as well.
        cuts = [(len(kept.rstrip()), sent) for sent, kept in self.examples]
        ends = [width + len(sent[width:]) - len(sent[width:].lstrip()) for width, sent in cuts]
        widths = sorted({*ends, *(width for width, _ in cuts)}, reverse=True)
        cases: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower)
        for changed, single, width in product(cases, (False, True), (None, *widths)):
            yield partial(_spelled, changed, width, single=single)

    def may_be(self, reference: str, kept: str) -> bool:
        """Whether a text may be another spelling of a reference."""
        one, other = _letters(kept), _letters(reference)
        is_cut = len(kept) >= max(SHORT, self.proven) and other.startswith(one)
        return bool(one) and (one == other or is_cut)


def _spelled(
    changed: Callable[[str], str], width: int | None, reference: str, *, single: bool
) -> str:
    text = changed(" ".join(reference.split()) if single else reference)
    return text[:width]


def _letters(text: str) -> str:
    """Reduce a text to its letters and digits, without case and accents."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalnum()
    )
