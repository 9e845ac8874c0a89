"""State of a sandbox: clock, tokens, limits, faults, users and companies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exactonline_sandbox.books.company import Author, Company
from exactonline_sandbox.books.profile import profile_of
from exactonline_sandbox.books.tables import Row, Table
from exactonline_sandbox.books.transactions import table_of
from exactonline_sandbox.books.users import division_row, me_row, user_row
from exactonline_sandbox.books.views import View
from exactonline_sandbox.business.matching import Matches
from exactonline_sandbox.business.subscriptions import due_events
from exactonline_sandbox.clock import Clock, tick
from exactonline_sandbox.config import FIRST_DIVISION, SandboxConfig
from exactonline_sandbox.data.copies import filled
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.edm.values import wall_clock
from exactonline_sandbox.faults import Faults
from exactonline_sandbox.limits import CallLimits, ErrorLimit
from exactonline_sandbox.oauth import TokenServer
from exactonline_sandbox.odata.json_layout import LAYOUTS
from exactonline_sandbox.recorder import Recorder
from exactonline_sandbox.reports.tables import REPORTS, report_table
from exactonline_sandbox.schedule import Schedule
from exactonline_sandbox.webhooks import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.config import User
    from exactonline_sandbox.odata.answer import Answer
    from exactonline_sandbox.odata.json_layout import Layout


class World:
    """State of a sandbox, without the web server."""

    def __init__(self, config: SandboxConfig) -> None:
        """Set up the state; the data of a company are generated on first use."""
        self.config = config
        self.switches = replace(config.switches)
        self.clock = Clock(config.clock, config.speed)
        self.schedule = Schedule(self.clock)
        self.started = tick(self.clock.now())
        self.tokens = TokenServer(config, self.clock, self.switches)
        self.limits = CallLimits(config.minutely_limit, config.daily_limit)
        self.errors = ErrorLimit()
        self.faults = Faults(config.faults, config.seed)
        self.recorder = Recorder()
        self.edit_answer: Callable[[str, Answer], Answer] = lambda _path, answer: answer
        """Edits an answer before it is sent, by the path of its call below the division."""
        self.webhooks = Sender()
        self.users = {user.user_id: user_row(user) for user in config.users}
        self._companies: dict[int, Company] = {}
        self._matches: dict[int, Matches] = {}
        self._views: dict[tuple[object, ...], View] = {}
        self._reports: dict[tuple[str, int], tuple[object, Table]] = {}

    def company(self, code: int) -> Company:
        """The data of a division, generated on first use."""
        if code not in self._companies:
            self._companies[code] = filled(code, self.config, self.switches, self.started)
        return self._companies[code]

    def companies(self) -> dict[int, Company]:
        """The divisions whose data were generated."""
        return dict(self._companies)

    def matches(self, company: Company) -> Matches:
        """The match sets of a division."""
        if company.code not in self._matches:
            self._matches[company.code] = Matches(company)
        return self._matches[company.code]

    def may_open(self, user: User, code: int) -> bool:
        """Whether a user may open a division."""
        return code in self.config.division_codes and (not user.divisions or code in user.divisions)

    def whole_user(self, user: User) -> User:
        """The user without the limits of a sign-in."""
        return next(other for other in self.config.users if other.user_id == user.user_id)

    def divisions_of(self, user: User) -> list[int]:
        """The divisions that a user may open."""
        return [code for code in self.config.division_codes if self.may_open(user, code)]

    def send_events(self, base_url: str) -> None:
        """Send what has changed to those who subscribed to it."""
        moment = wall_clock(self.clock.now())
        for company in self._companies.values():
            for row, event in due_events(company, base_url, moment):
                app = self.tokens.app(row["ClientID"])
                if app is not None:
                    address = row["CallbackURL"]
                    self.webhooks.send(address, app.client_id, app.webhook_secret, event)

    @property
    def layout(self) -> Layout:
        """The format of JSON."""
        return LAYOUTS[self.switches.json_layout]

    def author(self, user: User) -> Author:
        """A user at the current time, as the author of a change."""
        return Author(user.user_id, self.clock.now())

    def view(self, endpoint_id: str, company: Company, table: str | None = None) -> View:
        """The view of an endpoint on its table, or on another table."""
        table = table or schema().table_of[endpoint_id]
        key = (endpoint_id, company.code, table, self.switches.sync_sales_sign)
        if key not in self._views:
            self._views[key] = View(schema().endpoints[endpoint_id], table, company, self.users)
        return self._views[key]

    def rows_of(self, endpoint_id: str, company: Company) -> Table:
        """The rows of an endpoint: stored ones, or those of a report as the ledger is now."""
        if endpoint_id not in REPORTS:
            return table_of(company, schema().table_of[endpoint_id])
        today = wall_clock(self.clock.now()).date()
        state = (company.version, today, self.switches.closed_until)
        known, table = self._reports.get((endpoint_id, company.code), (None, None))
        if table is None or known != state:
            table = report_table(endpoint_id, company, today)
            self._reports[endpoint_id, company.code] = (state, table)
        return table

    def user_table(self, endpoint_id: str, user: User, current: int) -> Table:
        """A list that depends on the user, not on the division: `Me`, or the divisions."""
        endpoint = schema().endpoints[endpoint_id]
        is_guid = tuple(endpoint.properties[name].type == "Edm.Guid" for name in endpoint.key)
        table = Table(endpoint_id, endpoint.key, is_guid)
        rows: list[Row]
        if endpoint_id == "current/Me":
            now = self.clock.now()
            offset = wall_clock(now) - now.replace(tzinfo=None)
            own = self.divisions_of(self.whole_user(user))
            rows = [me_row(user, own[0] if own else FIRST_DIVISION, now, offset)]
        else:
            rows = [
                division_row(
                    code,
                    current,
                    self.started,
                    self._companies.get(code),
                    profile_of(code, self.config.books),
                )
                for code in self.divisions_of(user)
            ]
        owner = self.config.users[0].user_id
        for row in rows:
            row.update(Creator=owner, Modifier=owner)
            table.add({name: value for name, value in row.items() if name in endpoint.properties})
        return table
