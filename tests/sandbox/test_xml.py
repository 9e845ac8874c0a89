"""The XML API: match sets that are uploaded and downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from defusedxml.ElementTree import fromstring

from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    import requests

    from tests.sandbox.conftest import Api

UPLOAD, DOWNLOAD = "XMLUpload.aspx", "XMLDownload.aspx"


def url(api: Api, page: str, topic: str = "MatchSets", more: str = "") -> str:
    return f"{api.server.base_url}/docs/{page}?Topic={topic}&_Division_={api.division}{more}"


def upload(api: Api, xml: str) -> requests.Response:
    return api.session.post(
        url(api, UPLOAD), data=xml, headers={"Content-Type": "application/xml"}, timeout=20
    )


def messages(answer: requests.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    found = fromstring(answer.content).findall("Messages/Message")
    return [(item.get("type", ""), item.findtext("Description", "")) for item in found]


def downloaded(api: Api, more: str = "") -> Element:
    return fromstring(api.session.get(url(api, DOWNLOAD, more=more), timeout=20).content)


@dataclass
class Books:
    """A customer with an open entry, and a bank statement that pays it."""

    api: Api
    account: str
    code: str
    sale: dict[str, Any]
    bank: dict[str, Any]
    amount: Decimal

    def line(self, entry: dict[str, Any], amount: Decimal | None = None) -> str:
        sale = "Journal" in entry
        signed = (1 if sale else -1) * (self.amount if amount is None else amount)
        journal = entry["Journal"] if sale else entry["JournalCode"]
        return (
            f'<MatchLine finyear="2026" finperiod="3" journal="{journal}" '
            f'entry="{entry["EntryNumber"]}" amountdc="{signed}" />'
        )

    def match_set(self, *lines: str, gl_account: str = "1300", more: str = "") -> str:
        return (
            f'<MatchSet><GLAccount code="{gl_account}" /><Account code="{self.code}" />'
            f"<MatchLines>{''.join(lines)}</MatchLines>{more}</MatchSet>"
        )

    def both(self, amount: Decimal | None = None) -> str:
        return self.match_set(self.line(self.sale, amount), self.line(self.bank, amount))

    def upload(self, *sets: str) -> list[tuple[str, str]]:
        return messages(
            upload(self.api, f"<eExact><MatchSets>{''.join(sets)}</MatchSets></eExact>")
        )

    def is_paid(self) -> bool:
        query = f"$filter=EntryNumber eq {self.sale['EntryNumber']}&$select=IsFullyPaid"
        rows = self.api.rows(f"cashflow/Receivables?{query}")
        return all(row["IsFullyPaid"] for row in rows)


@pytest.fixture
def books(start: Callable[..., Api]) -> Books:
    return make_books(start())


def make_books(api: Api, paid: str = "121.00") -> Books:
    def gl_account(code: str) -> str:
        (row,) = api.rows(f"financial/GLAccounts?$filter=Code eq '{code}'&$select=ID")
        return str(row["ID"])

    account = api.create(
        "crm/Accounts", {"Name": "Betaler", "Status": "C"}, Prefer="return=representation"
    )
    line = {"GLAccount": gl_account("8000"), "AmountFC": 100, "VATCode": "2"}
    sale = api.create(
        "salesentry/SalesEntries",
        {"Customer": account["ID"], "Journal": "70", "SalesEntryLines": [line]},
    )
    payment = {
        "GLAccount": gl_account("1300"), "Account": account["ID"], "AmountFC": float(paid),
    }  # fmt: skip
    bank = api.create(
        "financialtransaction/BankEntries", {"JournalCode": "20", "BankEntryLines": [payment]}
    )
    return Books(api, account["ID"], account["Code"].strip(), sale, bank, Decimal(paid))


def test_matched_items_are_paid_and_can_be_downloaded(books: Books) -> None:
    before = len(downloaded(books.api).findall("MatchSets/MatchSet"))
    assert not books.is_paid()
    assert books.upload(books.both()) == [("2", "Created")]
    assert books.is_paid()
    sets = downloaded(books.api).findall("MatchSets/MatchSet")
    assert len(sets) == before + 1
    last = sets[-1]
    account, ledger = last.find("Account"), last.find("GLAccount")
    assert account is not None
    assert ledger is not None
    assert (ledger.get("code"), account.get("code")) == ("1300", books.code)
    assert [line.get("amountdc") for line in last.iter("MatchLine")] == ["121.00", "-121.00"]


def test_a_body_without_the_outer_element_is_read_too(books: Books) -> None:
    answer = upload(books.api, f"<MatchSets>{books.both()}</MatchSets>")
    assert messages(answer) == [("2", "Created")]


def test_parts_can_be_matched_until_nothing_is_open(books: Books) -> None:
    for part in ("100", "21"):
        assert not books.is_paid()
        assert books.upload(books.both(Decimal(part))) == [("2", "Created")]
    assert books.is_paid()
    ((kind, text),) = books.upload(books.both(Decimal(1)))
    assert kind == "0"
    assert "0.00 is open" in text


def test_each_set_is_judged_by_itself(books: Books) -> None:
    unknown = dict(books.sale, EntryNumber=99999999)
    told = books.upload(
        books.match_set(books.line(unknown), books.line(books.bank)),
        books.match_set(books.line(books.sale), books.line(books.bank), gl_account="8000"),
        books.match_set(books.line(books.sale), books.line(books.bank), gl_account="9999"),
        books.both(),
        books.both(),
    )
    assert [kind for kind, _ in told] == ["0", "0", "0", "2", "0"]
    assert "entry=99999999 Not found!" in told[0][1]
    assert "debtors or creditors" in told[1][1]
    assert "GLAccount 9999" in told[2][1]


def test_a_difference_needs_a_write_off(start: Callable[..., Api]) -> None:
    books = make_books(start(), paid="120.50")
    lines = (books.line(books.sale, Decimal("121.00")), books.line(books.bank))
    ((kind, text),) = books.upload(books.match_set(*lines))
    assert kind == "0"
    assert "0.50 is left" in text
    write_off = '<WriteOff><GLAccount code="4800" /></WriteOff>'
    assert books.upload(books.match_set(*lines, more=write_off)) == [("2", "Created")]
    assert books.is_paid()
    rows = books.api.server.control.truth(books.api.division, "transaction_lines")
    last = max(row["EntryNumber"] for row in rows if row["JournalCode"] == "90")
    booked = {row["GLAccountCode"]: row["AmountDC"] for row in rows if row["EntryNumber"] == last}
    assert booked == {"1300": -0.5, "4800": 0.5}


def test_closed_periods_are_refused(books: Books) -> None:
    books.api.server.control.switches(closed_until="2026-03")
    ((kind, text),) = books.upload(books.both())
    assert kind == "0"
    assert "Not found!" in text
    books.api.server.control.switches(closed_until="2026-02")
    assert books.upload(books.both()) == [("2", "Created")]


def test_what_the_made_statements_paid_is_matched_already(start: Callable[..., Api]) -> None:
    api = start(invoices=20, books="simple")
    paid = [
        row for row in api.server.control.truth(api.division, "receivables") if row["IsFullyPaid"]
    ]
    page = downloaded(api)
    assert len(page.findall("MatchSets/MatchSet")) == len(paid) > 0
    for item in page.iter("MatchSet"):
        assert sum(Decimal(line.get("amountdc", "")) for line in item.iter("MatchLine")) == 0
    topic = page.find("Topics/Topic")
    assert topic is not None
    assert topic.get("count") == str(len(paid))
    rest = downloaded(api, f"&TSPaging={topic.get('ts_d')}")
    assert rest.findall("MatchSets/MatchSet") == []


@pytest.mark.parametrize(
    "body",
    [
        "<eExact",
        "",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="foo"?><a/>',
        '<?xml version="1.0" encoding="utf-7"?><a/>',
    ],
)
def test_what_is_no_xml_is_told(body: str, start: Callable[..., Api]) -> None:
    ((kind, text),) = messages(upload(start(), body))
    assert kind == "0"
    assert "XML error" in text


def test_it_is_counted_and_guarded_like_every_call(start: Callable[..., Api]) -> None:
    api = start(minutely_limit=2)
    headers = api.session.get(url(api, DOWNLOAD), timeout=20).headers
    assert headers["X-RateLimit-Minutely-Remaining"] == "1"
    assert api.session.post(url(api, DOWNLOAD), timeout=20).status_code == 405
    assert api.session.get(url(api, DOWNLOAD), timeout=20).status_code == 429
    api.division = 5
    assert api.session.get(url(api, DOWNLOAD), timeout=20).status_code == 403
    api.session.headers["Authorization"] = "Bearer wrong"
    assert api.session.get(url(api, DOWNLOAD), timeout=20).status_code == 401


def test_it_can_be_gone_and_can_keep_successes_to_itself(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(xml_tells_successes=False))
    books = make_books(api)
    assert books.upload(books.both()) == []
    assert [kind for kind, _ in books.upload(books.both())] == ["0"]
    api.server.control.switches(xml_api=False)
    assert upload(api, "<MatchSets/>").status_code == 404
    assert api.session.get(url(api, DOWNLOAD), timeout=20).status_code == 404


def test_other_topics_are_not_offered(start: Callable[..., Api]) -> None:
    api = start()
    answer = api.session.get(url(api, DOWNLOAD, topic="Invoices"), timeout=20)
    assert [kind for kind, _ in messages(answer)] == ["0"]
