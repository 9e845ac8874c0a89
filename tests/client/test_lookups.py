"""Codes and names are found in few calls, and what was found is remembered for a while."""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from cryptography.fernet import Fernet

from exactonline_client.errors import RequestRefused
from exactonline_client.http.session import Usage
from exactonline_client.lookups import Lookups
from exactonline_client.store.store import Store
from exactonline_client.store.tables import lookups as kept
from exactonline_client.store.tables import postings
from exactonline_client.store.unsupported import RefusedOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.client.conftest import Clock

T = TypeVar("T")
DIVISION = 1
ITEMS, ACCOUNTS, PROJECTS = "logistics/Items", "crm/Accounts", "project/Projects"
PAGES = {"bulk": 1000, "plain": 60}


def key_of(value: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, value))


@dataclass
class Server:
    """Lists of rows that know `Column eq 'value' or ...`; in place of a session."""

    rows: dict[str, list[dict[str, str]]]
    refused: set[str] = field(default_factory=set)
    words: str = "Bad Request - Error in query syntax."
    calls: list[str] = field(default_factory=list)
    base_url: str = "http://127.0.0.1:9"
    usage: Usage = field(default_factory=Usage)

    def read(
        self, address: str, division: int | None, parse: Callable[[requests.Response], T]
    ) -> T:
        assert division == DIVISION
        assert len(address) <= 6000 - len(self.base_url)
        split = urlsplit(address)
        path = split.path.partition(f"/{DIVISION}/")[2]
        self.calls.append(path)
        if path in self.refused:
            raise RequestRefused("No.", status=400, reason=self.words)
        bulk = path.startswith("bulk/")
        name = path.removeprefix("bulk/").lower()
        rows = next(rows for key, rows in self.rows.items() if key.lower() == name)
        query = parse_qs(split.query)
        condition = unquote(query["$filter"][0])
        if " ne guid" not in condition:
            terms = [term.split(" eq ") for term in condition.split(" or ")]
            wanted = {(column, value.strip("'").strip().lower()) for column, value in terms}
            columns = {column for column, _ in terms}
            rows = [
                row
                for row in rows
                if any((column, row[column].strip().lower()) in wanted for column in columns)
            ]
        size = PAGES["bulk" if bulk else "plain"]
        start = int(query.get("$skiptoken", ["0"])[0])
        content: dict[str, object] = {"results": rows[start : start + size]}
        if start + size < len(rows):
            address = address.removeprefix(self.base_url).partition("&$skiptoken")[0]
            content["__next"] = f"{self.base_url}{address}&$skiptoken={start + size}"
        answer = requests.Response()
        answer.status_code = 200
        answer._content = json.dumps({"d": content}).encode()
        return parse(answer)


def codes(number: int, name: str = "C") -> list[dict[str, str]]:
    return [
        {"ID": key_of(f"{name}{each}"), "Code": f"{name}{each:05}", "Description": f"No. {each}"}
        for each in range(number)
    ]


def finder(
    server: Server, store: Store, clock: Clock, hours: float = 24, **options: int
) -> Lookups:
    return Lookups(server, store, "my-app", DIVISION, hours, clock, **options)  # type: ignore[arg-type]


def wanted(*numbers: int) -> list[str]:
    return [f"C{each:05}" for each in numbers]


def test_a_code_is_found_whatever_its_case_and_spaces(store: Store, clock: Clock) -> None:
    rows = [{"ID": key_of("a"), "Code": "             10021", "Name": "Jansen"}]
    found = finder(Server({ACCOUNTS: rows}), store, clock).find(
        ACCOUNTS, "Code", [" 10021", "10022"]
    )
    assert found.keys() == {" 10021"}
    (match,) = found[" 10021"]
    assert (match.key, match.value, match.title) == (key_of("a"), "10021", "10021 Jansen")


def test_several_rows_of_one_name_are_all_told(store: Store, clock: Clock) -> None:
    rows = [
        {"ID": key_of(name), "Code": name, "Name": spelled}
        for name, spelled in (("1", "Jansen"), ("2", "JANSEN"), ("3", "Bos"))
    ]
    server = Server({ACCOUNTS: rows})
    found = finder(server, store, clock).find(ACCOUNTS, "Name", ["jansen"])
    assert [match.title for match in found["jansen"]] == ["1 Jansen", "2 JANSEN"]
    assert finder(server, store, clock).find(ACCOUNTS, "Name", ["Jansen"])["Jansen"]
    assert len(server.calls) == 2


