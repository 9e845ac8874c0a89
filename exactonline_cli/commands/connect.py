"""`exactonline connect`: connect an account on a local web page."""

from __future__ import annotations

import threading
import time
import webbrowser
from contextlib import ExitStack, closing
from pathlib import Path

import click

from exactonline_cli import meltano_project
from exactonline_cli.options import option, store_option
from exactonline_cli.sign_in.flow import begin
from exactonline_cli.sign_in.page.app import make_app
from exactonline_cli.sign_in.page.render import content_hash, render
from exactonline_cli.sign_in.page.serve import listen, origin, serve
from exactonline_cli.sign_in.page.shortcut import shortcut
from exactonline_cli.sign_in.page.visit import Visit
from exactonline_cli.variables import withdraw_secrets
from exactonline_client import connections
from exactonline_client.errors import ConfigurationError

PORT = 8641


@click.command()
@option("connection", "--name", metavar="NAME", help="Name of the connection. Default: made up.")
@option("base_url", metavar="URL", help="Instead of the region's address: the sandbox's.")
@store_option
@click.option("--port", default=PORT, show_default=True, help="Port on 127.0.0.1; 0 for any.")
@click.option("--no-browser", is_flag=True, help="Only show the address.")
@click.option(
    "--callback-page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Only write a page to host at the redirect address, and connect nothing.",
)
def connect(  # noqa: PLR0913 - one for each option
    connection: str | None,
    base_url: str | None,
    store_url: str | None,
    port: int,
    *,
    callback_page: Path | None,
    no_browser: bool,
) -> None:
    """Connect an Exact Online account, step by step on a web page of this machine.

    The page listens on 127.0.0.1 only. It closes when all is done, and after 15 minutes without
    use.
    """
    if callback_page:
        _write_callback_page(callback_page)
        return
    if connection and not connections.NAME.fullmatch(connection):
        raise ConfigurationError(f"--name: {connection!r} is not a valid name for a connection.")
    sign_in = begin(store_url, base_url, connection)
    withdraw_secrets()
    with closing(listen(port)) as listener, closing(sign_in), ExitStack() as stack:
        visit = Visit(
            sign_in=sign_in,
            origin=origin(listener),
            store_url=store_url,
            project=meltano_project.find(),
            clock=time.time,
        )
        click.echo(f"Open this address in your browser:\n\n  {visit.address}\n", err=True)
        opened = None if no_browser else stack.enter_context(shortcut(visit.address))
        if opened:
            threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()
        serve(make_app(visit), visit, listener)
        if not sign_in.signed_in:
            raise ConfigurationError("The page was closed before a sign-in. No sign-in was stored.")
        rest = "" if visit.connected else " No divisions were chosen."
        click.echo(f"Connected: {sign_in.opened.name}.{rest}", err=True)


def _write_callback_page(file: Path) -> None:
    policy = (
        f"default-src 'none'; style-src {content_hash('style.css')}; "
        f"script-src {content_hash('callback.js')}; base-uri 'none'; form-action 'none'"
    )
    try:
        file.write_text(render("callback.html", policy=policy), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(
        f"Wrote {file}. Host it at an https address of yours, and register that address as the "
        "redirect URI of the app.",
        err=True,
    )
