"""`exactonline login`: connect an account in the terminal, or from a script."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from exactonline_cli import meltano_project, repository
from exactonline_cli.options import option, store_option
from exactonline_cli.output import json_option, print_json
from exactonline_cli.sign_in.flow import Problem, begin
from exactonline_client.errors import ConfigurationError, SignInNeeded
from exactonline_client.regions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from exactonline_cli.sign_in.flow import SignIn

Answer = TypeVar("Answer")


@click.command()
@option("region", type=click.Choice(sorted(REGIONS)), help="The site you sign in to.")
@option("client_id", metavar="ID", help="Of your app in the Exact App Centre.")
@option("redirect_uri", metavar="URL", help="As it is registered for the app.")
@option("connection", "--name", metavar="NAME", help="Name of the connection. Default: made up.")
@option("base_url", metavar="URL", help="Instead of the region's address: the sandbox's.")
@store_option
@click.option(
    "--divisions",
    metavar="LIST",
    help="Codes with commas between, or 'all'. Default with --code-url: the current division.",
)
@click.option(
    "--code-url",
    type=click.Choice(["-"]),
    help="For scripts: ask nothing, and read the address that the sign-in ended at from standard "
    "input.",
)
@json_option
def login(  # noqa: PLR0913 - one argument for each option
    *,
    region: str | None,
    client_id: str | None,
    redirect_uri: str | None,
    connection: str | None,
    base_url: str | None,
    store_url: str | None,
    divisions: str | None,
    code_url: str | None,
    as_json: bool,
) -> None:
    """Connect an Exact Online account in the terminal.

    The client secret is asked for, or taken from EXACTONLINE_CLIENT_SECRET. With --code-url -
    everything else must be given too, as an option or in the environment: the program shows the
    address to sign in at, then reads from standard input the address that the browser ended at.
    """
    with closing(begin(store_url, base_url, connection)) as sign_in:
        given = {"region": region, "client_id": client_id, "redirect_uri": redirect_uri}
        for name, value in given.items():
            setattr(sign_in, name, value or getattr(sign_in, name))
        if code_url:
            _from_script(sign_in, divisions)
        else:
            _from_terminal(sign_in, divisions)
        _report(sign_in, store_url, as_json=as_json)


def _from_script(sign_in: SignIn, divisions: str | None) -> None:
    try:
        sign_in.choose_region(sign_in.region or "nl")
        sign_in.choose_app(_fields(sign_in))
    except Problem as problem:
        settings = ", ".join(each.field for each in problem.all)
        raise ConfigurationError(f"{problem} Settings: {settings}.") from None
    _show_link(sign_in)
    try:
        sign_in.take_address(sys.stdin.readline())
    except Problem as problem:
        if problem.field == "address" and problem.__cause__ is None:
            raise SignInNeeded(str(problem)) from None
        raise problem.as_error() from None
    try:
        _choose(sign_in, divisions or str(sign_in.opened.me["CurrentDivision"]))
    except Problem as problem:
        raise problem.as_error("--divisions") from None


def _fields(sign_in: SignIn) -> dict[str, str]:
    names = ("client_id", "client_secret", "redirect_uri", "name")
    return {name: getattr(sign_in, name) for name in names}


def _from_terminal(sign_in: SignIn, divisions: str | None) -> None:
    _retry(lambda: _ask_region(sign_in))
    _retry(lambda: _ask_app(sign_in))
    while not sign_in.signed_in:
        _ask_address(sign_in)
    if divisions is None:
        _show_divisions(sign_in.divisions())
    _retry(lambda: _choose(sign_in, divisions or _ask_divisions(sign_in)))


def _ask_address(sign_in: SignIn) -> None:
    _show_link(sign_in)
    try:
        sign_in.take_address(_prompt("The address your browser ended at"))
    except Problem as problem:
        click.echo(f"{problem}\n", err=True)
        if problem.field == "client_secret":
            sign_in.client_id = sign_in.client_secret = ""
            _retry(lambda: _ask_app(sign_in))


def _retry(step: Callable[[], Answer]) -> Answer:
    """Repeat a step until its input is right."""
    while True:
        try:
            return step()
        except Problem as problem:  # noqa: PERF203 - a person is slower
            click.echo(f"{problem}\n", err=True)


def _prompt(text: str, default: str = "", **options: Any) -> str:  # noqa: ANN401 - as click has them
    answer: str = click.prompt(text, default=default or None, err=True, **options)
    return answer


def _ask_region(sign_in: SignIn) -> None:
    if not sign_in.region:
        for code, region in sorted(REGIONS.items()):
            click.echo(f"  {code}  {region.name} ({region.base_url})", err=True)
    known = sign_in.region
    sign_in.choose_region(
        known or _prompt("Region", "nl", type=click.Choice(sorted(REGIONS)), show_choices=False)
    )


def _ask_app(sign_in: SignIn) -> None:
    fields = _fields(sign_in)
    fields["client_id"] = sign_in.client_id or _prompt("Client ID")
    fields["client_secret"] = sign_in.client_secret or _prompt("Client secret", hide_input=True)
    fields["redirect_uri"] = sign_in.redirect_uri or _prompt("Redirect URI")
    try:
        sign_in.choose_app(fields)
    except Problem as problem:
        # Ask again for the field that is wrong, and for no other.
        setattr(sign_in, problem.field, "")
        if problem.field == "name":
            sign_in.name = _prompt(f"{problem}\nName of the connection")
            sign_in.choose_app({**fields, "name": sign_in.name})
            return
        raise


def _show_link(sign_in: SignIn) -> None:
    click.echo(
        "Sign in at this address and allow the app. Then copy the address you land on, even if "
        "the page there is an error; it is good for three minutes.\n",
        err=True,
    )
    click.echo(f"{sign_in.authorise_url}\n")
    sys.stdout.flush()


def _show_divisions(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        place = f"{row['Country'] or ''} {row['Currency'] or ''}".strip()
        click.echo(f"  {row['Code']}  {row['Description']} ({place})", err=True)


def _ask_divisions(sign_in: SignIn) -> str:
    current = str(sign_in.opened.me["CurrentDivision"])
    return _prompt("Divisions, with commas between, or all", current)


def _choose(sign_in: SignIn, text: str) -> None:
    if text.strip().lower() == "all":
        sign_in.choose_divisions([], everything=True)
        return
    words = text.replace(",", " ").split()
    wrong = [word for word in words if not word.isdecimal()]
    if wrong:
        raise Problem("divisions", f"{wrong[0]!r} is not the code of a division.")
    sign_in.choose_divisions([int(word) for word in words], everything=False)


def _report(sign_in: SignIn, store_url: str | None, *, as_json: bool) -> None:
    opened = sign_in.opened
    click.echo(f"Connected: {opened.name}, as {opened.me['FullName']}.", err=True)
    for name in sign_in.replaced_connections():
        click.echo(f"The sign-in of {name}, by the same user in the same app, has ended.", err=True)
    exposed = repository.warning(opened.store)
    if exposed:
        click.echo(exposed, err=True)
    settings = meltano_project.settings(
        opened.name,
        sign_in.chosen or (),
        everything=sign_in.all_divisions,
        store_url=store_url,
    )
    if as_json:
        print_json(
            {
                "connection": opened.name,
                "user": opened.me["FullName"],
                "divisions": sign_in.chosen or None,
                "settings": [asdict(setting) for setting in settings],
            }
        )
        return
    click.echo("To use it with Meltano:\n", err=True)
    for setting in settings:
        click.echo(str(setting))
