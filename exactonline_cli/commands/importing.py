"""The steps of an import: read, ask what is open, preview, agree, send, conclude."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.output import print_json, print_table
from exactonline_cli.spreadsheet import (
    books,
    documents,
    files,
    header_row,
    headers,
    loading,
    preview,
    profile,
    rejected,
    rules,
    target_reasons,
    vat,
)
from exactonline_cli.spreadsheet.explanations import explanations
from exactonline_client.errors import ConfigurationError, ExactOnlineError, RecordsRejected
from exactonline_client.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from exactonline_cli.spreadsheet.choices import Choices, Question
    from exactonline_cli.spreadsheet.model import Document, Draft
    from exactonline_cli.spreadsheet.preview import Preview
    from exactonline_cli.spreadsheet.table import Table
    from target_exactonline.schema.entities import Entity
    from target_exactonline.target import TargetExactOnline

INVOICES = "sales_invoices"
RECKONED = (INVOICES, "sales_orders")
"""Entities whose lines have VAT codes of items and customers."""
RESULTS = {
    "reference": "Reference",
    "outcome": "Outcome",
    "number": "Number",
    "customer": "Customer",
    "total": "Total",
}
NO_RESULT = "was not checked, for an unknown reason: import it in a separate file"
LOOKED_UP_TOGETHER = 500
"""Documents of one batch of a dry run."""
SENT = (preview.NEW, preview.CHANGED, preview.OPEN)
"""States of documents that are handed to the target."""


@dataclass(frozen=True)
class Asked:
    """What an import was asked to do."""

    path: Path
    entity: Entity
    encoding: str | None
    sheet: str | None
    is_agreed: bool
    """Nobody is to be asked."""
    is_interactive: bool
    dry_run: bool
    everything: bool
    as_json: bool
    new_headers: bool


@dataclass
class _Sent:
    """What became of the documents that were handed to the target."""

    was_sent: bool = False
    results: dict[int, loading.Loaded] = field(default_factory=dict)
    """By the first row of a document."""
    error: ExactOnlineError | None = None
    """What ended it before all were looked at."""


def run(asked: Asked, given: Choices, config: Mapping[str, Any]) -> None:
    """Show what a file comes to, ask, send it, and show what became of it.

    Args:
        asked: what is imported, and how.
        given: what the user has decided of the file.
        config: settings of the target.

    Raises:
        ConfigurationError: the file cannot be read, or something is open and nobody can be asked.
        RecordsRejected: documents were refused, or are not finished.
        The errors of the target.
    """
    table = files.read(asked.path, headers.vocabulary(asked.entity), asked.encoding, asked.sheet)
    choices, saved_note = _with_saved(asked, table, given)
    draft = _drafted(asked, table, choices)
    # What is looked up for many documents at once takes few calls.
    rehearsal = {**config, "dry_run": True, "batch_size_rows": LOOKED_UP_TOGETHER}
    with loading.opened(rehearsal) as target:
        shown = _prepared(asked, target, draft)
    shown.notes[:0] = saved_note
    if not asked.as_json:
        for line in preview.lines(shown, everything=asked.everything):
            click.echo(line)
    wanted = sum(shown.counts[each] for each in SENT)
    sent = _Sent()
    if not asked.dry_run and wanted and _agreed(asked, shown, wanted):
        profile.save(asked.path.parent, _profile(asked, shown.draft))
        _send(asked, config, shown.draft, sent)
        _note_refusals(shown.draft, sent.results)
        shown = preview.Preview(shown.file, shown.draft, shown.division, shown.notes)
    _conclude(asked, shown, wanted, sent)
    if sent.error:
        raise sent.error


def _wanted(draft: Draft) -> Iterator[Document]:
    """The documents that are handed to the target, by what the preview said of them."""
    return (each for each in draft.documents if each.outcome in SENT)


def _send(asked: Asked, config: Mapping[str, Any], draft: Draft, sent: _Sent) -> None:
    """Hand documents to the target; an error waits until what was written before it is shown."""
    sent.was_sent = True
    try:
        with loading.opened(config) as target:
            loading.load(target, asked.entity, _wanted(draft), sent.results)
    except ExactOnlineError as error:
        sent.error = error


def _with_saved(asked: Asked, table: Table, given: Choices) -> tuple[Choices, list[str]]:
    """The decisions of now and of earlier files with the same headers, and what to say of them.

    Raises:
        ConfigurationError: the headers are not those of an earlier file that is much like it.
    """
    known = headers.vocabulary(asked.entity)
    names = header_row.find(table, known).names
    profiles = profile.load(asked.path.parent)
    found = profiles.get(profile.fingerprint(asked.entity.stream, names))
    if found:
        note = f"What columns mean is as for {found.file}, saved {found.saved} in {profile.FILE}."
        return profile.merged(found.choices, given), [note]
    change = profile.changed(profiles.values(), asked.entity.stream, names)
    if change is None or asked.new_headers:
        return given, []
    if not asked.is_interactive:
        raise ConfigurationError(
            f"{change}. Say what they mean with --column, or give --new-headers to go by the "
            "headers alone."
        )
    click.echo(f"{change}.")
    click.confirm("Go by the headers of this file alone?", abort=True)
    return given, []


def _drafted(asked: Asked, table: Table, choices: Choices) -> Draft:
    """The documents of a table, once all is known that has to be.

    Raises:
        ConfigurationError: something is open, and nobody can be asked.
    """
    while True:
        draft = documents.draft(table, asked.entity, choices)
        if not draft.questions:
            rules.apply(draft)
            return draft
        choices = _answered(asked, choices, draft.questions)


def _answered(asked: Asked, choices: Choices, questions: Sequence[Question]) -> Choices:
    """Ask the first question that can be asked.

    Raises:
        ConfigurationError: there is none, or nobody can be asked.
    """
    refusals = [each.refusal for each in questions]
    askable = [each for each in questions if each.setting]
    if not asked.is_interactive or len(askable) < len(questions):
        for each in refusals:
            click.echo(f"- {each[0].upper()}{each[1:]}.", err=True)
        raise ConfigurationError(
            f"{asked.path.name} has open questions (see above). Nothing was sent."
        )
    question = askable[0]
    click.echo(f"{question.text[0].upper()}{question.text[1:]}.")
    answer = click.prompt(f"--{question.setting}", type=click.Choice(question.answers))
    return profile.answered(choices, question.setting or "", answer)


def _prepared(asked: Asked, target: TargetExactOnline, draft: Draft) -> Preview:
    """The preview: what Exact Online reckons, what it has, and what the target would refuse."""
    run = target.run
    name = run.connection.division_name(run.division)
    found = books.Books()
    if asked.entity.stream in RECKONED:
        found = books.read(run.connection, run.division, *_named(draft.sound))
        open_questions = vat.questions(draft, found)
        while open_questions:
            choices = _answered(asked, draft.choices, open_questions)
            draft = _drafted(asked, draft.table, choices)
            open_questions = vat.questions(draft, found)
        vat.apply(draft, found)
    notes = [*dict.fromkeys(found.notes), *explanations(draft, found)]
    outcomes: dict[int, loading.Loaded] = {}
    loading.load(target, draft.entity, draft.sound, outcomes)
    for document in draft.documents.edited():
        if not document.problems:
            _note_outcome(document, outcomes.get(document.row))
    return preview.Preview(asked.path.name, draft, f"{run.division} ({name})", notes)


def _note_outcome(document: Document, loaded: loading.Loaded | None) -> None:
    """Note what a dry run says of a document."""
    document.outcome = preview.WRONG if loaded is None else preview.STATES[loaded.outcome]
    reason = NO_RESULT if loaded is None else loaded.reason
    if document.outcome == preview.WRONG:
        for problem in target_reasons.problems(document, reason or "was refused"):
            document.refuse(problem)
        rules.refuse_other_rows(document)
    else:
        document.note = reason


def _named(sound: Iterable[Document]) -> tuple[set[str], set[str], set[str]]:
    """The codes of customers, the names that may be theirs, and the codes of items."""
    customers: set[str] = set()
    names: set[str] = set()
    items: set[str] = set()
    for document in sound:
        for each in ("OrderedBy", "OrderedByCode"):
            if each in document.fields:
                customers.add(str(document.fields[each]))
        if "OrderedByName" in document.fields:
            names.add(str(document.fields["OrderedByName"]))
        for line in document.lines:
            for each in ("Item", "ItemCode"):
                if each in line.fields:
                    items.add(str(line.fields[each]))
    return customers, names, items


def _agreed(asked: Asked, shown: Preview, wanted: int) -> bool:
    """Whether the user wants the documents to be sent.

    Raises:
        ConfigurationError: nobody can be asked.
    """
    if asked.is_agreed:
        return True
    if not asked.is_interactive:
        raise ConfigurationError(
            "Nothing was sent, since nobody can be asked here: give --yes to send, or --dry-run to "
            "look only."
        )
    refused = shown.counts[preview.WRONG]
    rest = f" The {refused} refused ones are left out." if refused else ""
    return click.confirm(
        f"Send {wanted} {asked.entity.stream.replace('_', ' ')} to division {shown.division}?{rest}"
    )


def _profile(asked: Asked, draft: Draft) -> profile.Profile:
    return profile.Profile(
        asked.entity.stream,
        draft.headers.names,
        asked.path.name,
        f"{datetime.now(timezone.utc):%Y-%m-%d}",
        draft.choices,
    )


def _note_refusals(draft: Draft, results: Mapping[int, loading.Loaded]) -> None:
    """Note what Exact Online refused, by rows and columns."""
    for document in draft.documents.edited():
        loaded = results.get(document.row)
        if loaded and loaded.outcome == "rejected":
            for problem in target_reasons.problems(document, loaded.reason or "was refused"):
                document.refuse(problem)
            rules.refuse_other_rows(document)


def _conclude(asked: Asked, shown: Preview, wanted: int, sent: _Sent) -> None:
    """Say what became of the documents, and keep the refused rows in a file.

    Raises:
        RecordsRejected: some were refused, or are not finished.
    """
    refused = shown.counts[preview.WRONG]
    written = _rejected_file(asked, shown, refused, is_sent=sent.was_sent, is_all=not wanted)
    rows = [
        _result(document, sent.results[document.row])
        for document in _wanted(shown.draft)
        if document.row in sent.results
    ]
    if asked.as_json:
        file = None if written is None else str(written)
        print_json({**preview.facts(shown), "results": rows, "rejected_file": file})
    elif sent.was_sent:
        _print_results(rows, shown, sent.results)
    elif not asked.dry_run and not wanted:
        click.echo("There is nothing to send.")
    if written is not None and not asked.as_json:
        click.echo(
            f"The refused rows are in {written.name}, with what is wrong at the end of each: "
            "correct them there and import that file."
        )
    if sent.error is None:
        _refuse(shown, refused, sent)


def _rejected_file(
    asked: Asked, shown: Preview, refused: int, *, is_sent: bool, is_all: bool
) -> Path | None:
    """Write the refused rows beside the file: after a load, or where nothing else is in it."""
    keeps = is_sent or (is_all and not rejected.exist_for(asked.path))
    return (
        rejected.write(asked.path, shown.draft) if refused and keeps and not asked.dry_run else None
    )


def _refuse(shown: Preview, refused: int, sent: _Sent) -> None:
    """Raise RecordsRejected where a document was refused, or is not finished."""
    missing = 0
    for document in _wanted(shown.draft) if sent.was_sent else ():
        if document.row not in sent.results:
            missing += 1
            click.echo(f"{document.reference}: no result came; see exactonline results.", err=True)
    unfinished = [
        loaded for loaded in sent.results.values() if loaded.failed and loaded.outcome != "rejected"
    ]
    count = refused + len(unfinished) + missing
    if count:
        raise RecordsRejected(
            f"{count} of {counted(len(shown.draft.documents), 'document')} "
            f"{'was' if count == 1 else 'were'} refused or not finished (see above)."
        )


def _result(document: Document, loaded: loading.Loaded) -> dict[str, Any]:
    amounts = preview.amounts_of(document)
    return {
        "reference": document.reference,
        "outcome": loaded.outcome,
        "number": loaded.number,
        "customer": preview.who(document) or None,
        "total": f"{amounts.total:.2f}" if amounts else None,
        "exact_id": loaded.exact_id,
        "link": loaded.link,
        "reason": loaded.reason,
    }


def _print_results(
    rows: Sequence[dict[str, Any]], shown: Preview, results: dict[int, loading.Loaded]
) -> None:
    click.echo("")
    print_table(RESULTS, rows, right=("number", "total"), linked="reference")
    for document in shown.draft.documents:
        loaded = results.get(document.row)
        if loaded and loaded.outcome == "rejected":
            for problem in document.problems:
                click.echo(f"{problem.sentence(document.reference)}.")
        elif loaded and loaded.reason:
            click.echo(f"{document.reference}: {loaded.reason}.")
    created = sum(loaded.outcome == "created" for loaded in results.values())
    click.echo(f"{created} of {len(rows)} were created. exactonline results shows them again.")
