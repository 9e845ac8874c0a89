"""What must hold of the project as a whole: its pins, its requirements and its Meltano file."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from exactonline_cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DISTRIBUTION = "singer-exactonline"
PACKAGES = (
    "exactonline_cli",
    "exactonline_client",
    "exactonline_sandbox",
    "tap_exactonline",
    "target_exactonline",
)
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PINS = sorted((ROOT / "requirements").glob("*.txt"))


def module_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every absolute name that a module imports, down to the imported attribute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module_id(path)} line {node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def pinned(path: Path) -> dict[str, list[Requirement]]:
    """The requirements of a pins file by name; one name may be there once per Python."""
    text = re.sub(r" \\\n +--hash=\S+", "", path.read_text(encoding="utf-8"))
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        requirement = Requirement(line.removesuffix(" \\"))
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def meltano_plugins() -> list[dict[str, Any]]:
    file = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    return [plugin for kind in file["plugins"].values() for plugin in kind]


def declared(extra: str) -> list[Requirement]:
    """The distribution's own requirements under an extra, or without one."""
    found = map(Requirement, metadata.requires(DISTRIBUTION) or ())
    return [
        requirement
        for requirement in found
        if (not requirement.marker or requirement.marker.evaluate({"extra": extra}))
        and (not extra or "extra" in str(requirement.marker))
    ]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("click", "8.3.2"),  # CVE-2026-7246
        ("cryptography", "49.0.0"),  # CVE-2026-69247, CVE-2026-69248, CVE-2026-69249
        ("filelock", "3.20.2"),  # CVE-2025-68146, CVE-2026-22701
        ("jinja2", "3.1.5"),  # CVE-2025-27516
        ("python-dotenv", "1.2.1"),  # CVE-2026-28684
        ("requests", "2.32.5"),  # CVE-2026-25645
        ("starlette", "1.3.0"),  # CVE-2026-48710, CVE-2026-54283
        ("urllib3", "2.7.0"),  # CVE-2026-97687, CVE-2026-97688, CVE-2026-97689
    ],
)
def test_no_release_with_an_advisory_is_allowed(name: str, last: str) -> None:
    (requirement,) = [found for found in declared("") if found.name == name]
    assert last not in requirement.specifier


@pytest.mark.parametrize("path", PINS, ids=module_id)
def test_pins_name_no_address_and_carry_hashes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for address in ("://", "file:", "--index", "--extra-index", "--find-links", " @ "):
        assert address not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[^ ]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("path", PINS, ids=module_id)
def test_pins_leave_out_the_backoff_that_breaks_the_other(path: Path) -> None:
    assert "backoff" not in pinned(path)


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("plugins.txt", ()),
        ("demo.txt", ("postgres",)),
        ("dev.txt", ("duckdb", "excel", "keyring", "postgres")),
    ],
)
def test_pins_meet_the_declared_requirements(file: str, extras: tuple[str, ...]) -> None:
    pins = pinned(ROOT / "requirements" / file)
    for wanted in (requirement for extra in ("", *extras) for requirement in declared(extra)):
        found = pins[canonicalize_name(wanted.name)]
        for pin in found:
            (version,) = (part.version for part in pin.specifier)
            assert wanted.specifier.contains(version), f"{wanted} is pinned to {version}"


def owners() -> dict[str, set[str]]:
    """The installed distributions by the top-level names that they bring."""
    found = metadata.packages_distributions()
    return {top: {canonicalize_name(name) for name in names} for top, names in found.items()}


def test_everything_imported_is_declared() -> None:
    owned = owners()
    listed = {
        canonicalize_name(wanted.name)
        for extra in ("", "duckdb", "excel", "keyring", "postgres")
        for wanted in declared(extra)
    }
    for path in MODULES:
        for top in {name.partition(".")[0] for name in imports(path)}:
            if top not in sys.stdlib_module_names and top not in PACKAGES:
                assert owned.get(top, set()) & listed, (
                    f"{module_id(path)} imports {top}: not declared"
                )


@pytest.mark.parametrize(
    "script",
    [
        entry.value
        for entry in metadata.distribution(DISTRIBUTION).entry_points
        if entry.group == "console_scripts"
    ],
)
def test_commands_load_without_the_extras(script: str) -> None:
    module, _, attribute = script.partition(":")
    program = (
        "import sys\n"
        "for extra in ('jinja2', 'keyring', 'openpyxl', 'psycopg', 'starlette', 'uvicorn'):\n"
        "    sys.modules[extra] = None\n"
        f"import {module}\n"
        f"assert callable({module}.{attribute})\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr


def test_meltano_file_is_valid() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.meltano",
            "meltano.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_meltano_settings_are_those_of_the_plugins() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "scripts", "meltano", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr


def test_meltano_installs_plugins_from_pins() -> None:
    for plugin in meltano_plugins():
        match = re.fullmatch(r"(-e \.|[a-z-]+) -r (requirements/\S+\.txt)", plugin["pip_url"])
        assert match, plugin["pip_url"]
        source, file = match.groups()
        assert source == "-e ." or source in pinned(ROOT / file)


def test_meltano_hides_secrets_and_nothing_else() -> None:
    ours = [plugin for plugin in meltano_plugins() if plugin["pip_url"].startswith("-e .")]
    assert {plugin["name"] for plugin in ours} == {"tap-exactonline", "target-exactonline"}
    for plugin in ours:
        hidden = {setting["name"] for setting in plugin["settings"] if setting.get("sensitive")}
        assert hidden == {"client_secret", "refresh_token", "store_key", "store_url"}


def test_meltano_explains_every_setting() -> None:
    for plugin in meltano_plugins():
        for setting in plugin["settings"]:
            assert setting.get("description"), f"{plugin['name']}: {setting['name']}"


def test_meltano_commands_are_those_of_the_command_line() -> None:
    offered = {*COMMANDS}
    for plugin in meltano_plugins():
        if plugin["name"] == "dbt-exactonline":
            continue
        for name, command in plugin.get("commands", {}).items():
            assert command["executable"] == "exactonline"
            assert command["args"].split()[0] == name
            assert name in offered


def test_meltano_claims_only_what_the_plugins_can() -> None:
    for plugin in meltano_plugins():
        if plugin["pip_url"].startswith("-e ."):
            run = subprocess.run(
                [Path(sys.executable).parent / plugin["executable"], "--about", "--format=json"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert set(plugin["capabilities"]) <= set(json.loads(run.stdout)["capabilities"])


def test_no_file_names_a_package_registry() -> None:
    hosts = re.compile(
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|debian[.]org", re.IGNORECASE
    )
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and (found := hosts.search(path.read_text("utf-8", errors="replace"))):
            pytest.fail(f"{name} names {found[0]}")
