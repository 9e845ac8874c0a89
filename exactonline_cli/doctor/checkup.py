"""One check-up: store and sign-in, division and rights, then what is assumed of Exact Online."""

from __future__ import annotations

import platform
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from exactonline_cli import repository
from exactonline_cli.doctor.account import Account
from exactonline_cli.doctor.assumptions import ASSUMPTIONS, FAILS, HOLDS, NOT_SEEN
from exactonline_cli.doctor.calls import FORBIDDEN, OK, Answer, Calls, NotSeen
from exactonline_client import catalogue, connections
from exactonline_client.divisions import ME, block_reason
from exactonline_client.errors import AccessDenied, ExactOnlineError
from exactonline_client.http import pagination
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import match_all, url
from exactonline_client.plugin.settings import DISTRIBUTION

if TYPE_CHECKING:
    from exactonline_cli.doctor.assumptions import Assumption
    from exactonline_client.catalogue import Endpoint
    from exactonline_client.connection import Connection

GOOD, WARNING, FAILED = "ok", "warning", "failed"
CORE = (
    "accounts",
    "contacts",
    "addresses",
    "items",
    "gl_accounts",
    "journals",
    "financial_periods",
    "vat_codes",
    "payment_conditions",
    "sales_invoices",
    "sales_entries",
    "purchase_entries",
    "bank_entries",
    "cash_entries",
    "general_journal_entries",
    "transaction_lines",
    "sales_orders",
    "documents",
    "projects",
)
"""Streams whose rights are checked, with all their columns; a call each."""
MOST_RIGHTS_ASKED = 6
"""Empty lists of which the user's rights are asked."""
ALLOWED_SKEW = 60
"""Seconds that the clock of this machine may differ without a warning."""
ENDING_DAYS = 7
PRIVATE = 0o077
"""Rights of a file that others must not have."""
PACKAGES = (DISTRIBUTION, "singer-sdk", "SQLAlchemy", "requests", "cryptography")
ME_COLUMNS = "UserID,ServerTime,ServerUtcOffset,CurrentDivision"


@dataclass(frozen=True)
class Finding:
    """Result of a check."""

    name: str
    result: str
    detail: str
    """For the user; may name the company."""
    facts: dict[str, Any] = field(default_factory=dict)
    """For the report: no values of the company."""


@dataclass(frozen=True)
class Verdict:
    """Whether an assumption holds."""

    assumption: Assumption
    verdict: str
    why: str


