"""Lists on disk behave as lists, and only their present part is in memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from exactonline_cli.spreadsheet.spool import CHUNK, Spool


def filled(count: int) -> Spool[dict[str, int]]:
    made: Spool[dict[str, int]] = Spool()
    for number in range(count):
        made.append({"number": number})
    return made


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK - 1])
def test_it_is_a_list(count: int) -> None:
    made, expected = filled(count), [{"number": number} for number in range(count)]
    assert len(made) == count
    assert list(made) == expected
    assert list(reversed(made)) == expected[::-1]
    for part in (slice(3), slice(-3, None), slice(None, None, CHUNK // 2)):
        assert made[part] == expected[part]
    for index in (0, -1, count // 2) if count else ():
        assert made[index] == expected[index]
    with pytest.raises(IndexError):
        made[count]


def test_changes_of_any_length_stay() -> None:
    made: Spool[str] = Spool()
    expected: list[str] = []
    chosen = random.Random(15)
    for _ in range(3000):
        text = "x" * chosen.randrange(400)
        if expected and chosen.random() < 0.5:
            index = chosen.randrange(len(expected))
            made[index] = expected[index] = text
        else:
            made.append(text)
            expected.append(text)
    assert list(made) == expected


def test_items_are_edited_in_passing() -> None:
    made = filled(3 * CHUNK)
    for item in made.edited():
        item["twice"] = 2 * item["number"]
    assert [item["twice"] for item in made] == [2 * number for number in range(3 * CHUNK)]


def test_memory_does_not_grow_with_the_list() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        made: Spool[bytes] = Spool()
        for number in range(count):
            made.append(number.to_bytes(1000, "big"))
        assert sum(int.from_bytes(item, "big") for item in made) == count * (count - 1) // 2
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(10_000) < 1.2 * peak(2_000)
