"""Configuration of a sandbox: apps, users, data, limits, switches and faults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, get_type_hints

if TYPE_CHECKING:
    from datetime import datetime

FIRST_DIVISION = 1_700_001


@dataclass(frozen=True)
class App:
    """An OAuth app registration."""

    client_id: str = "5a0d8f0e-6c0b-4d6e-9a51-0c5a5d6b7e01"
    client_secret: str = "sandbox-secret"  # noqa: S105 - made up; it guards made-up data
    redirect_uris: tuple[str, ...] = ("https://example.com/callback",)
    name: str = "Sandbox app"
    webhook_secret: str = "sandbox-webhook-secret"  # noqa: S105 - as above


@dataclass(frozen=True)
class User:
    """A user who can sign in; without `divisions`, to all of them."""

    user_id: str = "3c6e0b8a-9c15-4c1d-8a6e-2f1d0f4f7c11"
    name: str = "Sanne de Vries"
    email: str = "sanne.devries@example.com"
    divisions: tuple[int, ...] = ()


@dataclass
class Switches:
    """Behaviour that differs between apps, or is unknown: each can be tried both ways."""

    mandatory_filtering: bool = False
    """Lists with a sync twin want a filter on one of their filter fields, and on no other."""
    select_required: tuple[str, ...] = ()
    """Plain endpoints, by id, that want `$select` or `$top=1`; `*` for all of them."""
    refuse_skip: bool = False
    """Refuse `$skip`, as endpoints released after 1 March 2017 do."""
    error_limit: bool = True
    """Block the app after more than ten errors on one endpoint in an hour."""
    bare_unpaged: bool = False
    """Lists without pages, such as most of `read/`, answer with a bare array without `$top` too."""
    expand: bool = True
    """Plain lists honour `$expand`; else they refuse it."""
    bulk_expand: bool = True
    """Bulk endpoints honour `$expand`."""
    header_row_id: str = "invoice"
    """`ID` of a header row in a mixed feed: the key of the document (`invoice`), or its `own`."""
    log_deleted_lines: bool = True
    """Deleting a document of a mixed feed logs its line rows too, not only its header."""
    line_touches_header: bool = True
    """A line that is changed or deleted moves the `Modified` of its header, or of its entry."""
    late_commits: float = 0.0
    """What is changed is only seen in sync feeds so many seconds after it took its rowversion."""
    move_keeps_order: bool = True
    """A move to another database gives rows their new rowversions in the order of the old ones."""
    shuffle_sync_pages: bool = False
    """Rows inside a page of a sync feed come in no particular order."""
    honour_client_keys: bool = False
    """A key in the body of a POST becomes the key of the new row; else it is ignored."""
    strict_mandatory: bool = False
    """Refuse a POST without a property that the documentation calls mandatory."""
    longest_reference: int = 0
    """Characters that a `YourRef` has at most; 0 for any number."""
    long_reference: str = "cut"
    """What becomes of a longer one: it is `cut`, or its document `refused`."""
    kept_reference: str = "whole"
    """How a `YourRef` is kept: `whole`, in `upper` case, with `single` blanks, or `not` at all."""
    sync_timestamp_names: tuple[str, ...] = ()
    """Names that `SyncTimestamp` knows, such as `Accounts`; all where none is given."""
    removed_columns: tuple[str, ...] = ()
    """Columns that there are no longer, such as `vat/VATCodes.Description`."""
    tells_removed_columns: bool = True
    """The refusal of a `$select` that names such a column names it too."""
    denied: tuple[str, ...] = ()
    """What the user has no rights to: entities (`crm/Contacts`, by all their lists), single lists
    (`sync/CRM/Contacts`), services (`crm`)."""
    denied_answer: str = "403"
    """What a list without rights gives: `403`, or an `empty` list."""
    xml_api: bool = True
    """The XML API answers; else it is gone (404)."""
    xml_tells_successes: bool = True
    """The answer to an upload has a message for what went well, not for errors alone."""
    closed_until: str = ""
    """Last period that is closed, such as `2025-12`; entries and match sets may not touch it."""
    sync_sales_sign: str = "same"
    """Amounts of invoices in the sync feed: the `same` as in the plain list, or `negated`."""
    vat_line_number: str = "9999"
    """`LineNumber` of VAT lines of a transaction: `9999`, or the `next` one."""
    credit_note_sign: str = "kept"
    """Positive quantities on a posted credit note: `kept`, or `negated`."""
    posts_year_end: tuple[str, ...] = ("BE",)
    """Countries whose companies close a year by entries (types 326 to 328), in full books."""
    basic_auth: bool = True
    """The token endpoint takes HTTP Basic as well as form fields, as published clients expect."""
    refresh_grace: bool = False
    """A refresh token stays usable until the access token that replaced it is used."""
    tells_expired_tokens: bool = True
    """A 401 for a token that has run out says so in `WWW-Authenticate`."""
    json_layout: str = "wire"
    """JSON as the server writes it (`wire`: with lines, in ASCII), or `compact` in UTF-8."""
    zoned_literals: bool = False
    """`datetime'...Z'` in a filter is taken, as a time of the server's clock; else refused."""
    sync_needs_select: bool = True
    """Sync endpoints want a `$select`."""
    background_seconds: float = 0.0
    """How long the invoicing of sales orders takes, by the sandbox's clock."""
    refused_for: str = ""
    """Every call on a division gets a 403 with this `Reason`; none where it is empty."""
    app_scopes: tuple[str, ...] = ()
    """Scopes of the app, such as `Sales orders`; all where none is given."""


