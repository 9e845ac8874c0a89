"""`exactonline doctor`: check an account, its rights and what is assumed of Exact Online."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.doctor.calls import MOST
from exactonline_cli.doctor.checkup import FAILED, Checkup
from exactonline_cli.doctor.report import report as build_report
from exactonline_cli.options import connection_option, store_option
from exactonline_cli.output import json_option, print_json, print_table
from exactonline_cli.variables import given_settings
from exactonline_client.connection import connect
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = {"name": "Check", "result": "Result", "detail": "Found"}
ASSUMPTIONS = {"sentence": "Assumption", "verdict": "Verdict", "why": "Seen"}
UNCHECKED = "Fix the sign-in or the division first; see above."


@click.command()
@connection_option
@store_option
@click.option("--division", type=int, metavar="NUMBER", help="Check this division.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write facts and shapes to FILE, without values of the company.",
)
@json_option
def doctor(
    connection: str | None,
    store_url: str | None,
    division: int | None,
    report: Path | None,
    *,
    as_json: bool,
) -> None:
    """Check an account: sign-in, rights, limits, and how Exact Online behaves.

    Only reads, with at most 60 calls. What the sandbox assumes of Exact Online is compared with
    what the account shows; each assumption holds, does not hold, or is not seen.
    """
    settings = given_settings(connection=connection, store_url=store_url)
    with closing(connect(settings)) as opened, opened.noted_run("exactonline doctor"):
        checkup = Checkup(opened, division)
        checkup.run()
        if report is not None:
            _write(report, build_report(checkup))
        if as_json:
            print_json(_facts(checkup))
        else:
            _print(checkup, report)
        if checkup.exit_code:
            sys.exit(checkup.exit_code)


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.write_text(f"{json.dumps(content, indent=2)}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The report cannot be written to {path}: {error.strerror}."
        ) from None


def _facts(checkup: Checkup) -> dict[str, Any]:
    account = checkup.account
    return {
        "connection": checkup.connection.name,
        "division": checkup.calls.division or None,
        "calls": checkup.calls.count,
        "checks": [vars(finding) for finding in checkup.findings],
        "rights": {name: name not in {*account.denied, *account.hidden} for name in account.rights},
        "assumptions": list(_verdicts(checkup)),
    }


def _verdicts(checkup: Checkup) -> Iterator[dict[str, Any]]:
    for verdict in checkup.verdicts:
        yield {
            "name": verdict.assumption.name,
            "sentence": verdict.assumption.sentence,
            "verdict": verdict.verdict,
            "why": verdict.why,
        }


def _print(checkup: Checkup, report: Path | None) -> None:
    print_table(CHECKS, [vars(finding) for finding in checkup.findings])
    click.echo("")
    print_table(ASSUMPTIONS, list(_verdicts(checkup)))
    click.echo(f"\n{checkup.calls.count} API calls of at most {MOST}.")
    if any(finding.result == FAILED for finding in checkup.findings):
        click.echo(UNCHECKED)
    if report is not None:
        click.echo(f"The report without values of the company is in {report}.")
