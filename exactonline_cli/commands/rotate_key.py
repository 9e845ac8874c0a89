"""`exactonline rotate-key`: encrypt the secrets of the store with a new key."""

from __future__ import annotations

from contextlib import closing

import click

from exactonline_cli.options import open_store, store_option
from exactonline_cli.output import json_option, print_json
from exactonline_cli.variables import from_environment
from exactonline_client.errors import ConfigurationError, StoreError
from exactonline_client.printable import counted
from exactonline_client.store import keys
from exactonline_client.store.rotation import rotate


@click.command("rotate-key")
@store_option
@json_option
def rotate_key(store_url: str | None, *, as_json: bool) -> None:
    """Encrypt all that the store keeps secret with a new key.

    If store_key is set, it names the new key and the old one, separated by a comma. Otherwise a
    new key is made, in the keyring or the file that has the present one; run it while nothing
    else uses the store. A rotation that was cut off is continued by the next.
    """
    given = from_environment("store_key")
    if given and "," not in given:
        raise ConfigurationError(
            "Setting store_key names one key only. Put the new one before it, with a comma "
            "between, and give both to all programs that use the store."
        )
    if not given:
        with closing(open_store(store_url)) as store:
            keys.renew(store.key_file, store.name)
    with closing(open_store(store_url)) as store:
        done = rotate(store)
        if not given and not done.unreadable:
            keys.forget_old(store.key_file, store.name)
    if as_json:
        print_json({"rotated": done.rotated, "unreadable": done.unreadable})
    else:
        rows = counted(done.rotated, "row of the store is", "rows of the store are")
        click.echo(f"{rows} now encrypted with the new key.")
    if done.unreadable:
        raise StoreError(
            f"{counted(len(done.unreadable), 'row')} of the store could not be decrypted with this "
            f"key and stayed as before: {'; '.join(done.unreadable)}. Add that key too, after one "
            "more comma. If it is lost, sign in again under the name of a connection; a document "
            "is settled with exactonline results settle."
        )
    if given:
        click.echo("The old key may now be removed from store_key.", err=True)
