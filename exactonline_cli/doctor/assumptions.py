"""What the sandbox assumes of Exact Online, and how to see whether it holds for an account.

Each row of `ASSUMPTIONS` is a sentence and a judge. A judge asks for the answers it needs and
returns whether the assumption holds, with a reason that contains no value of the company; it raises
`NotSeen` if the answers do not show it. What only a write could show has no judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from exactonline_cli.doctor.calls import FORBIDDEN, MISSING, OK, REFUSED, UNAUTHORISED, NotSeen
from exactonline_client.http import pagination
from exactonline_client.odata import decoding
from exactonline_client.odata.query import url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exactonline_cli.doctor.account import Account
    from exactonline_cli.doctor.calls import Answer
    from exactonline_client.odata.decoding import Row

    Judgement = tuple[bool, str]
    Judge = Callable[[Account], Judgement]

HOLDS, FAILS, NOT_SEEN = "holds", "does not hold", "not seen"
HEADER_LINE = 0
VAT_LINE = 9999
INVOICE_LOG_TYPE = 13
"""Entity type of sales invoices in the deleted log."""
ENOUGH_DELETIONS = 3
DOCUMENTS = (20, 21, 30, 31)
"""Types of transactions of sales and purchases: entries and credit notes."""
RECENT = timedelta(days=30)
CHANGED_LATER = 60_000
"""Milliseconds between creation and change from which a row counts as changed."""
CLOSES_BY_ENTRIES = {"BE"}
CLOCK_TOLERANCE = 5

INVOICE_COLUMNS = (
    "ID,InvoiceID,LineNumber,Timestamp,AmountDC,Currency,InvoiceNumber,Quantity,Created,Modified"
)
INVOICE_FEED = "sync/SalesInvoice/SalesInvoices"
NO_ROWS = "Timestamp gt 9000000000000000000L"
"""A filter that matches no row of a feed."""
ACCOUNT_FEED = url(
    "sync/CRM/Accounts", {"$filter": "Timestamp gt 0", "$select": "ID,Timestamp,Code,Country"}
)
LEDGER_FEED = url(
    "sync/Financial/TransactionLines",
    {
        "$filter": "Timestamp gt 0",
        "$select": "ID,Timestamp,EntryID,LineNumber,Type,AmountDC,AmountVATBaseFC,Date",
    },
)
DELETED = url(
    "sync/Deleted",
    {"$filter": "Timestamp gt 0", "$select": "ID,Timestamp,EntityType,EntityKey,DeletedDate"},
)
PLAIN_ACCOUNTS = url("crm/Accounts", {"$select": "ID", "$top": "2"})
WHOLE_ROWS = url("financial/Journals", {"$top": "2"})
SKIPPED = url("financial/Journals", {"$select": "ID", "$top": "1", "$skip": "1"})
EXPANDED = url(
    "salesentry/SalesEntries",
    {
        "$select": "EntryID,SalesEntryLines/ID",
        "$expand": "SalesEntryLines",
        "$top": "1",
    },
)
EXPANDED_BULK = url(
    "bulk/SalesInvoice/SalesInvoices",
    {
        "$select": "InvoiceID,SalesInvoiceLines/ID",
        "$expand": "SalesInvoiceLines",
        "$top": "1",
        "$filter": "InvoiceID ne guid'00000000-0000-0000-0000-000000000000'",
    },
)


def _since(literal: str) -> str:
    """Address of one row of a short list, changed since a time."""
    options = {"$select": "ID", "$top": "1", "$filter": f"Modified ge datetime'{literal}'"}
    return url("hrm/Costcenters", options)


WITHOUT_SELECT = url("sync/CRM/Contacts", {"$filter": NO_ROWS})
YEAR_END = url(
    "financialtransaction/TransactionLines",
    {"$select": "ID", "$top": "1", "$filter": "Type ge 326 and Type le 328"},
)
SYNC_NAMES = ("Accounts", "Contacts", "Items", "SalesInvoices", "TransactionLines")


def _start(name: str, since: datetime) -> str:
    return url(
        "read/sync/Sync/SyncTimestamp",
        {"modified": f"datetime'{since:%Y-%m-%dT00:00:00}'", "endPoint": f"'{name}'"},
    )


def _is_served(answer: Answer, subject: str) -> Judgement:
    """Judge an option of the query: served, or refused as unsupported."""
    if answer.status == OK:
        return True, f"{subject}: answered"
    if answer.status == REFUSED and answer.is_about_query:
        return False, f"{subject}: refused (HTTP 400)"
    raise NotSeen(f"{subject}: HTTP {answer.status}")


def _serves(path: str, subject: str) -> Judge:
    return lambda account: _is_served(account.calls.get(path), subject)


def _refuses(path: str, subject: str) -> Judge:
    def judge(account: Account) -> Judgement:
        served, why = _is_served(account.calls.get(path), subject)
        return not served, why

    return judge


def _refuses_zone(account: Account) -> Judgement:
    if account.calls.get(_since("2000-01-01T00:00:00")).status != OK:
        raise NotSeen("the same filter without Z is refused as well")
    status = account.calls.get(_since("2000-01-01T00:00:00Z")).status
    if status not in (OK, REFUSED):
        raise NotSeen(f"HTTP {status}")
    return status == REFUSED, f"HTTP {status}, and without Z 200"


def _serves_whole_rows(account: Account) -> Judgement:
    return _is_served(account.calls.get(WHOLE_ROWS), "a list without $select")


def _invoices(account: Account) -> list[Row]:
    """The oldest rows of the feed of invoices, and those that changed lately."""
    rows = list(account.calls.rows(_invoice_feed(0)))
    try:
        start = account.calls.rows(_start("SalesInvoices", account.now - RECENT))
        rows += account.calls.rows(_invoice_feed(int(start[0]["TimeStampAsBigInt"]) - 1))
    except (NotSeen, KeyError, TypeError, ValueError):
        pass
    return list({row.get("Timestamp"): row for row in rows}.values())


def _invoice_feed(start: int) -> str:
    return url(INVOICE_FEED, {"$filter": f"Timestamp gt {start}L", "$select": INVOICE_COLUMNS})


def _headers(account: Account) -> list[Row]:
    headers = [row for row in _invoices(account) if row.get("LineNumber") == HEADER_LINE]
    if not headers:
        raise NotSeen("the feed of invoices has no header")
    return headers


def _lines(account: Account) -> list[Row]:
    lines = [row for row in _invoices(account) if row.get("LineNumber") != HEADER_LINE]
    if not lines:
        raise NotSeen("the feed of invoices has no line")
    return lines


def _every(rows: Sequence[Row], holds: Callable[[Row], bool], what: str) -> Judgement:
    """Judge by all rows."""
    wrong = sum(not holds(row) for row in rows)
    return not wrong, f"{what}: {len(rows) - wrong} of {len(rows)} rows"


def _header_id(account: Account) -> Judgement:
    return _every(
        _headers(account), lambda row: row["ID"] == row["InvoiceID"], "ID equals InvoiceID"
    )


def _bare_lines(account: Account) -> Judgement:
    own = ("AmountDC", "Quantity")
    given = [row for row in _lines(account) if any(row.get(name) is not None for name in own)]
    if not given:
        raise NotSeen("the lines have no values at all")
    return _every(given, lambda row: row.get("InvoiceNumber") is None, "no number of the invoice")


def _line_touches_header(account: Account) -> Judgement:
    headers = {row["InvoiceID"]: _ms(row, "Modified") for row in _headers(account)}
    changed = [
        row
        for row in _lines(account)
        if row["InvoiceID"] in headers
        and _ms(row, "Modified") > _ms(row, "Created") + CHANGED_LATER
    ]
    if not changed:
        raise NotSeen("no line was changed after it was created, on the pages that were read")
    return _every(
        changed,
        lambda row: headers[row["InvoiceID"]] >= _ms(row, "Modified"),
        "headers of changed lines are as new",
    )


def _ms(row: Row, name: str) -> int:
    try:
        return decoding.milliseconds(row[name])
    except (KeyError, TypeError, ValueError):
        raise NotSeen(f"{name} is not of the form /Date(...)/") from None


def _log_deleted_lines(account: Account) -> Judgement:
    deleted = [
        row
        for row in account.calls.rows(DELETED)
        if str(row.get("EntityType")) == str(INVOICE_LOG_TYPE)
    ]
    ordered = sorted(deleted, key=lambda row: str(row.get("DeletedDate")))
    sizes = [len(list(group)) for _, group in groupby(ordered, itemgetter("DeletedDate"))]
    if len(sizes) < ENOUGH_DELETIONS:
        raise NotSeen(f"fewer than {ENOUGH_DELETIONS} deletions of invoices are logged")
    # A line that was deleted alone has one row too, and invoices deleted together have several.
    together = sum(size > 1 for size in sizes)
    return 2 * together > len(sizes), f"{together} of {len(sizes)} deletions have several rows"


def _in_order(account: Account) -> Judgement:
    pages = [account.calls.get(path) for path in (ACCOUNT_FEED, LEDGER_FEED)]
    pages = [page for page in pages if page.status == OK and len(page.rows) > 1]
    if not pages:
        raise NotSeen("no sync list has two rows")
    stamps = [[int(row["Timestamp"]) for row in page.rows] for page in pages]
    return all(page == sorted(page) for page in stamps), "rows in the order of Timestamp"


def _sync_sales_sign(account: Account) -> Judgement:
    header = next((row for row in _headers(account) if row.get("AmountDC")), None)
    if header is None:
        raise NotSeen("no invoice of the feed has an amount")
    (plain,) = account.calls.rows(
        url(
            "salesinvoice/SalesInvoices",
            {
                "$select": "InvoiceID,AmountDC",
                "$top": "1",
                "$filter": f"InvoiceID eq guid'{header['InvoiceID']}'",
            },
        )
    )
    feed, listed = float(header["AmountDC"]), float(plain.get("AmountDC") or 0)
    if not listed:
        raise NotSeen("the plain list gives that invoice no amount")
    return (feed > 0) == (listed > 0), "sign of one invoice in both lists"


def _vat_lines(account: Account) -> Judgement:
    rows = account.calls.rows(LEDGER_FEED)
    marked = sum(row.get("LineNumber") == VAT_LINE for row in rows)
    if marked:
        return True, f"{marked} of {len(rows)} transaction lines are numbered so"
    vat = sum(bool(row.get("AmountVATBaseFC")) for row in rows)
    if not vat:
        raise NotSeen("no transaction line with a VAT base on the page that was read")
    return False, f"{vat} lines have a VAT base, none is numbered so"


def _year_end(account: Account) -> Judgement:
    if account.country is None:
        raise NotSeen("the country of the company is not known")
    closes = bool(account.calls.get(YEAR_END).rows)
    expected = account.country in CLOSES_BY_ENTRIES
    return closes == expected, f"this company has {'some' if closes else 'none'}"


def _sync_names(account: Account) -> Judgement:
    for number, name in enumerate(SYNC_NAMES):
        status = account.calls.get(_start(name, account.now - RECENT)).status
        if status == REFUSED:
            # The others are not tried: each refusal counts as an error of the app.
            return False, f"{number} names are known, the next is refused"
        if status != OK:
            raise NotSeen(f"HTTP {status}")
    return True, f"{len(SYNC_NAMES)} names are known"


def _unpaged_shape(account: Account) -> Judgement:
    answer = account.calls.get(_start(SYNC_NAMES[0], account.now - RECENT))
    if answer.status != OK:
        raise NotSeen(f"HTTP {answer.status}")
    is_bare = isinstance(pagination.content(answer.response.content), list)
    return not is_bare, "a list in an array" if is_bare else "a list in an object"


def _columns(account: Account) -> Judgement:
    answers = [answer for answer in account.rights.values() if answer.status in (OK, REFUSED)]
    if not answers:
        raise NotSeen("no list could be read")
    served = sum(answer.status == OK for answer in answers)
    return served == len(answers), f"all columns: {served} of {len(answers)} lists"


def _names_column(account: Account) -> Judgement:
    refused = [answer for answer in account.rights.values() if answer.status == REFUSED]
    if not refused:
        raise NotSeen("no list lacks a column")
    named = sum(answer.unknown_column is not None for answer in refused)
    return named == len(refused), f"{named} of {len(refused)} refusals name it"


def _mandatory_filter(account: Account) -> Judgement:
    return _is_served(account.calls.get(PLAIN_ACCOUNTS), "a list with a sync twin, unfiltered")


def _has_rights(account: Account) -> Judgement:
    denied = [*account.denied, *account.hidden]
    if not account.rights:
        raise NotSeen("no list could be read")
    return not denied, f"{len(account.rights) - len(denied)} of {len(account.rights)} lists"


def _denial(account: Account) -> Judgement:
    if account.hidden:
        return False, "a list without rights is empty"
    if not account.denied:
        raise NotSeen("the user may read all lists that were tried")
    return True, "a list without rights answers HTTP 403"


def _denial_text(account: Account) -> Judgement:
    denied = [account.rights[name] for name in account.denied]
    if not denied:
        raise NotSeen("nothing was denied")
    return all(answer.message.startswith("Forbidden") for answer in denied), "begins with it"


def _scopes(account: Account) -> Judgement:
    outside = [
        answer
        for answer in account.rights.values()
        if answer.status == FORBIDDEN and "scope" in answer.message.lower()
    ]
    if not account.rights:
        raise NotSeen("no list could be read")
    return not outside, f"{len(outside)} lists are outside the scopes of the app"


def _opens(account: Account) -> Judgement:
    if account.refusal_reason is None:
        return True, "the division answers"
    return False, f"every call is refused with Reason {account.refusal_reason}"


def _xml(account: Account) -> Judgement:
    path = f"/docs/XMLDownload.aspx?Topic=MatchSets&_Division_={account.calls.division}"
    answer = account.calls.get(path, xml=True)
    if answer.status not in (OK, MISSING):
        raise NotSeen(f"HTTP {answer.status}")
    return answer.status == OK, f"HTTP {answer.status}"


def _expired(account: Account) -> Answer:
    if account.expired is None:
        raise NotSeen("the stored access token had not expired; try again in an hour")
    if account.expired.status != UNAUTHORISED:
        raise NotSeen(f"an expired access token gave HTTP {account.expired.status}")
    return account.expired


def _tells_expired(account: Account) -> Judgement:
    answer = _expired(account).response
    told = "expired" in answer.headers.get("WWW-Authenticate", "")
    return told, f"WWW-Authenticate {'says' if told else 'does not say'} so"


def _empty_401(account: Account) -> Judgement:
    return not _expired(account).response.content.strip(), "body of a 401"


def _layout(account: Account) -> Judgement:
    body = account.calls.get(PLAIN_ACCOUNTS).response.content
    return b"\n" in body.strip() and body.isascii(), "lines, and ASCII alone"


def _refusal_headers(account: Account) -> Judgement:
    refused = [a for a in account.calls.made.values() if a.status in (REFUSED, FORBIDDEN)]
    if not refused:
        raise NotSeen("no call was refused")
    silent = all("X-RateLimit-Remaining" not in answer.response.headers for answer in refused)
    return silent, f"{len(refused)} refusals"


def _limit_headers(account: Account) -> Judgement:
    served = [
        a for key, a in account.calls.made.items() if a.status == OK and not key.startswith("/")
    ]
    if not served:
        raise NotSeen("no call was answered")
    names = [f"X-RateLimit-{kind}{end}" for kind in ("", "Minutely-") for end in ("Limit", "Reset")]
    return all(set(names) <= {*_titled(a)} for a in served), f"{len(served)} answers"


def _titled(answer: Answer) -> Iterable[str]:
    names = {"x-ratelimit-limit", "x-ratelimit-reset"}
    names |= {"x-ratelimit-minutely-limit", "x-ratelimit-minutely-reset"}
    found = {name.lower() for name in answer.response.headers}
    return (name.title().replace("Ratelimit", "RateLimit") for name in names & found)


def _padded(account: Account) -> Judgement:
    widths = {len(row["Code"]) for row in account.calls.rows(ACCOUNT_FEED) if row.get("Code")}
    if not widths:
        raise NotSeen("no account has a code")
    return len(widths) == 1, f"{len(widths)} different widths"


def _rowversions(account: Account) -> Judgement:
    rows = account.calls.rows(ACCOUNT_FEED)
    return _every(rows, lambda row: isinstance(row["Timestamp"], str), "Timestamp is a text")


def _dates(account: Account) -> Judgement:
    rows = account.calls.rows(LEDGER_FEED)
    days = [row["Date"] for row in rows if row.get("Date")]
    if not days:
        raise NotSeen("no transaction line has a date")
    try:
        whole = [decoding.milliseconds(day) % 86_400_000 == 0 for day in days]
    except (TypeError, ValueError):
        return False, "a date is not of the form /Date(...)/"
    return all(whole), f"{sum(whole)} of {len(whole)} dates are whole days"


def _wall_clock(account: Account) -> Judgement:
    if account.me is None:
        raise NotSeen("Me was not read")
    row = next(iter(account.me.rows), {})
    try:
        told = parsedate_to_datetime(account.me.response.headers["Date"])
        wall = datetime.fromisoformat(str(row["ServerTime"]))
        offset = timedelta(seconds=float(row["ServerUtcOffset"]))
    except (KeyError, TypeError, ValueError):
        raise NotSeen("Me has no readable ServerTime and ServerUtcOffset") from None
    if wall.tzinfo is not None:
        return False, "ServerTime has a zone"
    utc = wall.replace(tzinfo=timezone.utc) - offset
    return abs((utc - told).total_seconds()) <= CLOCK_TOLERANCE, "ServerTime against Date"


def _first_line(account: Account) -> Judgement:
    rows = [row for row in account.calls.rows(LEDGER_FEED) if row.get("Type") in DOCUMENTS]
    entries: dict[str, set[Any]] = {}
    for row in rows:
        entries.setdefault(row["EntryID"], set()).add(row.get("LineNumber"))
    # The page may end in the middle of an entry.
    entries.pop(rows[-1]["EntryID"], None) if rows else None
    if not entries:
        raise NotSeen("no whole transaction on the page that was read")
    first = sum(HEADER_LINE in numbers for numbers in entries.values())
    return first == len(entries), f"{first} of {len(entries)} sales and purchases have a line 0"


@dataclass(frozen=True)
class Assumption:
    """What the sandbox assumes; `judge` is None if only a write could show it."""

    name: str
    """The switch of the sandbox, if there is one for it."""
    sentence: str
    judge: Judge | None
    why_not: str = ""
    """Without a judge: why it cannot be seen by reading."""


def _by_writing(name: str, sentence: str, why: str) -> Assumption:
    return Assumption(name, sentence, None, why)


WRITE = "only a write shows it, and the check-up writes nothing"
ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption("refused_for", "The division takes calls.", _opens),
    Assumption("denied", "The user may read the core lists.", _has_rights),
    Assumption("denied_answer", "A list without rights answers 403, not an empty list.", _denial),
    Assumption("denial_text", "A 403 for missing rights says Forbidden.", _denial_text),
    Assumption("app_scopes", "The app has the scopes of the core lists.", _scopes),
    Assumption("mandatory_filtering", "Lists with a sync twin need no filter.", _mandatory_filter),
    Assumption("select_required", "Plain lists need no $select.", _serves_whole_rows),
    Assumption("refuse_skip", "$skip is served.", _serves(SKIPPED, "$skip")),
    Assumption("bare_unpaged", "A list without pages is inside an object.", _unpaged_shape),
    Assumption("expand", "Plain lists honour $expand.", _serves(EXPANDED, "$expand")),
    Assumption(
        "bulk_expand", "Bulk lists honour $expand.", _serves(EXPANDED_BULK, "$expand on bulk")
    ),
    Assumption(
        "sync_needs_select", "Sync lists need a $select.", _refuses(WITHOUT_SELECT, "no $select")
    ),
    Assumption(
        "zoned_literals",
        "A date-time with Z in a filter is refused.",
        _refuses_zone,
    ),
    Assumption("shuffle_sync_pages", "Rows of a sync page come in order.", _in_order),
    Assumption("header_row_id", "The ID of a header row is that of its invoice.", _header_id),
    Assumption("line_rows", "A line row has no values of its header but the key.", _bare_lines),
    Assumption(
        "line_touches_header",
        "Changing a line changes the header's Modified.",
        _line_touches_header,
    ),
    Assumption("log_deleted_lines", "Deleting an invoice logs its lines too.", _log_deleted_lines),
    Assumption("sync_timestamp_names", "SyncTimestamp knows the sync lists.", _sync_names),
    Assumption("removed_columns", "Every column of the catalogue exists.", _columns),
    Assumption("tells_removed_columns", "A refusal of an unknown column names it.", _names_column),
    Assumption("sync_sales_sign", "Invoices have one sign in both lists.", _sync_sales_sign),
    Assumption("vat_line_number", "VAT lines have line number 9999.", _vat_lines),
    Assumption(
        "first_line", "Line 0 of a sale or purchase is the side of the account.", _first_line
    ),
    Assumption("posts_year_end", "Belgian companies alone end a year by entries.", _year_end),
    Assumption("xml_api", "The XML API answers.", _xml),
    Assumption("tells_expired_tokens", "A 401 for an expired token says so.", _tells_expired),
    Assumption("empty_401", "A 401 has an empty body.", _empty_401),
    Assumption("json_layout", "JSON comes in lines and in ASCII.", _layout),
    Assumption("limit_headers", "Answers give the limits in headers.", _limit_headers),
    Assumption("refusal_headers", "A refused call shows no limits.", _refusal_headers),
    Assumption("padded_codes", "Codes of accounts have one width.", _padded),
    Assumption("rowversions", "Timestamp is sent as a text.", _rowversions),
    Assumption("dates", "Dates are whole days, without a zone.", _dates),
    Assumption("wall_clock", "ServerTime is local time of the server.", _wall_clock),
    _by_writing("error_limit", "Ten errors in an hour block the app.", "it would block the app"),
    _by_writing(
        "basic_auth", "The token endpoint takes HTTP Basic.", "trying it spends the refresh token"
    ),
    _by_writing(
        "refresh_grace",
        "A spent refresh token is refused at once.",
        "trying it could end the sign-in",
    ),
    _by_writing(
        "late_commits",
        "A change shows in the sync list at once.",
        "a row has to change while it is looked for",
    ),
    _by_writing(
        "move_keeps_order",
        "A move to another database keeps the order of rows.",
        "the company has to be moved between two runs",
    ),
    _by_writing("honour_client_keys", "A key in a POST is ignored.", WRITE),
    _by_writing("strict_mandatory", "A POST may lack mandatory properties.", WRITE),
    _by_writing("longest_reference", "A YourRef may have any length.", WRITE),
    _by_writing("long_reference", "A longer YourRef is cut.", WRITE),
    _by_writing("kept_reference", "A YourRef is kept as it is.", WRITE),
    _by_writing("xml_tells_successes", "An upload reports what went well.", WRITE),
    _by_writing("closed_until", "A closed period takes no entries.", WRITE),
    _by_writing("credit_note_sign", "Quantities of a credit note keep their sign.", WRITE),
    _by_writing("background_seconds", "Orders are invoiced at once.", WRITE),
)
"""In the order of the output. Names of switches are those of the sandbox."""