REASONS = (
    "BlockedUser", "InactiveUser", "BlockedCustomer", "LicenseExpired", "DivisionBlocked",
    "NoDivisionAccess",
)  # fmt: skip
"""The `Reason` of a 403 that concerns the user, the customer or the division."""
CHOICES = {
    "header_row_id": ("invoice", "own"),
    "denied_answer": ("403", "empty"),
    "long_reference": ("cut", "refused"),
    "kept_reference": ("whole", "upper", "single", "not"),
    "json_layout": ("wire", "compact"),
    "sync_sales_sign": ("same", "negated"),
    "vat_line_number": ("9999", "next"),
    "credit_note_sign": ("kept", "negated"),
    "refused_for": ("", *REASONS),
}
"""What a switch may be set to, if that is one of a few words."""
_KINDS: dict[type, type | tuple[type, ...]] = {
    bool: bool,
    str: str,
    int: int,
    float: (int, float),
}


def set_switch(switches: Switches, name: str, value: object) -> None:
    """Set a switch.

    Raises:
        ValueError: There is no such switch, or it cannot have this value; the message says why.
    """
    known = sorted(item.name for item in fields(Switches))
    if name not in known:
        raise ValueError(f"There is no switch '{name}'; there are {', '.join(known)}.")
    kind = get_type_hints(Switches)[name]
    fitting = tuple(value) if isinstance(value, list) else value
    wanted = _KINDS.get(kind)
    if wanted and (not isinstance(fitting, wanted) or isinstance(fitting, bool) != (kind is bool)):
        raise ValueError(f"The switch '{name}' takes a {kind.__name__}, not '{fitting}'.")
    if fitting not in CHOICES.get(name, (fitting,)):
        words = ", ".join(word or "nothing" for word in CHOICES[name])
        raise ValueError(f"The switch '{name}' takes one of {words}; not '{fitting}'.")
    setattr(switches, name, fitting)


@dataclass
class FaultRule:
    """A kind of fault, and the calls that it applies to."""

    kind: str
    """`latency`, `status`, `cut`, `lost`, `late`, `unauthorized` or `malformed`."""
    probability: float = 1.0
    times: int | None = None
    """How often it applies at most; no limit where None."""
    method: str | None = None
    path: str | None = None
    """Part of the path of a call; token requests, at `/api/oauth2/token`, only match rules with a
    path."""
    query: str = ""
    """Part of the query of a call, decoded, such as `$orderby=Modified`."""
    division: int | None = None
    skip: int = 0
    """How many matching calls pass before it applies."""
    status: int = 503
    body: bool = False
    """With an error message in the body, for `status`."""
    message: str = ""
    """That message; one of the sandbox's own where it is empty."""
    text: str = ""
    """The whole body, for `status`; with status 200 it takes the place of a right answer."""
    reason: str = ""
    """A header `Reason`, for `status`."""
    handled: bool = False
    """For `status`: the call is handled all the same, as behind a gateway that timed out."""
    seconds: float = 0.0
    """How long: for `latency` in real seconds, for `late` by the sandbox's clock."""


@dataclass(frozen=True)
class SandboxConfig:
    """Configuration of a sandbox; equal settings give equal data."""

    seed: int = 1
    invoices: int = 200
    """Sales invoices in each division."""
    lines_per_invoice: int | None = None
    """Lines on each invoice; one to five where None."""
    purchase_entries: int | None = None
    """Purchase entries in each division; a third of the invoices where None."""
    lines_per_entry: int | None = None
    """Lines on each purchase entry; one to three where None."""
    divisions: int = 1
    clock: datetime | None = None
    """Where the sandbox's time starts; now where None. The newest data are from that day."""
    speed: float = 1.0
    port: int = 0
    """Port on 127.0.0.1; any free one where 0."""
    tls: bool = False
    """Serve https, with a certificate of its own."""
    books: str = "full"
    """How the companies are made: with `simple` bookkeeping, or `full`: currencies, opening
    balances, closed years, payments on both sides, VAT returns. `empty` ones have what full ones
    have before their first document."""
    only: tuple[str, ...] = ()
    """Generate only what these streams need; `sales_invoices` is the one that may be named."""
    minutely_limit: int = 60
    daily_limit: int = 5000
    apps: tuple[App, ...] = (App(),)
    users: tuple[User, ...] = (User(),)
    switches: Switches = field(default_factory=Switches, hash=False)
    faults: tuple[FaultRule, ...] = ()

    @property
    def division_codes(self) -> tuple[int, ...]:
        """The codes of all divisions."""
        return tuple(range(FIRST_DIVISION, FIRST_DIVISION + self.divisions))
