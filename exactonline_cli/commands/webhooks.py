"""`exactonline webhooks`: verify that a payload comes from Exact."""

from __future__ import annotations

import click

from exactonline_cli.groups import CommandGroup
from exactonline_cli.options import warn_of_visible_secret
from exactonline_cli.output import json_option, print_json
from exactonline_client import redaction
from exactonline_client.errors import ConfigurationError
from tap_exactonline.divisions import webhooks as events

VARIABLE = "EXACTONLINE_WEBHOOK_SECRET"
STDIN = "-"


@click.group(cls=CommandGroup)
def webhooks() -> None:
    """Work with the webhooks of Exact Online."""


@webhooks.command()
@click.argument(
    "payload", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default=STDIN
)
@click.option(
    "--secret",
    envvar=[VARIABLE],
    callback=warn_of_visible_secret,
    show_envvar=True,
    help="Webhook secret of the app. An option can be seen by others on the machine; better set "
    "the variable. Without either it is asked for.",
)
@json_option
@click.pass_context
def verify(ctx: click.Context, payload: str, secret: str | None, *, as_json: bool) -> None:
    """Check the hash of a payload, from a file or from standard input.

    Exit code 0 if the hash is right, 1 if it is not or if this is not a payload.
    """
    if not secret and payload == STDIN:
        raise ConfigurationError(
            f"Set {VARIABLE}. It cannot be asked for while the payload is on standard input."
        )
    with click.open_file(payload, "rb") as file:
        body = file.read()
    secret = secret or click.prompt("Webhook secret", hide_input=True, err=True)
    redaction.remember(secret)
    try:
        event = events.parse(body)
    except ValueError as error:
        _refuse(ctx, str(error), as_json=as_json)
        return
    if not event.is_signed_with(secret):
        _refuse(
            ctx,
            "the hash is not that of the content with this secret. The payload is not from Exact, "
            "was changed on its way, or the secret is that of another app",
            as_json=as_json,
        )
        return
    content = event.content
    if as_json:
        facts = {
            "valid": True,
            "topic": content.topic,
            "action": content.action,
            "division": content.division,
            "key": content.key,
        }
        print_json(facts)
    else:
        click.echo(
            f"Valid: {content.topic} {content.action} in division {content.division}, "
            f"key {content.key}"
        )


def _refuse(ctx: click.Context, reason: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"valid": False, "reason": reason})
    else:
        click.echo(f"Not valid: {reason}.", err=True)
    ctx.exit(1)
