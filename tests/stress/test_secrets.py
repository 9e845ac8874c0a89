"""Programs that fail with debug logging; the long version is `tests.stress.secrets`."""

from __future__ import annotations

import pytest

from tests.stress.secrets import SCENARIOS, Findings, explore

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]

CHOSEN = {
    "cut": 7,
    "wrong client secret": 2,
    "token repeated in the refusal": 7,
    "database away": 8,
}


def test_no_secret_gets_out_of_a_program_that_fails() -> None:
    chosen = [scenario for scenario in SCENARIOS if scenario.name in CHOSEN]
    found = explore(chosen, ("tap",), seed=1)
    assert found.leaks == []
    assert found.crashed == []
    assert found.codes == {name: {"tap": code} for name, code in CHOSEN.items()}
    assert len(found.secrets) > 4 * len(CHOSEN)
    assert found.searched > 100_000


def test_a_secret_that_gets_out_is_found() -> None:
    found = Findings(secrets={"stamp!01/x"})
    found.search("here", "GET /callback?code=stamp%2101%2Fx")
    found.search("there", "nothing")
    assert found.leaks == ["here: ...01/x"]
    assert found.searched == 40
