"""What is sent and how odd answers are taken, against a server that answers as a test says."""

from __future__ import annotations

import json
import re
import signal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug import Request, Response

from exactonline_client.errors import AccessDenied, RecordsRejected, Unavailable

if TYPE_CHECKING:
    import pytest
    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Record, Runner

INVOICES = "/api/v1/1/salesinvoice/SalesInvoices"
PRINTED = "/api/v1/1/salesinvoice/PrintedSalesInvoices"
ANYONE = "a0b1c2d3-0000-4000-8000-00000000000a"
KEY = "a0b1c2d3-0000-4000-8000-0000000000ff"


def invoice(reference: str, **fields: Any) -> Record:
    lines = [{"Item": ANYONE, "Quantity": 1}]
    return {"YourRef": reference, "OrderedBy": ANYONE, "SalesInvoiceLines": lines, **fields}


def page(*rows: dict[str, str]) -> dict[str, object]:
    return {"d": {"results": list(rows)}}


def created(reference: str) -> dict[str, object]:
    return {"d": {"InvoiceID": KEY, "YourRef": reference}}


def posts(httpserver: HTTPServer) -> list[Request]:
    return [
        request for request, _ in httpserver.log
        if request.method == "POST" and request.path == INVOICES
    ]  # fmt: skip


def test_the_body_is_json_of_the_api_s_types(httpserver: HTTPServer, wire_runner: Runner) -> None:
    httpserver.expect_request(INVOICES, "GET").respond_with_json({"d": []})
    httpserver.expect_request(INVOICES, "POST").respond_with_json(created("w"), 201)
    codes = [{"ID": KEY, "Code": "5  "}]
    httpserver.expect_request("/api/v1/1/vat/VATCodes").respond_with_json({"d": codes})
    line = {"item": ANYONE.upper(), "net_price": "0.10", "quantity": 3.0, "vat_code": 5}
    wire_runner.load(
        invoice("w", order_date="2026-06-25T00:00:00Z", sales_invoice_lines=[line])
        | {"SalesInvoiceLines": None}
    )
    (sent,) = posts(httpserver)
    assert sent.get_data() == (
        b'{"OrderDate":"2026-06-25","OrderedBy":"%(id)s","SalesInvoiceLines":[{"Item":"%(id)s",'
        b'"NetPrice":0.1,"Quantity":3,"VATCode":"5"}],"YourRef":"w"}' % {b"id": ANYONE.encode()}
    )
    assert sent.content_type == "application/json"
    assert sent.headers["Prefer"] == "return=representation"


