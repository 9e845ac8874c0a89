"""`exactonline sandbox`: run a local Exact Online with made-up data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.sign_in.page.serve import listen
from exactonline_cli.times import parse_time
from exactonline_sandbox import App, FaultRule, Sandbox, SandboxConfig, Switches, set_switch

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_sandbox import Server

_ON, _OFF = ("", "1", "on", "true", "yes"), ("0", "off", "false", "no")
_WORDS = {**dict.fromkeys(_ON, True), **dict.fromkeys(_OFF, False)}
_SIZES = {"small": 200, "medium": 10_000, "large": 100_000}


@click.command()
@click.option("--port", default=8642, show_default=True, help="Port on 127.0.0.1; 0 for any.")
@click.option("--seed", default=1, show_default=True, help="Decides the data.")
@click.option("--size", type=click.Choice(tuple(_SIZES)), default="small", show_default=True)
@click.option("--invoices", type=click.IntRange(min=1), help="Sales invoices in each division.")
@click.option("--lines-per-invoice", type=click.IntRange(min=1), help="Default: one to five.")
@click.option("--divisions", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--books",
    type=click.Choice(("simple", "full", "empty")),
    default="full",
    show_default=True,
    help="Simple bookkeeping, full (currencies, opening balances, closed years, VAT returns), or "
    "empty: full without documents, customers and items.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(("sales_invoices",)),
    help="Make only the data of this stream, for large sizes.",
)
@click.option("--tls", is_flag=True, help="Serve https, with a certificate of its own.")
@click.option("--clock", metavar="ISO", help="Where the sandbox's time starts; default: now.")
@click.option("--speed", default=1.0, show_default=True, help="How fast its time runs.")
@click.option("--minutely-limit", default=60, show_default=True, help="Calls in a minute.")
@click.option("--daily-limit", default=5000, show_default=True, help="Calls in a day.")
@click.option("--redirect-uri", multiple=True, help="A redirect address to register as well.")
@click.option("--switch", "switches", multiple=True, metavar="NAME=VALUE", help="See the docs.")
@click.option(
    "--fault", "faults", multiple=True, metavar="JSON", help="A fault rule; see the docs."
)
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="Where to write how to connect."
)
def sandbox(ready_file: Path | None, **options: Any) -> None:  # noqa: ANN401 - as click has them
    """Run a local Exact Online with made-up data, until Ctrl-C.

    It answers on 127.0.0.1 only, and behaves like the real service: the same sign-in, limits,
    paging and errors.
    """
    config = _config(options)
    # Said before the data are made, which may take minutes.
    listen(config.port).close()
    click.echo("Making the data ...", err=True)
    instance = Sandbox(config)
    instance.prepare()
    try:
        instance.serve(lambda server: _announce(server, config, ready_file))
    except RuntimeError as error:
        raise click.ClickException(
            f"{error} Choose another with --port, or any free one with --port 0."
        ) from error


def _config(options: dict[str, Any]) -> SandboxConfig:
    app = App()
    try:
        faults = tuple(FaultRule(**json.loads(text)) for text in options["faults"])
    except (json.JSONDecodeError, TypeError) as error:
        raise click.BadParameter(f"not a fault rule: {error}", param_hint="--fault") from error
    return SandboxConfig(
        seed=options["seed"],
        invoices=options["invoices"] or _SIZES[options["size"]],
        lines_per_invoice=options["lines_per_invoice"],
        divisions=options["divisions"],
        books=options["books"],
        clock=_clock(options["clock"]),
        speed=options["speed"],
        port=options["port"],
        tls=options["tls"],
        only=options["only"],
        minutely_limit=options["minutely_limit"],
        daily_limit=options["daily_limit"],
        apps=(App(redirect_uris=(*app.redirect_uris, *options["redirect_uri"])),),
        switches=_switches(options["switches"]),
        faults=faults,
    )


def _clock(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not an ISO date.", param_hint="--clock") from error


def _switches(texts: tuple[str, ...]) -> Switches:
    switches = Switches()
    for text in texts:
        name, _, value = text.partition("=")
        name = name.replace("-", "_")
        try:
            set_switch(switches, name, _value(getattr(switches, name, ""), value))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--switch") from error
    return switches


def _value(current: object, text: str) -> object:
    """Parse the value of a switch by the type of its default."""
    if isinstance(current, bool):
        return _WORDS.get(text.lower(), text)
    if isinstance(current, int | float):
        return type(current)(text)
    return tuple(text.split(",")) if isinstance(current, tuple) else text


def _announce(server: Server, config: SandboxConfig, ready_file: Path | None) -> None:
    app = server.credentials
    facts = {
        "base_url": server.base_url,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "webhook_secret": app.webhook_secret,
        "redirect_uri": app.redirect_uris[0],
        "redirect_uris": app.redirect_uris,
        "divisions": server.divisions,
        "control_url": f"{server.base_url}/sandbox/",
        "ca_file": str(server.ca_file) if server.ca_file else None,
    }
    if ready_file is not None:
        # Written under another name and renamed, so that a reader finds the whole file.
        partial = ready_file.with_name(ready_file.name + ".partial")
        partial.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        partial.replace(ready_file)
    shown = ", ".join(str(code) for code in server.divisions[:5])
    more = " ..." if len(server.divisions) > 5 else ""  # noqa: PLR2004
    click.echo(
        f"""
A local Exact Online is running. Its data are made up; nothing here leaves this machine.
Open {server.base_url}/ in a browser to see its companies, invoices, entries and calls.

  base_url       {server.base_url}
  client_id      {app.client_id}
  client_secret  {app.client_secret}
  redirect_uri   {app.redirect_uris[0]}
  divisions      {shown}{more}   ({config.invoices} sales invoices each)
{_trust(server)}
Tokens without the browser; either can be used at once:
  {_curl(server)} -X POST {server.base_url}/sandbox/sign-in

Stop it with Ctrl-C."""
    )


def _curl(server: Server) -> str:
    return f"curl --cacert {server.ca_file}" if server.ca_file else "curl"


def _trust(server: Server) -> str:
    return f"  certificate    {server.ca_file}\n" if server.ca_file else ""
