from __future__ import annotations

import contextlib
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.catalogue import load
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.odata.filters import FilterCompiler, parse_filter
from exactonline_sandbox.odata.literals import parse_literal, write_literal

if TYPE_CHECKING:
    from tests.sandbox.conftest import Api

ACCOUNT = {
    "ID": "c8d0f941-973a-4272-aa2b-749886a60ea8",
    "Name": "Café 'De Hoek' (Oost)",
    "Code": "              1001",
    "IsSupplier": True,
    "Blocked": False,
    "SecurityLevel": 10,
    "CreditLineSales": Decimal("12.5"),
    "Modified": datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - a wall clock
}
COMPILER = FilterCompiler(
    load().endpoints["crm/Accounts"].properties, lambda name: lambda row: row.get(name)
)


def holds(text: str) -> bool | None:
    return COMPILER.predicate(parse_filter(text))(ACCOUNT)


@pytest.mark.parametrize(
    "text",
    [
        "ID eq guid'C8D0F941-973A-4272-AA2B-749886A60EA8'",
        "Name eq 'Café ''De Hoek'' (Oost)'",
        "'Café ''De Hoek'' (Oost)' eq Name",
        "SecurityLevel ge 10 and SecurityLevel le 10L",
        "9 lt SecurityLevel",
        "CreditLineSales gt 12.4 and CreditLineSales lt 12.6d",
        "CreditLineSales eq 12.5m",
        "Modified gt datetime'2026-03-29' and Modified le datetime'2026-03-29T02:30:00.000'",
        "IsSupplier",
        "IsSupplier eq true and not Blocked",
        "not (Blocked eq true or SecurityLevel ne 10)",
        "Blocked eq true or IsSupplier eq true and SecurityLevel eq 10",
        "trim(Code) eq '1001'",
        "substringof('hoek',tolower(Name))",
        "startswith(Name, 'Café') eq true and endswith(Name,'(Oost)')",
        "City eq null",
        "Name ne null",
        "((((SecurityLevel eq 10))))",
    ],
)
def test_true(text: str) -> None:
    assert holds(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'café'",
        "SecurityLevel lt 10",
        "(Blocked eq true or IsSupplier eq true) and SecurityLevel eq 11",
        "startswith(Name,'Hoek')",
    ],
)
def test_false(text: str) -> None:
    assert holds(text) is False


@pytest.mark.parametrize("text", ["City eq 'x'", "City ne 'x'", "not (City eq 'x')"])
def test_null_decides_nothing(text: str) -> None:
    assert holds(text) is None


def test_null_on_one_side_leaves_the_other_to_decide() -> None:
    assert holds("City eq 'x' or SecurityLevel eq 10") is True
    assert holds("City eq 'x' and SecurityLevel eq 11") is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Name",
        "Name eq",
        "Name eq 'open",
        "Name eq 'a' and",
        "(Name eq 'a'",
        "Name eq 'a')",
        "Name is 'a'",
        "Name = 'a'",
        "Nope eq 1",
        "Name eq City",
        "Name eq 5",
        "SecurityLevel eq '10'",
        "ID eq 'c8d0f941-973a-4272-aa2b-749886a60ea8'",
        "ID eq guid'dsadsds'",
        "Modified gt datetime'yesterday'",
        "Modified gt datetime'2026-02-30'",
        "SecurityLevel eq 99999999999",
        "SecurityLevel eq 99999999999999999999L",
        "BankAccounts eq null",
        "length(Name) eq 4",
        "startswith(Name)",
        "startswith(Name,5)",
        "SecurityLevel gt null",
        "Name eq trim('a'",
        "1 eq 1",
        "(" * 200 + "Blocked" + ")" * 200,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ApiError) as refusal:
        holds(text)
    assert refusal.value.status == 400
    assert refusal.value.message


@given(st.text())
def test_texts_survive_as_literals(text: str) -> None:
    assert parse_literal(write_literal(text, "Edm.String")).value == text


@given(st.datetimes(datetime(1753, 1, 1), datetime(9999, 1, 1)))  # noqa: DTZ001 - wall clocks
def test_moments_survive_as_literals(moment: datetime) -> None:
    assert parse_literal(write_literal(moment, "Edm.DateTime")).value == moment


@given(st.integers(-(2**63), 2**63 - 1))
def test_long_integers_survive_as_literals(number: int) -> None:
    assert parse_literal(write_literal(number, "Edm.Int64")).value == number


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ApiError):
        parse_filter(text)


def test_unsuffixed_numbers_stop_at_32_bits(shared: Api) -> None:
    path = "sync/CRM/Accounts?$select=ID&$filter=Timestamp gt "
    assert shared.get(path + "1").status_code == 200
    assert shared.get(path + "4100000000L").status_code == 200
    refused = shared.get(path + "4100000000")
    assert refused.status_code == 400
    assert "Edm.Int32" in shared.message(refused)


def test_moments_in_filters_are_on_the_servers_clock(shared: Api) -> None:
    row = shared.rows("crm/Accounts?$select=ID,Modified&$orderby=Modified desc&$top=1")[0]
    shown = datetime.utcfromtimestamp(int(row["Modified"][6:-2]) / 1000)  # noqa: DTZ004
    literal = f"datetime'{shown.isoformat(timespec='milliseconds')}'"
    found = shared.rows(f"crm/Accounts?$select=ID&$filter=Modified eq {literal}")
    assert row["ID"] in {other["ID"] for other in found}
