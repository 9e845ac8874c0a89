"""`exactonline ui`: a dashboard of the store on a local web page."""

from __future__ import annotations

import os
import threading
import time
import webbrowser
from contextlib import ExitStack, closing
from pathlib import Path

import click

from exactonline_cli.dashboard.app import make_app
from exactonline_cli.dashboard.session import Dashboard
from exactonline_cli.options import config_option, open_store, store_option
from exactonline_cli.sign_in.page.serve import listen, origin, serve
from exactonline_cli.sign_in.page.shortcut import shortcut
from exactonline_cli.variables import withdraw_secrets
from exactonline_client.plugin.configuration import read_files
from exactonline_client.store.store import project_folder

PORT = 8643
"""Another than that of the sandbox, which may run at the same time."""


@click.command()
@store_option
@config_option
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where files of rejected rows are looked for. Default: the Meltano project, else the "
    "current folder.",
)
@click.option("--port", default=PORT, show_default=True, help="Port on 127.0.0.1; 0 for any.")
@click.option("--no-browser", is_flag=True, help="Only show the address.")
def ui(
    store_url: str | None,
    files: tuple[str, ...],
    folder: Path | None,
    port: int,
    *,
    no_browser: bool,
) -> None:
    """Show a dashboard of the store on a web page of this machine.

    Sign-ins, calls left, last runs, what became of documents, and rejected rows; connections are
    renamed and revoked there, and rejected records sent again. The settings of --config are those
    of the target, for the latter; nothing else calls Exact.

    The page listens on 127.0.0.1 only. It closes with Ctrl-C, and after an hour without use.
    """
    environment = dict(os.environ)
    config = read_files(files).config
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(store_url or config.get("store_url"))))
        listener = stack.enter_context(closing(listen(port)))
        dashboard = Dashboard(
            origin=origin(listener),
            clock=time.time,
            store=store,
            folder=(folder or project_folder() or Path.cwd()).resolve(),
            environment=environment,
            files=files,
        )
        stack.enter_context(closing(dashboard))
        withdraw_secrets()
        click.echo(f"Open this address in your browser:\n\n  {dashboard.address}\n", err=True)
        opened = None if no_browser else stack.enter_context(shortcut(dashboard.address))
        if opened:
            threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()
        serve(make_app(dashboard), dashboard, listener)
