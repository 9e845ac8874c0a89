"""Advise the user how a run could take fewer calls."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tap_exactonline.estimate.sources import CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_exactonline.estimate.cost import Cost, Estimate

LARGE_SHARE = 0.25
FEW_CALLS = 60
"""Runs of so few calls, which fit in a minute, get no advice."""
WORTH_SWITCHING = 10
SYNC = "sync/"
"""Prefix of endpoints whose first read is a full one, whatever the start date."""


def advice(estimate: Estimate, *, has_start_date: bool) -> list[str]:
    """Sentences on how to make a run cheaper, most effective first; none for a cheap run."""
    by_list: defaultdict[tuple[str, ...], list[Cost]] = defaultdict(list)
    for cost in estimate.costs:
        if cost.streams:
            by_list[cost.streams].append(cost)
    return [
        *_of_sync(by_list),
        *_of_large_lists(by_list, estimate.calls),
        *_of_days(estimate, has_start_date=has_start_date),
    ]


def _of_sync(by_list: dict[tuple[str, ...], list[Cost]]) -> Iterator[str]:
    for streams, costs in by_list.items():
        now = sum(cost.calls for cost in costs if cost.sync_calls)
        then = sum(cost.sync_calls or 0 for cost in costs)
        if now - then >= WORTH_SWITCHING:
            names = " and ".join(streams)
            yield f"Set use_sync_api: {names} would need {then:,} calls instead of {now:,}."


def _of_large_lists(by_list: dict[tuple[str, ...], list[Cost]], total: int) -> Iterator[str]:
    sums = {streams: sum(cost.calls for cost in costs) for streams, costs in by_list.items()}
    for streams, calls in sorted(sums.items(), key=lambda item: -item[1]):
        if total > FEW_CALLS and calls >= LARGE_SHARE * total and len(sums) > 1:
            names = " and ".join(streams)
            takes = "take" if len(streams) > 1 else "takes"
            yield (
                f"Deselect {names} if you can do without: {takes} {calls / total:.0%} of the "
                f"calls ({calls:,} of {total:,})."
            )


def _of_days(estimate: Estimate, *, has_start_date: bool) -> Iterator[str]:
    if estimate.days <= 1:
        return
    first = [cost for cost in estimate.costs if cost.streams and cost.scope != CHANGES]
    if any(not cost.endpoint.startswith(SYNC) for cost in first):
        how = "Set a later start_date" if has_start_date else "Set start_date"
        yield f"{how}: rows last changed before it are then not read."
    yield (
        f"The calls of one day are not enough: it takes {estimate.days} days. Run the tap every "
        "day; each run continues where the previous one ended."
    )
