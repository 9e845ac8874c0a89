"""The verdict of each proof, from the files that dbt writes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exactonline_client.errors import ConfigurationError

FILE = "run_results.json"
HOLDS = ("pass",)
WORDS = {
    "pass": "holds",
    "fail": "does not hold",
    "warn": "does not hold",
    "error": "could not be run",
    "skipped": "not run",
}
"""Verdicts by the status of a test."""


@dataclass(frozen=True)
class Proof:
    """A test of dbt and its verdict."""

    name: str
    of: str
    """The model that it is about; empty for a query of its own, which may be about several."""
    status: str
    rows: int
    """Rows for which it does not hold."""

    @property
    def holds(self) -> bool:
        """Whether it holds."""
        return self.status in HOLDS

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return WORDS.get(self.status, self.status)


@dataclass(frozen=True)
class Proofs:
    """All tests of one run."""

    run_at: str
    """Time of the run, in UTC."""
    all: list[Proof]

    @property
    def broken(self) -> list[Proof]:
        """Those that do not hold, or were not run."""
        return [proof for proof in self.all if not proof.holds]

    @property
    def written(self) -> list[Proof]:
        """Those of the accounts."""
        return [proof for proof in self.all if not proof.of]

    @property
    def of_models(self) -> list[Proof]:
        """Those of keys, references and values."""
        return [proof for proof in self.all if proof.of]


def places() -> list[Path]:
    """Return the folders that dbt may have written to, the first one first."""
    named = os.environ.get("DBT_TARGET_PATH")
    project = Path(os.environ.get("DBT_PROJECT_DIR", "dbt"))
    return [*([Path(named)] if named else []), project / "target", Path("target")]


def read(path: Path | None) -> Proofs | None:
    """Read the results of the last run, at `path` or where dbt writes; None if there are none.

    Raises:
        ConfigurationError: there is no file at `path`, or it is no result of tests.
    """
    found = path or next(
        (place / FILE for place in places() if (place / FILE).is_file()),
        None,
    )
    if found is None:
        return None
    results = _json(found)
    manifest = found.with_name("manifest.json")
    nodes = _json(manifest).get("nodes", {}) if manifest.is_file() else {}
    try:
        proofs = [
            _proof(item, nodes.get(item["unique_id"], {}))
            for item in results["results"]
            if item["unique_id"].startswith("test.")
        ]
        run_at = str(results["metadata"]["generated_at"])[:16].replace("T", " ")
    except (AttributeError, KeyError, TypeError):
        raise ConfigurationError(f"{found} is not a {FILE} of dbt.") from None
    if not proofs:
        raise ConfigurationError(
            f"{found} has no tests: the last run of dbt ran none. Run dbt build."
        )
    return Proofs(run_at, sorted(proofs, key=lambda proof: (proof.holds, proof.of, proof.name)))


def _proof(item: dict[str, Any], node: dict[str, Any]) -> Proof:
    name = str(item["unique_id"]).split(".")[2]
    test = node.get("test_metadata") or {}
    of = (node.get("attached_node") or "").rpartition(".")[2]
    generated = str(test.get("name", "")) if of and of in name else ""
    if generated:
        arguments = test.get("kwargs", {})
        about = arguments.get("columns") or [arguments.get("column") or node.get("column_name")]
        name = f"{generated}: {', '.join(str(each) for each in about if each)}"
    return Proof(
        name.replace("_", " ") if not generated else name,
        of,
        item["status"],
        item.get("failures") or 0,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is not a file of dbt.")
    return found
