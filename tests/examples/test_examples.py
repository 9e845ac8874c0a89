"""The examples, the images and the workflows have the form that their programs want."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def our_settings() -> set[str]:
    entry = next(
        item
        for item in loaded(ROOT / "meltano.yml")["plugins"]["extractors"]
        if item["name"] == "tap-exactonline"
    )
    return {setting["name"] for setting in entry["settings"]}


def test_the_project_of_the_image_is_valid() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.meltano"),
            "examples/meltano.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_project_of_the_image_knows_our_settings_and_pins() -> None:
    plugins = loaded(EXAMPLES / "meltano.yml")["plugins"]
    (tap,) = plugins["extractors"]
    assert {setting["name"] for setting in tap["settings"]} <= our_settings()
    hidden = {setting["name"] for setting in tap["settings"] if setting.get("sensitive")}
    assert hidden == {"client_secret", "refresh_token", "store_key", "store_url"}
    for plugin in (tap, *plugins["loaders"]):
        (pins,) = re.findall(r"-r (\S+)", plugin["pip_url"])
        assert (ROOT / pins).exists()


def test_compose_starts_the_database_first_and_keeps_no_secret() -> None:
    file = loaded(EXAMPLES / "compose.yml")
    load, postgres = file["services"]["load"], file["services"]["postgres"]
    assert load["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert postgres["healthcheck"]["test"]
    assert re.fullmatch(r"postgres:\d+", postgres["image"])
    assert set(file["volumes"]) == {volume.partition(":")[0] for volume in postgres["volumes"]}
    context = (EXAMPLES / load["build"]["context"]).resolve()
    assert context == ROOT
    assert f"AS {load['build']['target']}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    environment = {**load["environment"], **postgres["environment"]}
    for name, value in environment.items():
        if re.search("SECRET|TOKEN|KEY|PASSWORD", name):
            assert re.fullmatch(r"\$\{\w+:[?-].*\}", value), f"{name} is written out"
    ours = {
        name.removeprefix("TAP_EXACTONLINE_").lower()
        for name in environment
        if name.startswith("TAP_EXACTONLINE_") and not name.startswith("TAP_EXACTONLINE__")
    }
    assert ours <= our_settings()


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: the word, and the rest with its lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_images_are_pinned_hashed_and_run_as_nobody_special() -> None:
    stages: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            source, _, name = rest.partition(" AS ")
            assert source in stages or re.fullmatch(r"python:3\.\d+-slim", source), source
            stages[name] = []
        else:
            stages[name].append((word, rest))
    for name in ("meltano", "plugins"):
        users = [rest for word, rest in stages[name] if word == "USER"]
        assert users == ["exactonline"]
    for found in stages.values():
        for word, rest in found:
            for install in re.findall(r"pip install [^&]*", rest if word == "RUN" else ""):
                assert "--require-hashes" in install or "--no-index" in install


def test_images_copy_what_there_is() -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(
                    line in {f"!{source}", f"!{source.rpartition('/')[0]}/*.txt"}
                    for line in allowed
                ), f"{source} is kept out by .dockerignore"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_what_they_use_and_may_do_little(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file = loaded(path)
    assert file["permissions"] == {"contents": "read"}
    for job in file["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert set(job.get("permissions", {})) <= {"id-token"}
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    for target in re.findall(r"run: make (\w+)", text):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_release_is_tested_and_published_without_a_token() -> None:
    file = loaded(ROOT / ".github" / "workflows" / "release.yml")
    build, publish = file["jobs"]["build"], file["jobs"]["publish"]
    ran = [step.get("run", "") for step in build["steps"]]
    assert ran.index(".ci/run") < ran.index("make build")
    assert any("scripts/check_tag.py" in command for command in ran)
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