def test_what_was_found_is_asked_again_only_when_it_is_old(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(3)})
    assert finder(server, store, clock, hours=2).find(ITEMS, "Code", wanted(1, 2))
    assert finder(server, store, clock, hours=2).find(ITEMS, "Code", wanted(1, 2))
    assert len(server.calls) == 1
    clock.now += 2 * 3600 + 1
    assert finder(server, store, clock, hours=2).find(ITEMS, "Code", wanted(1))
    assert len(server.calls) == 2


def test_what_was_found_is_kept_under_a_keyed_hash_only(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    rows = [{"ID": key_of("a"), "Code": "10021", "Name": "Jansen Holding"}]
    server = Server({ACCOUNTS: rows})
    assert finder(server, store, clock).find(ACCOUNTS, "Name", ["Jansen Holding"])
    assert finder(server, store, clock).find(ACCOUNTS, "Name", ["JANSEN holding "])
    assert len(server.calls) == 1
    files = b"".join(path.read_bytes() for path in tmp_path.glob("store.db*"))
    assert b"jansen" not in files.lower()
    (row,) = store.read(kept.select())
    assert hashlib.sha256(b"jansen holding").hexdigest() != row.value_hash


def test_what_is_too_old_or_too_much_is_not_kept(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(9)})
    for number in range(4):
        finder(server, store, clock).find(ITEMS, "Code", wanted(number))
        clock.now += 1
    finder(server, store, clock).purge()
    assert len(store.read(kept.select())) == 4
    finder(server, store, clock, max_stored=2).purge()
    assert len(store.read(kept.select())) == 2
    finder(server, store, clock, hours=0).purge()
    assert store.read(kept.select()) == []


def test_a_lost_key_costs_no_more_than_asking_again(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(9)})
    for _ in range(2):
        assert finder(server, store, clock).find(ITEMS, "Code", wanted(1))
    assert len(server.calls) == 1
    with closing(Store(store.url.render_as_string(), Fernet.generate_key().decode())) as other:
        for _ in range(2):
            assert finder(server, other, clock).find(ITEMS, "Code", wanted(1))
    assert len(server.calls) == 2
    assert finder(server, store, clock).find(ITEMS, "Code", wanted(1))
    assert len(server.calls) == 2


def test_what_is_missing_is_asked_again_at_once(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(3)})
    lookups = finder(server, store, clock)
    assert lookups.find(ITEMS, "Code", wanted(7)) == {}
    server.rows[ITEMS] += codes(8)[7:]
    assert lookups.find(ITEMS, "Code", wanted(7)).keys() == {"C00007"}


def test_no_hours_leave_the_store_alone(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(3)})
    lookups = finder(server, store, clock, hours=0)
    assert lookups.find(ITEMS, "Code", wanted(1)) == lookups.find(ITEMS, "Code", wanted(1))
    assert len(server.calls) == 1
    with store.transaction() as connection:
        assert connection.execute(kept.select()).all() == []


def test_the_list_is_read_where_that_is_cheaper(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(900)})
    lookups = finder(server, store, clock)
    assert len(lookups.find(ITEMS, "Code", wanted(*range(0, 900, 2)))) == 450
    assert len(lookups.find(ITEMS, "Code", wanted(*range(1, 900, 2)))) == 450
    assert server.calls == ["bulk/Logistics/Items"]


def test_a_long_list_is_never_read_for_more_than_asking_costs(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(30_000)})
    lookups = finder(server, store, clock)
    for number in range(20):
        assert lookups.find(ITEMS, "Code", wanted(29_999 - number))
    assert len(server.calls) <= 40
    server.calls.clear()
    assert len(
        finder(server, store, clock).find(ITEMS, "Code", wanted(*range(29_000, 29_500)))
    ) == (500)
    assert len(server.calls) <= 7


def test_one_by_one_the_list_is_read_after_all(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(500)})
    lookups = finder(server, store, clock)
    for number in range(500):
        assert lookups.find(ITEMS, "Code", wanted(number))
    assert len(server.calls) == 2


def test_a_thousand_invoices_in_batches_take_few_calls(store: Store, clock: Clock) -> None:
    accounts = [
        {"ID": key_of(str(each)), "Code": str(10_000 + each), "Name": f"Customer {each}"}
        for each in range(200)
    ]
    server = Server({ITEMS: codes(500), ACCOUNTS: accounts})
    lookups = finder(server, store, clock)
    for batch in range(5):
        customers = [str(10_000 + (batch * 37 + each) % 200) for each in range(200)]
        assert len(lookups.find(ACCOUNTS, "Code", customers)) == 200
        items = wanted(*{(batch * 97 + each * 3) % 500 for each in range(200)})
        assert len(lookups.find(ITEMS, "Code", items)) == len(items)
    assert len(server.calls) < 20


