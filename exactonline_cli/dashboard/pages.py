"""The pages of the dashboard; showing one changes nothing, and asks Exact nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_cli.dashboard import journal, overview, rejected
from exactonline_client.errors import ConfigurationError
from exactonline_client.store import postings
from exactonline_client.store.outcomes import STORED
from exactonline_client.store.postings import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_cli.dashboard.replays import Replay
    from exactonline_cli.dashboard.session import Dashboard
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.postings import Posting

    Fields = Mapping[str, str]
    Page = Callable[[Dashboard, Fields], str]

MOST_SHOWN = 200
"""Records that are shown of one replay."""


class Missing(Exception):  # noqa: N818 - what an address names
    """What an address names is not there, or not any more."""


@dataclass(frozen=True)
class Unfinished:
    """Records that a replay sends again."""

    connection: str | None
    """None if it was revoked."""
    app: str
    division: int
    count: int


def _show_overview(dashboard: Dashboard, _: Fields) -> str:
    accounts = overview.accounts(dashboard.store)
    plotted = [(each, overview.calls_plot(each, dashboard.language)) for each in accounts]
    return dashboard.page(
        "overview.html",
        accounts=plotted,
        unfinished=_unfinished(dashboard),
        store=dashboard.store.name,
        endings=overview.ENDINGS,
        most_divisions=overview.MOST_DIVISIONS,
    )


def _unfinished(dashboard: Dashboard) -> list[Unfinished]:
    counted = journal.unfinished(dashboard.store, dashboard.apps())
    return [
        Unfinished(dashboard.connection_for(app, division), app, division, count)
        for app, division, count in counted
    ]


def _show_postings(dashboard: Dashboard, fields: Fields) -> str:
    store, apps = dashboard.store, dashboard.apps()
    search = journal.Search.of(fields)
    return dashboard.page(
        "postings.html",
        found=journal.find(store, apps, search),
        search=search,
        outcomes=STORED,
        divisions=journal.divisions(store, apps),
        unfinished=_unfinished(dashboard),
        address=journal.address,
        to_send_filter=journal.TO_SEND,
        replays=list(enumerate(dashboard.replays))[::-1],
    )


def _show_posting(dashboard: Dashboard, fields: Fields) -> str:
    posting = journal.only(dashboard.store, dashboard.apps(), fields)
    if posting is None:
        raise Missing
    return dashboard.page(
        "posting.html",
        posting=posting,
        connection=dashboard.connection_for(posting.app, posting.division),
        can_be_sent=posting.outcome in UNFINISHED,
        was_beside=posting.reference.startswith(postings.BESIDE),
    )


def _show_connections(dashboard: Dashboard, _: Fields) -> str:
    return dashboard.page("connections.html", accounts=overview.accounts(dashboard.store))


def _show_rename(dashboard: Dashboard, fields: Fields) -> str:
    return dashboard.page("rename.html", connection=_named(dashboard, fields))


def _show_revoke(dashboard: Dashboard, fields: Fields) -> str:
    return dashboard.page(
        "revoke.html", connection=_named(dashboard, fields), store=dashboard.store.name
    )


def _named(dashboard: Dashboard, fields: Fields) -> SavedConnection:
    for one in dashboard.connections():
        if one.name == fields.get("name"):
            return one
    raise Missing


def _show_rejected(dashboard: Dashboard, fields: Fields) -> str:
    files = rejected.files(dashboard.folder)
    chosen = next((file for file in files if file.shown == fields.get("file")), None)
    rows, unreadable = None, None
    if chosen is not None:
        try:
            rows = rejected.read(chosen.path)
        except ConfigurationError as error:
            unreadable = str(error)
    return dashboard.page(
        "rejected.html",
        files=files,
        folder=dashboard.folder,
        chosen=chosen,
        rows=rows,
        unreadable=unreadable,
    )


def replay_of(dashboard: Dashboard, number: str) -> Replay:
    """Return a replay by the number in an address.

    Raises:
        Missing: there is none.
    """
    for index, each in enumerate(dashboard.replays):
        if str(index) == number:
            return each
    raise Missing


def _show_replay(dashboard: Dashboard, fields: Fields) -> str:
    replay = replay_of(dashboard, fields.get("number", ""))
    return dashboard.page(
        "replay.html",
        number=fields["number"],
        replay=replay,
        exit_code=replay.exit_code,
        results=replay.results[:MOST_SHOWN],
        more=max(len(replay.results), len(replay.references)) - MOST_SHOWN,
        noted=_noted(dashboard, replay),
        address=journal.address,
    )


def _noted(dashboard: Dashboard, replay: Replay) -> list[Posting]:
    """What the journal says of the documents that a replay sends."""
    chosen = replay.selection
    shown = replay.references[:MOST_SHOWN]
    return journal.named(dashboard.store, chosen.app, chosen.division, shown)


PAGES: dict[str, Page] = {
    "/overview": _show_overview,
    "/postings": _show_postings,
    "/posting": _show_posting,
    "/rejected": _show_rejected,
    "/connections": _show_connections,
    "/connections/rename": _show_rename,
    "/connections/revoke": _show_revoke,
    "/replay": _show_replay,
}