@dataclass
class Checkup:
    """What has been found so far."""

    connection: Connection
    chosen_division: int | None = None
    findings: list[Finding] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    exit_code: int = 0

    def __post_init__(self) -> None:
        """Limit the calls of the connection."""
        self.calls = Calls(self.connection)
        self.account = Account(self.calls)

    def run(self) -> None:
        """Check everything; an error ends the steps that need what it failed on."""
        self._store()
        self._versions()
        try:
            self._sign_in()
            self._division()
        except ExactOnlineError as error:
            self._fail("sign-in" if self.account.me is None else "division", error)
        if (
            self.account.me is not None
            and self.account.refusal_reason is None
            and not self.exit_code
        ):
            self._rights()
            self._limits()
        self._judge()

    def _fail(self, name: str, error: ExactOnlineError) -> None:
        self.exit_code = self.exit_code or error.exit_code
        self._find(name, FAILED, str(error), error=type(error).__name__)

    def _find(self, name: str, result: str, detail: str, **facts: object) -> None:
        self.findings.append(Finding(name, result, detail, facts))

    # This machine

    def _store(self) -> None:
        store = self.connection.store
        kind = store.url.get_backend_name()
        self._find("store", GOOD, store.name, kind=kind)
        sealed = [one for one in connections.load(store) if one.name == self.connection.name]
        secret = store.decrypt(sealed[0].sealed_secret) if sealed else None
        where = "in a file" if store.key_file.exists() else "in a setting or a keyring"
        self._find("key", GOOD, f"{where}; opens the sign-in", decrypts=secret is not None)
        shared = [
            path
            for path in store.secret_files
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & PRIVATE
        ]
        seen = repository.warning(store)
        if shared:
            names = ", ".join(map(str, shared))
            self._find("files", WARNING, f"Others can read {names}. Run chmod 600 on them.")
        elif seen:
            self._find("files", WARNING, seen, in_git=True)
        else:
            self._find("files", GOOD, "only you can read them")

    def _versions(self) -> None:
        found = {"python": platform.python_version(), "system": platform.system()}
        for package in PACKAGES:
            with suppress(PackageNotFoundError):
                found[package] = version(package)
        shown = ", ".join(f"{name} {number}" for name, number in found.items())
        self._find("versions", GOOD, shown, **found)

    # The account

    def _sign_in(self) -> None:
        connection = self.connection
        expired = connection.tokens.expired_token()
        address = url(ME, {"$select": ME_COLUMNS})
        if expired is not None:
            self.account.expired = self.calls.with_token(expired, address)
        answer = Answer(connection.session.ask(address, None))
        user = connection.me
        self.account.me = answer
        saved = next(
            one for one in connections.load(connection.store) if one.name == connection.name
        )
        left = saved.days_left(connection.clock())
        ends_soon = left is not None and left <= ENDING_DAYS
        self._find(
            "sign-in",
            WARNING if ends_soon else GOOD,
            f"connection {connection.name}, {user['FullName']}; ends if it is not used for "
            f"{left or 0:.0f} days",
            days_left=None if left is None else round(left),
        )
        self._clock(answer)

    def _clock(self, answer: Answer) -> None:
        try:
            there = parsedate_to_datetime(answer.response.headers["Date"])
        except (KeyError, TypeError, ValueError):
            self._find("clock", WARNING, "Exact Online does not say what time it is")
            return
        skew = round((datetime.now(timezone.utc) - there).total_seconds())
        wrong = abs(skew) > ALLOWED_SKEW
        detail = f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Exact Online"
        self._find("clock", WARNING if wrong else GOOD, detail, seconds_ahead=skew)

    def _division(self) -> None:
        current = self.chosen_division or int(self.connection.me["CurrentDivision"])
        try:
            listed = self.connection.divisions
        except AccessDenied as denial:
            if denial.is_of_division:
                self.account.refusal_reason = denial.reason
                raise
            # The app may lack the scope of this list alone.
            self.calls.division = current
            self._find("divisions", WARNING, str(denial))
            return
        name = self.connection.division_name(current)
        row = next(row for row in listed if row["Code"] == current)
        self.calls.division, self.account.country = current, row["Country"]
        blocked = block_reason(row)
        self._find(
            "divisions",
            WARNING if blocked else GOOD,
            f"{len(listed)}; checked: {current} ({name})" + (f", but {blocked}" if blocked else ""),
            count=len(listed),
        )

    def _rights(self) -> None:
        known = catalogue.load()
        asked = 0
        for name in CORE:
            endpoint = known.endpoints[known.streams[name].plain or ""]
            try:
                answer = self.calls.get(self._whole(endpoint))
            except NotSeen:
                continue
            self.account.rights[name] = answer
            if answer.status == FORBIDDEN:
                self.account.denied.append(name)
            elif answer.status == OK and not answer.rows and asked < MOST_RIGHTS_ASKED:
                asked += 1
                may_read = self._may_read(endpoint)
                if may_read is None:
                    asked = MOST_RIGHTS_ASKED  # each refusal counts as an error of the app
                elif not may_read:
                    self.account.hidden.append(name)
        lacking = [*self.account.denied, *self.account.hidden]
        self._find(
            "rights",
            WARNING if lacking else GOOD,
            f"{len(self.account.rights) - len(lacking)} of {len(CORE)} core streams can be read"
            + (f"; not {', '.join(lacking)}" if lacking else ""),
            denied=self.account.denied,
            empty_without_rights=self.account.hidden,
        )

    def _whole(self, endpoint: Endpoint) -> str:
        """Address of one row with all columns, below the division."""
        columns = ",".join(endpoint.columns)
        every = match_all(endpoint, self.calls.division) if endpoint.sync_twin else None
        return url(endpoint.path, {"$select": columns, "$top": "1", "$filter": every})

    def _may_read(self, endpoint: Endpoint) -> bool | None:
        """Whether Exact says that the user may read a list; None if it does not say."""
        name = literal(f"{endpoint.service}/{endpoint.name}", "Edm.String")
        try:
            answer = self.calls.get(
                url("users/UserHasRights", {"endpoint": name, "action": "'GET'"})
            )
        except NotSeen:
            return None
        value = pagination.content(answer.response.content) if answer.status == OK else None
        if isinstance(value, dict):
            value = value.get("results", value)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        values = value.values() if isinstance(value, dict) else ()
        return next((each for each in values if isinstance(each, bool)), None)

    def _limits(self) -> None:
        headers: dict[str, str] = {}
        for answer in self.calls.made.values():
            if answer.status == OK and "X-RateLimit-Remaining" in answer.response.headers:
                headers = dict(answer.response.headers.items())
        found = {name.lower(): value for name, value in headers.items()}
        day, limit = found.get("x-ratelimit-remaining"), found.get("x-ratelimit-limit")
        minute = found.get("x-ratelimit-minutely-limit")
        if day is None:
            self._find("limits", WARNING, "Exact Online does not say how many calls are left")
            return
        self._find(
            "limits",
            GOOD,
            f"{day} of {limit} calls left today; {minute} a minute",
            day_limit=limit,
            minute_limit=minute,
        )

    # The assumptions

    def _judge(self) -> None:
        for assumption in ASSUMPTIONS:
            verdict, why = self._verdict(assumption)
            self.verdicts.append(Verdict(assumption, verdict, why))

    def _verdict(self, assumption: Assumption) -> tuple[str, str]:
        if assumption.judge is None:
            return NOT_SEEN, assumption.why_not
        if not self.calls.division and self.account.refusal_reason is None:
            return NOT_SEEN, "no division could be opened"
        if self.account.refusal_reason is not None and assumption.name != "refused_for":
            return NOT_SEEN, "the division takes no calls"
        try:
            holds, why = assumption.judge(self.account)
        except NotSeen as reason:
            return NOT_SEEN, str(reason)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return NOT_SEEN, f"the answer has another form ({type(error).__name__})"
        return (HOLDS if holds else FAILS), why