def test_a_plain_list_is_asked_a_page_at_a_time(store: Store, clock: Clock) -> None:
    server = Server({PROJECTS: codes(130)})
    assert len(finder(server, store, clock).find(PROJECTS, "Code", wanted(*range(130)))) == 130
    assert server.calls == [PROJECTS] * 3


def test_a_column_that_may_not_be_filtered_is_read_with_its_list(
    store: Store, clock: Clock
) -> None:
    gl_accounts = "financial/GLAccounts"
    server = Server({gl_accounts: codes(1500)})
    lookups = finder(server, store, clock)
    assert lookups.find(gl_accounts, "Code", wanted(1499))
    assert lookups.find(gl_accounts, "Code", wanted(3))
    assert server.calls == ["bulk/Financial/GLAccounts"] * 2


def test_where_the_bulk_list_is_refused_the_plain_one_is_asked(store: Store, clock: Clock) -> None:
    bulk = "bulk/Logistics/Items"
    server = Server({ITEMS: codes(100)}, refused={bulk})
    assert len(finder(server, store, clock).find(ITEMS, "Code", wanted(*range(100)))) == 100
    assert server.calls == [bulk, ITEMS, ITEMS]
    refused = RefusedOptions(store, "my-app", DIVISION, clock)
    assert refused.holds(ITEMS, "bulk $filter")
    server.calls.clear()
    assert finder(server, store, clock, hours=0).find(ITEMS, "Code", wanted(1))
    assert server.calls == [ITEMS]


def test_a_refusal_of_the_moment_by_the_bulk_list_is_not_remembered(
    store: Store, clock: Clock
) -> None:
    bulk = "bulk/Logistics/Items"
    server = Server({ITEMS: codes(100)}, refused={bulk}, words="Try later.")
    assert len(finder(server, store, clock).find(ITEMS, "Code", wanted(*range(100)))) == 100
    server.refused, server.calls = set(), []
    assert finder(server, store, clock, hours=0).find(ITEMS, "Code", wanted(1))
    assert server.calls == [bulk]


def test_a_refusal_by_the_plain_list_is_an_error(store: Store, clock: Clock) -> None:
    server = Server({PROJECTS: []}, refused={PROJECTS})
    with pytest.raises(RequestRefused):
        finder(server, store, clock).find(PROJECTS, "Code", ["x"])


def test_near_codes_are_told(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: codes(30)})
    lookups = finder(server, store, clock)
    assert lookups.find(ITEMS, "Code", ["D00011"]) == {}
    assert "C00011" in lookups.similar(ITEMS, "Code", "D00011")
    assert lookups.similar(ITEMS, "Code", "something else") == []
    assert len(server.calls) == 2


def test_a_new_row_is_remembered_and_a_refused_one_forgotten(store: Store, clock: Clock) -> None:
    server = Server({ITEMS: []})
    lookups = finder(server, store, clock)
    lookups.remember(ITEMS, "Code", "C00001", key_of("new"))
    assert lookups.find(ITEMS, "Code", ["c00001"])["c00001"][0].key == key_of("new")
    assert finder(server, store, clock).find(ITEMS, "Code", wanted(1))
    assert server.calls == []
    lookups.forget([key_of("new"), "unknown"])
    assert lookups.find(ITEMS, "Code", wanted(1)) == {}
    assert finder(server, store, clock).find(ITEMS, "Code", wanted(1)) == {}


def test_what_was_written_here_is_known_by_its_key_elsewhere(store: Store, clock: Clock) -> None:
    row = {
        "app": "my-app",
        "division": DIVISION,
        "entity": ITEMS,
        "stream": "items",
        "payload_hash": "",
        "outcome": "created",
        "at": 0.0,
    }
    rows = [
        {**row, "reference": "1", "source_key": "there-1", "exact_id": "here-1"},
        {**row, "reference": "2", "source_key": "there-2", "exact_id": None},
        {**row, "reference": "3", "source_key": "there-3", "exact_id": "here-3", "division": 2},
    ]
    with store.transaction() as connection:
        connection.execute(postings.insert(), rows)
    server = Server({ITEMS: []})
    found = finder(server, store, clock).written(ITEMS, ["there-1", "there-2", "there-3"])
    assert {key: match.key for key, (match,) in found.items()} == {"there-1": "here-1"}
    assert server.calls == []
