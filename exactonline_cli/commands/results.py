"""`exactonline results`: show, settle and forget results of loads, from the store alone."""

from __future__ import annotations

import csv
import io
import json
import shlex
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from exactonline_cli import documents_at_exact
from exactonline_cli.groups import CommandGroup
from exactonline_cli.opening import open_connection
from exactonline_cli.options import (
    connection_option,
    division_option,
    open_store,
    reference_option,
    saved_connections,
    store_option,
    stream_option,
)
from exactonline_cli.output import for_table, format_time, json_option, print_json, print_table
from exactonline_cli.times import parse_time
from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from exactonline_client.store import postings
from exactonline_client.store.clock import server_clock
from exactonline_client.store.outcomes import STORED, UNANSWERED
from exactonline_client.store.postings import Posting, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.store import Store

COLUMNS = {
    "at": "At (UTC)",
    "division": "Division",
    "stream": "Stream",
    "reference": "Reference",
    "outcome": "Outcome",
    "number": "Number",
    "customer": "Customer",
    "amount": "Amount",
    "reason": "Reason",
}
"""Of the table for people. What is the same for all rows, or empty in all, is left out of it."""
ALWAYS = ("at", "reference", "outcome")
RIGHT = ("number", "amount")
DELETED = "deleted"
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for a formula."""


@click.group(cls=CommandGroup, invoke_without_command=True)
@division_option
@stream_option
@click.option(
    "--outcome",
    "outcomes",
    type=click.Choice([status.value for status in STORED]),
    multiple=True,
    help="Only this outcome; may be given several times.",
)
@reference_option
@click.option("--since", metavar="TIME", help="Only what happened since, as 2026-06-25T14:00.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
@connection_option
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each, for scripts.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with all columns as CSV.")
@click.option(
    "--details", is_flag=True, help="Ask Exact for customer and amount: 1 call for 60 documents."
)
@click.pass_context
def results(  # noqa: PLR0913 - one for each option
    ctx: click.Context,
    *,
    division: int | None,
    stream: str | None,
    outcomes: tuple[str, ...],
    reference: str | None,
    since: str | None,
    limit: int,
    connection: str | None,
    store_url: str | None,
    as_json: bool,
    as_csv: bool,
    details: bool,
) -> None:
    """Show what became of the documents that were written, the newest first.

    Asks Exact nothing, unless --details is given. A TIME without a zone is UTC.
    """
    if ctx.invoked_subcommand:
        return
    with closing(open_store(store_url)) as store:
        wanted = Wanted(
            apps_of(store, connection),
            division,
            stream,
            outcomes or None,
            reference,
            _seconds(since),
        )
        listed = postings.newest(store, wanted, limit)
        counts = postings.counts(store, wanted)
        saved = {one.app_key: one for one in saved_connections(store, connection)}
        known = _details(store, saved, listed) if details else {}
        found = [
            _facts(posting, saved, known.get((posting.app, posting.division, posting.entity,
                                              posting.exact_id or ""), {}))
            for posting in listed
        ]  # fmt: skip
    if as_json:
        for facts in found:
            click.echo(json.dumps(facts, ensure_ascii=False))
    elif as_csv:
        _print_csv(found)
    else:
        if found:
            shown = [_for_people(facts) for facts in found]
            print_table(_columns(found), shown, right=RIGHT, linked="reference")
        click.echo(_summary(counts, len(found)))


def _details(
    store: Store, saved: Mapping[str, SavedConnection], listed: Sequence[Posting]
) -> dict[tuple[str, int, str, str], dict[str, Any]]:
    """Customer and amount of documents, by app, division, endpoint and key."""
    found: dict[tuple[str, int, str, str], dict[str, Any]] = {}
    for app, one in saved.items():
        mine = [posting for posting in listed if posting.app == app]
        if mine:
            with closing(open_connection(store, one.name)) as opened:
                read = documents_at_exact.details(opened, mine)
            found |= {(app, *key): value for key, value in read.items()}
    return found


def _columns(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The columns that tell one row from another, so that the table fits a terminal."""
    return {
        name: heading
        for name, heading in COLUMNS.items()
        if name in ALWAYS
        or (name in {"division", "stream"} and len({facts[name] for facts in found}) > 1)
        or (name not in {"division", "stream"} and any(facts.get(name) for facts in found))
    }


