"""`exactonline replay`: send again what was rejected, after a fix, or is in doubt."""

from __future__ import annotations

import io
import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.options import (
    config_option,
    connection_option,
    plugin_settings,
    reference_option,
    store_option,
    stream_option,
)
from exactonline_cli.output import json_option, print_json, quiet
from exactonline_client.plugin.configuration import read_files
from exactonline_client.plugin.start import readable_configuration_errors
from exactonline_client.printable import counted
from exactonline_client.store import postings
from exactonline_client.store.postings import UNFINISHED, Posting, Wanted
from target_exactonline.load import finalize
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_exactonline.results.outcome import Result
    from target_exactonline.run import Run

VALUE = re.compile(r"'[^']*'")
"""What differs in reasons of one kind."""
MOST_SHOWN = 5
"""References of one reason that are listed."""
MAPPINGS = ("stream_maps", "stream_map_config")
"""Settings not applied again: a stored record is mapped already."""


@click.command()
@click.option("--division", type=int, metavar="NUMBER", help="The division, if not that set.")
@stream_option
@reference_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@config_option
@connection_option
@store_option
@json_option
def replay(  # noqa: PLR0913 - one for each option
    *,
    division: int | None,
    stream: str | None,
    reference: str | None,
    dry_run: bool,
    files: tuple[str, ...],
    connection: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Send the records that were rejected again, after a fix, and those that are in doubt.

    What is in doubt is looked for at Exact Online first, and only sent if it is not there.
    Records are sent as they were, with the present settings of the target, so make the fix at
    Exact or in the settings. Records that are wrong themselves are corrected at their source
    and loaded again. Invoices that Exact refused to finalise are finalised again, if the
    settings ask for that.
    """
    settings = plugin_settings(
        TargetExactOnline,
        read_files(files).config,
        connection=connection,
        store_url=store_url,
        division=division,
        dry_run=dry_run or None,
    )
    config = {name: value for name, value in settings.items() if name not in MAPPINGS}
    with readable_configuration_errors():
        target = TargetExactOnline(config=config)
    with closing(target), target.stop.ending_as_stopped():
        run = target.run
        store, app = run.connection.store, run.connection.app.key
        wanted = Wanted([app], run.division, stream, UNFINISHED, reference)
        records = [
            (stream, record)
            for stream, entity, record in postings.unfinished(store, wanted)
            if run.writes(stream, entity)
        ]
        _report_other_divisions(run, wanted)
        verb = "would be" if dry_run else "is" if len(records) == 1 else "are"
        what = counted(len(records), "record")
        click.echo(f"Division {run.division}: {what} {verb} sent again.", err=True)
        unfinalized = _queue_for_finalizing(run, wanted)
        results: list[dict[str, Any]] = []
        run.results.listeners.append(lambda result: results.append(_facts(run, result)))
        try:
            if records or unfinalized:
                _send(target, records, [posting.stream for posting in unfinalized])
        finally:
            if as_json:
                print_json(results)


def _facts(run: Run, result: Result) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "division": run.division,
        "stream": result.stream,
        "reference": result.reference,
        "outcome": outcome.status.value,
        "exact_id": outcome.exact_id,
        "number": outcome.number,
        "reason": outcome.reason,
    }


def _report_other_divisions(run: Run, wanted: Wanted) -> None:
    """Report other divisions with unwritten records; a target writes to one division."""
    everywhere = Wanted(wanted.apps, None, wanted.stream, wanted.outcomes, wanted.reference)
    divisions = {posting.division for posting in postings.newest(run.connection.store, everywhere)}
    others = sorted(divisions - {run.division})
    if others:
        click.echo(
            f"Records of divisions {', '.join(map(str, others))} were not written either; replay "
            "those with --division.",
            err=True,
        )


def _queue_for_finalizing(run: Run, wanted: Wanted) -> list[Posting]:
    """Queue the invoices that were left open for the target, and return them."""
    store = run.connection.store
    left = [
        posting
        for posting in postings.left_open(store, wanted)
        if run.writes(posting.stream, posting.entity)
    ]
    if not left:
        return []
    what = counted(len(left), "invoice was", "invoices were")
    message = f"Division {run.division}: {what} created and not finalised"
    if run.config["finalize"] == finalize.NONE:
        click.echo(f"{message}. Set finalize to have that done.", err=True)
        return []
    if run.config["dry_run"]:
        click.echo(f"{message}; a run without --dry-run does that.", err=True)
        return []
    click.echo(f"{message}; this is done now.", err=True)
    for posting in left:
        postings.finalize_again(store, posting)
    return left


def _send(target: TargetExactOnline, records: list[tuple[str, str]], others: Iterable[str]) -> None:
    """Load records with the target, which also finalises invoices of the streams in `others`."""
    run = target.run
    failed: dict[str, list[str]] = {}

    def note(result: Result) -> None:
        if result.outcome.failed:
            reason = (result.outcome.reason or "no reason was given").rstrip(".")
            failed.setdefault(reason, []).append(result.reference)

    run.results.listeners.append(note)
    with run.connection.noted_run("exactonline replay"), quiet("target_exactonline.results"):
        try:
            target.listen(io.StringIO("".join(_messages(records, others))))
        finally:
            for line in _grouped(failed, dry_run=bool(run.config["dry_run"])):
                click.echo(line, err=True)
            click.echo(run.results.summary(), err=True)


def _grouped(failed: Mapping[str, list[str]], *, dry_run: bool) -> Iterator[str]:
    """What failed, those of one reason together, the most frequent first."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for reason, references in failed.items():
        kinds.setdefault(VALUE.sub("...", reason), {})[reason] = references
    if kinds:
        yield (
            "These cannot succeed as they are. Fix what they name at Exact or in the settings, or "
            "correct them at their source and load them again:"
            if dry_run
            else "These were not written:"
        )
    sizes = {kind: sum(map(len, same.values())) for kind, same in kinds.items()}
    for kind in sorted(kinds, key=lambda each: -sizes[each]):
        same = kinds[kind]
        references = [each for some in same.values() for each in some]
        shown = ", ".join(references[:MOST_SHOWN]) + (", ..." if sizes[kind] > MOST_SHOWN else "")
        example = next(iter(same))
        yield f"- {sizes[kind]}: {example}{' (for one)' if len(same) > 1 else ''}: {shown}"


def _messages(records: list[tuple[str, str]], others: Iterable[str]) -> Iterable[str]:
    """Build Singer messages; the JSON of a record is passed on unchanged."""
    for stream in dict.fromkeys([*(stream for stream, _ in records), *others]):
        schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}}
        yield json.dumps(schema) + "\n"
    for stream, record in records:
        yield f'{{"type": "RECORD", "stream": {json.dumps(stream)}, "record": {record}}}\n'
