"""How a program ends that was asked to stop."""

from __future__ import annotations

import signal

import pytest

from exactonline_client.stopping import Stop


@pytest.mark.parametrize(
    ("signals", "code", "seen"),
    [
        ([signal.SIGINT], 0, 130),
        ([signal.SIGTERM], 0, 143),
        ([signal.SIGINT], 5, 5),
        ([], 0, 0),
    ],
)
def test_a_signal_is_told_by_the_exit_code_unless_there_is_another(
    signals: list[int], code: int, seen: int
) -> None:
    stop = Stop()
    for signum in signals:
        stop.ask(signum)
    with pytest.raises(SystemExit) as end, stop.ending_as_stopped():
        raise SystemExit(code)
    assert end.value.code == seen