def test_half_a_character_in_a_refusal_is_kept_as_every_other_reason(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    httpserver.expect_request(INVOICES, "GET").respond_with_json({"d": []})
    refusal = (
        '{"error": {"code": "", "message": {"lang": "", "value": "Onbekend: \\ud83d\\u0000"}}}'
    )
    httpserver.expect_request(INVOICES, "POST").respond_with_data(refusal, 500)
    load = wire_runner.load(invoice("half"))
    assert isinstance(load.error, RecordsRejected)
    (reason,) = load.reasons
    assert "Onbekend: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}" in str(reason)


def test_long_and_odd_references_stay_within_the_longest_address(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    references = [f"{number} O'Neil & <Söhne> + 100% #{'€' * 40}" for number in range(60)]
    asked: list[str] = []

    def answer(request: Request) -> Response:
        assert len(request.url.encode()) <= 6000
        assert request.args["$select"] == "InvoiceID,YourRef"
        terms = re.findall(r"YourRef eq '((?:[^']|'')*)'", request.args["$filter"])
        asked.extend(term.replace("''", "'") for term in terms)
        rows = [{"InvoiceID": KEY, "YourRef": term.replace("''", "'")} for term in terms]
        return Response(json.dumps({"d": rows}), content_type="application/json")

    httpserver.expect_request(INVOICES, "GET").respond_with_handler(answer)
    load = wire_runner.load(*(invoice(reference) for reference in references))
    assert load.error is None
    assert load.outcomes == [(reference, "exists") for reference in references]
    assert asked == references
    assert not posts(httpserver)


def test_a_search_follows_every_page(httpserver: HTTPServer, wire_runner: Runner) -> None:
    first = page({"InvoiceID": KEY, "YourRef": "p-1"})
    first["d"]["__next"] = httpserver.url_for(INVOICES) + "?$skiptoken=1"  # type: ignore[index]
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(first)
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(
        page({"InvoiceID": KEY, "YourRef": "p-2"})
    )
    load = wire_runner.load(invoice("p-1"), invoice("p-2"))
    assert load.outcomes == [("p-1", "exists"), ("p-2", "exists")]


def test_an_unreadable_answer_to_a_post_leads_to_a_search(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_data("<html>", 201)
    found = page({"InvoiceID": KEY, "YourRef": "odd"})
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(found)
    load = wire_runner.load(invoice("odd"))
    assert load.error is None
    assert [(line["outcome"], line["exact_id"]) for line in load.results] == [("created", KEY)]


def test_a_doubt_outlives_a_search_that_fails(httpserver: HTTPServer, wire_runner: Runner) -> None:
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_data(status=503)
    for _ in range(2):
        httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_data(status=403)
    # What divisions there are cannot be seen either.
    httpserver.expect_request("/api/v1/current/Me").respond_with_data(status=403)
    load = wire_runner.load(invoice("d"))
    assert isinstance(load.error, AccessDenied)
    assert "SalesInvoices" in str(load.error)
    assert (load.states, load.results) == ([], [])
    httpserver.expect_oneshot_request(INVOICES, "GET").respond_with_json(
        page({"InvoiceID": KEY, "YourRef": "d"})
    )
    load = wire_runner.load(invoice("d"))
    assert load.outcomes == [("d", "created")]
    assert load.states == [1]
    assert len(posts(httpserver)) == 1


def test_a_reference_that_exact_shortens_is_said(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_request(INVOICES, "POST").respond_with_json(created("a long re"), 201)
    load = wire_runner.load(invoice("a long reference"))
    assert load.outcomes == [("a long reference", "created")]
    assert isinstance(load.error, RecordsRejected)
    assert str(load.reasons[0]).startswith("Exact Online keeps its YourRef as 'a long re'")


def test_the_reason_of_a_rejection_is_in_exacts_own_words(
    httpserver: HTTPServer, wire_runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    words = "Verplicht: Factuur voor\r\nVerplicht: Besteld door"
    error = {"error": {"code": "", "message": {"lang": "", "value": words}}}
    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_request(INVOICES, "POST").respond_with_json(error, 500)
    load = wire_runner.load(invoice("nl"))
    assert isinstance(load.error, RecordsRejected)
    assert load.reasons == ["Verplicht: Factuur voor; Verplicht: Besteld door"]
    assert "record nl was rejected: Verplicht: Factuur voor; Verplicht: Besteld" in caplog.text


def test_an_outage_ends_the_run_but_keeps_what_was_done(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_json(created("1"), 201)
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_data(status=429)
    records = [invoice("1"), invoice("2")]
    load = wire_runner.run(
        [
            wire_runner.schema(),
            wire_runner.record(records[0]),
            wire_runner.state("one"),
            wire_runner.record(records[1]),
            wire_runner.state("two"),
        ]
    )
    assert isinstance(load.error, Unavailable)
    assert load.states == ["one"]
    httpserver.expect_request(INVOICES, "POST").respond_with_json(created("2"), 201)
    load = wire_runner.load(*records, settle_after=0)
    assert load.outcomes == [("1", "unchanged"), ("2", "created")]


def test_a_signal_waits_for_the_document_at_hand(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    def interrupted(_request: Request) -> Response:
        signal.raise_signal(signal.SIGTERM)
        return Response(json.dumps(created("1")), HTTPStatus.CREATED)

    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_request(INVOICES, "POST").respond_with_handler(interrupted)
    load = wire_runner.load(invoice("1"), invoice("2"))
    assert isinstance(load.error, SystemExit)
    assert load.outcomes == [("1", "created")]
    assert load.states == []
    assert len(posts(httpserver)) == 1


def test_a_signal_leaves_no_failure_untold(
    httpserver: HTTPServer, wire_runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(_request: Request) -> Response:
        signal.raise_signal(signal.SIGTERM)
        return Response(status=HTTPStatus.BAD_REQUEST)

    caplog.set_level("INFO")
    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_request(INVOICES, "POST").respond_with_json(created("1"), 201)
    httpserver.expect_request(PRINTED, "POST").respond_with_handler(refused)
    load = wire_runner.load(invoice("1"), invoice("2"), finalize="print")
    assert isinstance(load.error, SystemExit)
    assert load.error.code == RecordsRejected.exit_code
    assert load.outcomes == [("1", "created")]
    assert "it could not be finalised" in str(load.reasons[0])
    (summary,) = [line for line in caplog.messages if line.startswith("Division 1: ")]
    assert summary.startswith("Division 1: 1 created, ")


def test_a_signal_does_not_keep_totals_from_being_compared(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    def look(request: Request) -> Response:
        by_key = request.args["$filter"].startswith("InvoiceID eq")
        rows = [{"InvoiceID": KEY, "AmountFC": "12"}] if by_key else []
        return Response(json.dumps(page(*rows)))

    def interrupted(_request: Request) -> Response:
        signal.raise_signal(signal.SIGTERM)
        return Response(json.dumps(created("1")), HTTPStatus.CREATED)

    httpserver.expect_request(INVOICES, "GET").respond_with_handler(look)
    httpserver.expect_request(INVOICES, "POST").respond_with_handler(interrupted)
    load = wire_runner.load(invoice("1", AmountFC=10), invoice("2"))
    assert isinstance(load.error, SystemExit)
    assert load.error.code == RecordsRejected.exit_code
    assert load.outcomes == [("1", "created")]
    assert "AmountFC is 12 at Exact Online, and 10 in the record" in str(load.reasons[0])


def test_no_secret_and_no_content_of_a_record_is_logged(
    httpserver: HTTPServer, wire_runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    httpserver.expect_request(INVOICES, "GET").respond_with_json(page())
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_json(created("quiet"), 201)
    httpserver.expect_oneshot_request(INVOICES, "POST").respond_with_data(status=400)
    wire_runner.load(
        invoice("quiet", Remarks="between us"),
        invoice("loud", Remarks="between us"),
        invoice("odd", Remarks="between us", OrderDate="between us"),
    )
    assert "1 created, 0 already there, 2 rejected" in caplog.text
    for secret in ("between us", "secret-of-the-app", "seed", "refresh", "access"):
        assert secret not in unquote(caplog.text)
