"""What a user has decided of a file, kept beside it for the next file with the same headers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from exactonline_cli.spreadsheet.choices import Choices
from exactonline_cli.spreadsheet.headers import plain_header
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FILE = "exactonline-columns.json"
"""Beside the spreadsheets of a folder."""
ALIKE = 0.6
"""Share of headers in common by which a file is one of those before, with headers changed."""
OPEN = Choices()


@dataclass(frozen=True)
class Profile:
    """The decisions for files of some headers."""

    entity: str
    headers: tuple[str, ...]
    file: str
    """For which it was made."""
    saved: str
    """The day."""
    choices: Choices


def fingerprint(entity: str, headers: Iterable[str]) -> str:
    """What files with the same headers in the same order have in common."""
    names = [entity, *(plain_header(header) for header in headers if header)]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def load(folder: Path) -> dict[str, Profile]:
    """The profiles of a folder, by fingerprint.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Profile(
                entity=value["entity"],
                headers=tuple(value["headers"]),
                file=value["file"],
                saved=value["saved"],
                choices=Choices(**value["choices"]),
            )
            for name, value in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__}). It keeps what columns mean: correct "
            "it, or remove it and say it again."
        ) from None


def save(folder: Path, profile: Profile) -> None:
    """Keep a profile; one with the same headers is replaced, one that decides nothing is not kept.

    Raises:
        ConfigurationError: the file cannot be read or written.
    """
    known = load(folder)
    name = fingerprint(profile.entity, profile.headers)
    if profile.choices == OPEN or (name in known and known[name].choices == profile.choices):
        return
    content: dict[str, Any] = {each: asdict(one) for each, one in {**known, name: profile}.items()}
    path = folder / FILE
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}).") from None


def changed(profiles: Iterable[Profile], entity: str, headers: Sequence[str]) -> str | None:
    """What to say where a file looks like an earlier one, but has other headers; None where not."""
    mine = {plain_header(header): header for header in headers if header}
    for profile in profiles:
        theirs = {plain_header(header): header for header in profile.headers if header}
        common = mine.keys() & theirs.keys()
        if profile.entity != entity or len(common) < ALIKE * max(len(mine), len(theirs)):
            continue
        new = ", ".join(mine[name] for name in mine if name not in theirs)
        gone = ", ".join(theirs[name] for name in theirs if name not in mine)
        parts = [f"new: {new}" if new else "", f"gone: {gone}" if gone else ""]
        what = "; ".join(part for part in parts if part) or "their order has changed"
        return (
            f"The headers are not those of {profile.file}, for which you said what columns mean "
            f"({profile.saved}): {what}"
        )
    return None


def merged(saved: Choices, given: Choices) -> Choices:
    """Decisions of now over those of before."""
    return Choices(
        columns={**saved.columns, **given.columns},
        constants={**saved.constants, **given.constants},
        **{
            name: value if (value := getattr(given, name)) != getattr(OPEN, name)
            else getattr(saved, name)
            for name in ("decimal", "dates", "prices", "discounts", "vat")
        },
    )  # fmt: skip


def answered(choices: Choices, setting: str, answer: str) -> Choices:
    """The decisions with one more."""
    given: dict[str, Any] = {setting: answer}
    return replace(choices, **given)