def _for_people(facts: Mapping[str, Any]) -> dict[str, Any]:
    amount = facts.get("amount")
    return {
        **facts,
        "at": for_table(facts["at"])[: -len(":05")],
        "customer": facts.get("customer"),
        "amount": None if amount is None else f"{amount:,.2f}",
    }


def _print_csv(found: Sequence[Mapping[str, Any]]) -> None:
    names = list(found[0]) if found else list(COLUMNS)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _unharmful(value) for name, value in row.items()} for row in found)
    click.echo(text.getvalue(), nl=False)


def _unharmful(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: texts here come from the source."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def apps_of(store: Store, connection: str | None) -> list[str]:
    """List the apps of all connections, or of the one of this name.

    Raises:
        ConfigurationError: there is none.
    """
    return sorted({account.app_key for account in saved_connections(store, connection)})


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_time(text.strip()).timestamp()
    except ValueError:
        raise ConfigurationError(
            f"--since: {text!r} is not a date or a time. Write it as 2026-06-25 or "
            "2026-06-25T14:00."
        ) from None


def _facts(
    posting: Posting, saved: Mapping[str, SavedConnection], known: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "at": format_time(posting.at),
        "division": posting.division,
        "stream": posting.stream,
        "entity": posting.entity,
        "reference": posting.reference,
        "outcome": posting.outcome.value,
        "exact_id": posting.exact_id,
        "number": posting.number,
        "reason": posting.reason,
        "finalized": posting.finalized,
        "sent_at": format_time(posting.sent_at),
        "link": _link(posting, saved.get(posting.app)),
        **known,
    }


def _link(posting: Posting, one: SavedConnection | None) -> str | None:
    """Where the API has a document, as far as it is there."""
    if one is None or posting.exact_id is None or posting.outcome == DELETED:
        return None
    base = documents_at_exact.base_url(one)
    return documents_at_exact.address(base, posting.division, posting.entity, posting.exact_id)


def _summary(counts: Mapping[str, int], shown: int) -> str:
    total = sum(counts.values())
    if not total:
        return "No results."
    parts = ", ".join(f"{counts[name]} {name}" for name in STORED if counts.get(name))
    hidden = f" The newest {shown} of {total} are shown." if shown < total else ""
    return f"{parts}.{hidden}"


@results.command()
@click.argument("stream")
@click.argument("reference")
@click.option("--created", "exact_id", metavar="ID", help="It is at Exact, under this ID.")
@click.option("--not-created", is_flag=True, help="It is not at Exact, and may be sent again.")
@division_option
@connection_option
@store_option
@json_option
def settle(  # noqa: PLR0913 - one for each option
    *,
    stream: str,
    reference: str,
    exact_id: str | None,
    not_created: bool,
    division: int | None,
    connection: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Say whether a document in doubt is at Exact.

    STREAM and REFERENCE are those that exactonline results shows. A document that is not there is
    sent again by the next load that brings it, or by exactonline replay.
    """
    if not_created == bool(exact_id):
        raise ConfigurationError("Say either --created with the document's ID, or --not-created.")
    with closing(open_store(store_url)) as store:
        wanted = Wanted(apps_of(store, connection), division, stream, UNANSWERED, reference)
        posting = _only(postings.newest(store, wanted), wanted)
        key = _key(posting, exact_id) if exact_id else None
        if not postings.settle(store, posting, key, server_clock(store)()):
            raise ConfigurationError(
                f"Document {reference} of stream {stream} was settled by a run just now. See "
                "exactonline results."
            )
    if as_json:
        print_json(
            {
                "division": posting.division,
                "stream": stream,
                "reference": reference,
                "created": bool(key),
                "exact_id": key,
            }
        )
        return
    outcome = f"created, as {key}" if key else "not created; it may be sent again"
    click.echo(f"Division {posting.division}: {reference} of {stream} is settled as {outcome}.")


@results.command()
@click.argument("reference")
@stream_option
@division_option
@click.option("--yes", is_flag=True, help="Forget without a question.")
@connection_option
@store_option
@json_option
def forget(  # noqa: PLR0913 - one for each option
    *,
    reference: str,
    stream: str | None,
    division: int | None,
    yes: bool,
    connection: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Forget a document: all that the store keeps of it, its record and files' names included.

    REFERENCE is that which exactonline results shows. Of a document that is at Exact a keyed hash
    of the reference is left, so that it is not sent again. Exact itself is not asked or changed.
    """
    with closing(open_store(store_url)) as store:
        wanted = Wanted(apps_of(store, connection), division, stream, reference=reference)
        entries = postings.newest(store, wanted)
        if not entries:
            _report_unknown(store, wanted)
            _report_forgotten(reference, [], as_json=as_json)
            return
        _refuse_doubtful(entries)
        shown = "\n".join(f"{_label(posting)}: {posting.outcome}" for posting in entries)
        click.echo(shown, err=as_json)
        if not (yes or _confirmed(as_json=as_json)):
            click.echo("Nothing was forgotten.", err=True)
            return
        for posting in entries:
            _forget(store, posting)
    _report_forgotten(reference, entries, as_json=as_json)


def _report_forgotten(reference: str, entries: Sequence[Posting], *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{reference} is forgotten.")
        return
    documents = [{"division": one.division, "stream": one.stream} for one in entries]
    print_json({"reference": reference, "forgotten": documents})


def _confirmed(*, as_json: bool) -> bool:
    """Ask for confirmation.

    Raises:
        ConfigurationError: nobody answers.
    """
    try:
        return click.confirm(
            "Forget this for good? Later changes of it cannot be loaded.", err=as_json
        )
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise ConfigurationError(
            "Nothing was forgotten, as nobody answered the question. Give --yes."
        ) from None


def _report_unknown(store: Store, wanted: Wanted) -> None:
    """Report that the document was forgotten before.

    Raises:
        ConfigurationError: it was not.
    """
    if not postings.was_forgotten(store, wanted.apps, str(wanted.reference)):
        raise ConfigurationError(
            f"Nothing is kept under the reference {wanted.reference}. Those that are: "
            "exactonline results --limit 1000."
        )


def _refuse_doubtful(entries: list[Posting]) -> None:
    for posting in entries:
        if posting.outcome in UNANSWERED:
            names = f"{shlex.quote(posting.stream)} {shlex.quote(posting.reference)}"
            raise ConfigurationError(
                f"{_label(posting)} is in doubt, and the store needs its record to look for it. "
                f"Nothing was forgotten. Say what became of it first: exactonline results settle "
                f"{names} --created ID | --not-created."
            )


def _forget(store: Store, posting: Posting) -> None:
    # A run that loads this entity relies on the entries that it has read.
    kind = posting.entity.rpartition("/")[2]
    with store.lock(f"load-{kind}-{posting.division}"):
        done = postings.forget(store, posting, server_clock(store)())
    if not done and postings.newest(store, _in_doubt(posting)):
        raise ConfigurationError(
            f"{_label(posting)} was sent by a run just now. Try again when that has ended."
        )


def _in_doubt(posting: Posting) -> Wanted:
    return Wanted([posting.app], posting.division, outcomes=UNANSWERED, reference=posting.reference)


def _label(posting: Posting) -> str:
    return f"Division {posting.division}: {posting.reference} of {posting.stream}"


def _only(entries: list[Posting], wanted: Wanted) -> Posting:
    what = f"in stream {wanted.stream} with reference {wanted.reference}"
    if not entries:
        raise ConfigurationError(
            f"No document {what} is in doubt. Those that are: "
            "exactonline results --outcome in_doubt --outcome posting."
        )
    if len(entries) > 1:
        divisions = ", ".join(str(posting.division) for posting in entries)
        raise ConfigurationError(
            f"Several documents {what} are in doubt, in divisions {divisions}. Choose one with "
            "--division (or --connection, if they belong to several apps)."
        )
    return entries[0]


def _key(posting: Posting, text: str) -> str:
    """Parse a key into the form that Exact uses."""
    endpoint = catalogue.load().endpoints[posting.entity]
    if endpoint.properties[endpoint.key[0]].type != "Edm.Guid":
        return text.strip()
    try:
        return str(UUID(text.strip()))
    except ValueError:
        raise ConfigurationError(
            f"--created: {text!r} is not a GUID, as each {endpoint.key[0]} of {endpoint.name} is."
        ) from None
