"""Load match sets: many in one upload, each of them once, whatever happened before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
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
from target_exactonline.load import decide
from target_exactonline.load.decide import Action, Found, Known
from target_exactonline.load.journal import Intent, Overtaken
from target_exactonline.load.recall import link_repeats, recall
from target_exactonline.match_sets import file
from target_exactonline.match_sets.model import (
    ENTITY,
    TOPIC,
    MatchSet,
    document,
    identity,
    read,
    refusals,
)
from target_exactonline.results.discretion import values
from target_exactonline.results.outcome import Outcome, Result
from target_exactonline.results.reasons import (
    CONTRADICTING_SET,
    LOST_SET,
    MATCHED_SET,
    UNLISTED_SET,
    UNREPORTED_SET,
    WRITTEN_BEFORE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from exactonline_client.connection import Connection
    from exactonline_client.http.xml import Message
    from target_exactonline.load.case import Case
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.results.results import Results

    SetCase: TypeAlias = Case[MatchSet]

logger = logging.getLogger(__name__)

GONE = (404, 410)


@dataclass(kw_only=True)
class MatchSetLoader:
    """Uploads the match sets of one division."""

    connection: Connection
    division: int
    results: Results
    journal: Journal
    path: str | None
    """File for sets that Exact does not take by itself; None for the usual one."""
    put_off: PutOff[MatchSet]
    dry_run: bool
    most_failures: int | None
    """Stop at this many records that were rejected or are in doubt."""
    check_stop: Callable[[], None]
    """Called before each batch; raises to end the load there."""
    check_codes: Callable[[Sequence[MatchSet]], None]
    """Adds problems to sets with unknown codes, for a dry run; Exact Online checks an upload."""
    unavailable: str = ""
    """Why this run sends nothing more."""

    def load(self, stream: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Load a batch; each result is durable before the load goes on.

        Raises:
            RecordsRejected: `most_failures` is reached.
            The errors of `Session.get` and `Session.write` that are not about the sets.
        """
        self._take(stream, [read(record) for record in records])

    def finish(self) -> None:
        """Settle what was put off.

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
        """Report what was put off as being in doubt; the journal holds it already."""
        for stream, item in self.put_off.items:
            self.results.note(_result(stream, item, Outcome(Status.IN_DOUBT, reason=LOST_SET)))
        self.put_off.items.clear()

    # The steps of a batch

    def _take(self, stream: str, sets: Sequence[MatchSet]) -> None:
        # Two runs that load the same records at once must not both find a reference new.
        with self.connection.store.lock(f"load-{TOPIC}-{self.division}"):
            self.check_stop()
            cases = recall(self.journal, ENTITY, stream, sets)
            link_repeats(cases)
            self._load([case for case in cases if case.first is None])
            repeats = [(case, case.first) for case in cases if case.first]
            self._settle((case, _repeated(case, first)) for case, first in repeats)

    def _load(self, cases: Sequence[SetCase]) -> None:
        """Load sets of which no two have one reference."""
        for case in cases:
            outcome = case.outcome or _settled(case)
            if outcome:
                self._settle([(case, outcome)])
        left = [case for case in cases if case.outcome is None]
        new = [case for case in left if not case.is_doubtful]
        new += self._look_again([case for case in left if case.is_doubtful])
        if self.dry_run:
            self.check_codes([case.document for case in new])
            self._settle((case, _settled(case) or Outcome(Status.CREATED)) for case in new)
        elif new:
            self._send(new)

    def _look_again(self, doubtful: Sequence[SetCase]) -> list[SetCase]:
        """Decide on sets that were sent without an answer; return those to be sent again."""
        present = self._present(doubtful)
        by_action: dict[Action, list[SetCase]] = {}
        for case in doubtful:
            facts = replace(
                decide.facts_of(case),
                # A set is found by its content.
                same=True,
                found=_found(case, present),
                over=case.posting is not None and self.put_off.is_over(case.posting),
            )
            by_action.setdefault(decide.first(decide.BY_SEARCH, facts), []).append(case)
        unlisted = Outcome(Status.IN_DOUBT, reason=UNLISTED_SET)
        self._settle((case, unlisted) for case in by_action.get(Action.ASK_USER, []))
        for case in by_action.get(Action.WAIT, []):
            self._put_off([case], case.sent_at)
        self._settle((case, _made(case)) for case in by_action.get(Action.ADOPT, []))
        return by_action.get(Action.CREATE, [])

    def _put_off(self, cases: Sequence[SetCase], sent_at: float) -> None:
        """Leave sets in doubt for the end of the run, if this is not the end."""
        if self.put_off.has_waited or self.dry_run:
            in_doubt = Outcome(Status.IN_DOUBT, reason=LOST_SET)
            self._settle((case, in_doubt) for case in cases)
            return
        for case in cases:
            self.put_off.add(case.stream, case.document, sent_at)

    def _present(self, cases: Sequence[SetCase]) -> set[str] | None:
        """References of the sets that are at Exact; None if they cannot be listed."""
        if not cases:
            return set()
        try:
            return self._download(cases)
        except (AccessDenied, RequestRefused, Unavailable, UnexpectedAnswer) as error:
            logger.warning("The match sets at Exact Online cannot be listed: %s", error)
            if isinstance(error, AccessDenied) or getattr(error, "status", None) in GONE:
                self.unavailable = str(error)
            return None

    def _download(self, cases: Sequence[SetCase]) -> set[str]:
        missing = {case.name: identity(case.document.element()) for case in cases}
        present = set()
        for page in xml.download(self.connection.session, self.division, TOPIC):
            for there in map(identity, page.iter("MatchSet")):
                same = [
                    reference
                    for reference, (accounts, lines) in missing.items()
                    # A write-off is one more of the lines.
                    if accounts == there[0] and lines <= there[1]
                ]
                for reference in same:
                    present.add(reference)
                    del missing[reference]
            if not missing:
                break
        return present

    # Sending

    def _send(self, cases: Sequence[SetCase]) -> None:
        if self.unavailable:
            self._keep_for_hand(cases)
            return
        now = self.journal.clock()
        mine: list[SetCase] = []
        others: list[SetCase] = []
        for case in cases:
            is_mine = self.journal.intend(_intent(case), case.posting)
            (mine if is_mine else others).append(case)
        if mine:
            self._upload(mine, now)
        self._again(others)

    def _again(self, cases: Sequence[SetCase]) -> None:
        """Decide anew on sets that another run is at."""
        if not cases:
            return
        known = self.journal.known(ENTITY, [case.name for case in cases])
        for case in cases:
            case.posting = known.get(case.name)
        self._load(cases)

    def _upload(self, cases: Sequence[SetCase], intended_at: float) -> None:
        upload = document(case.document.element() for case in cases)
        references = [case.name for case in cases]
        confirm = partial(self.journal.confirm, ENTITY, references, intended_at)
        try:
            messages = xml.upload(self.connection.session, self.division, TOPIC, upload, confirm)
        except Overtaken:
            self._withdraw(cases)
            self._again(cases)
        except InDoubt as doubt:
            self._find_out(cases, str(doubt))
        except (AccessDenied, RequestRefused) as refusal:
            self._refuse(cases, refusal)
        except ExactOnlineError as error:
            if error.not_carried_out:
                self._withdraw(cases)
            else:
                self._doubt(cases, str(error))
            raise
        else:
            self._read_answer(cases, messages)

    def _withdraw(self, cases: Sequence[SetCase]) -> None:
        for case in cases:
            self.journal.withdraw(_intent(case), case.posting)

    def _doubt(self, cases: Sequence[SetCase], reason: str) -> None:
        for case in cases:
            self.journal.doubt(ENTITY, case.name, reason)

    def _find_out(self, cases: Sequence[SetCase], reason: str) -> None:
        """Search for sets that were sent just now without an answer."""
        # Durable first: the search may fail as well.
        self._doubt(cases, reason)
        present = self._present(cases) or set()
        self._settle((case, _made(case)) for case in cases if case.name in present)
        lost = [case for case in cases if case.name not in present]
        self._put_off(lost, self.journal.clock())

    def _refuse(self, cases: Sequence[SetCase], refusal: AccessDenied | RequestRefused) -> None:
        """Settle the sets of an upload of which nothing was carried out."""
        if not isinstance(refusal, AccessDenied) and refusal.status not in GONE:
            rejected = Outcome(Status.REJECTED, reason=str(refusal))
            self._settle((case, rejected) for case in cases)
            return
        self.unavailable = str(refusal)
        try:
            self._keep_for_hand(cases)
        except ConfigurationError:
            self._withdraw(cases)
            raise

    def _read_answer(self, cases: Sequence[SetCase], messages: Sequence[Message]) -> None:
        """Settle the sets of an upload by its answer."""
        refused = refusals([case.document for case in cases], messages)
        present = self._present([case for case in cases if case.name in refused]) or set()
        # A set that Exact refuses because it has it already was not made by this upload; if the
        # answer does not tell one set from another, that cannot be known.
        had = Status.EXISTS if len(messages) == len(cases) else Status.CREATED
        settled: list[tuple[SetCase, Outcome]] = []
        unreported: list[SetCase] = []
        for case in cases:
            reason = refused.get(case.name)
            if reason is None or case.name in present:
                settled.append((case, _made(case, Status.CREATED if reason is None else had)))
            elif reason and not server_faults.is_server_fault(reason):
                settled.append((case, Outcome(Status.REJECTED, reason=reason)))
            else:
                self._doubt([case], reason or UNREPORTED_SET)
                unreported.append(case)
        self._settle(settled)
        self._put_off(unreported, self.journal.clock())

    def _keep_for_hand(self, cases: Sequence[SetCase]) -> None:
        """Write sets to a file that a user can upload."""
        path = file.add(self.path, self.division, [case.document.element() for case in cases])
        reason = (
            f"Exact Online did not take it ({self.unavailable.rstrip('.')}). It was added to "
            f"{path}: upload that file in Exact Online under Import/Export, XML, topic Match sets, "
            "and remove it afterwards"
        )
        self._settle((case, Outcome(Status.SKIPPED, reason=reason)) for case in cases)

    # Outcomes

    def _settle(self, outcomes: Iterable[tuple[SetCase, Outcome]]) -> None:
        """Make outcomes durable, then report them."""
        settled = [*outcomes]
        for case, outcome in settled:
            case.outcome = outcome
            if not self.dry_run and not case.is_forgotten:
                self._note(case, outcome)
        for case, outcome in settled:
            if self.dry_run:
                status = WOULD.get(outcome.status, outcome.status)
                outcome = Outcome(status, reason=outcome.reason)  # noqa: PLW2901
            result = _result(case.stream, case.document, outcome)
            self.results.report(result, self.most_failures)

    def _note(self, case: SetCase, outcome: Outcome) -> None:
        item = case.document
        failed = item.problems or outcome.reason == CONTRADICTING_SET
        is_there = case.posting is not None and case.posting.is_there
        if (is_there or outcome.status == Status.UNCHANGED) and not failed:
            if case.has_failed_version:
                self.journal.forget(ENTITY, beside(case.name))
            return
        self.journal.settle(
            _result(case.stream, item, outcome),
            item.record,
            "" if item.problems else item.payload_hash,
            before=case.posting,
            looked=not failed,
        )


def _settled(case: SetCase) -> Outcome | None:
    """Give the outcome of a set by its record and its posting; None if it has to be sent."""
    if case.document.problems:
        return Outcome(Status.REJECTED, reason="; ".join(case.document.problems))
    known = decide.first(decide.BY_JOURNAL, decide.facts_of(case))
    if known is Known.LOOK:
        return None
    if known is Known.CHANGED:
        return Outcome(Status.SKIPPED, reason=MATCHED_SET)
    if case.posting and case.posting.outcome == Status.EXISTS:
        return Outcome(Status.EXISTS)
    return Outcome(Status.UNCHANGED, detail=WRITTEN_BEFORE)


def _repeated(case: SetCase, first: SetCase) -> Outcome:
    """Give the outcome of a record whose reference an earlier one of the batch has."""
    if case.outcome:
        return case.outcome
    case.posting = first.posting
    if case.document.payload_hash != first.document.payload_hash:
        return Outcome(Status.REJECTED, reason=CONTRADICTING_SET)
    outcome = first.outcome or Outcome(Status.IN_DOUBT, reason=LOST_SET)
    return Outcome(Status.UNCHANGED) if outcome.status == Status.CREATED else outcome


def _found(case: SetCase, present: set[str] | None) -> Found:
    if present is None:
        return Found.NO_SEARCH
    return Found.ONE if case.name in present else Found.NOTHING


def _intent(case: SetCase) -> Intent:
    item = case.document
    return Intent(case.stream, ENTITY, case.name, item.payload_hash, item.record)


def _result(stream: str, item: MatchSet, outcome: Outcome) -> Result:
    return Result(stream, ENTITY, item.reference, outcome, partial(values, item.record))


def _made(case: SetCase, status: Status = Status.CREATED) -> Outcome:
    return Outcome(status, payload_hash=case.document.payload_hash)
