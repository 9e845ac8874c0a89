"""What another user of the machine may have put there is not used, and the store stays private."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from exactonline_client.errors import StoreError
from exactonline_client.store import files
from exactonline_client.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOMEBODY = 12_345
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="Only root can give files away."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def open_in(folder: Path) -> None:
    with closing(Store(f"sqlite:///{folder / 'store.db'}")) as store:
        assert store.decrypt(store.encrypt("hush")) == "hush"


def refusal(folder: Path) -> str:
    with pytest.raises(StoreError) as caught:
        open_in(folder)
    assert caught.value.exit_code == 8
    return str(caught.value)


def test_the_folder_is_left_out_of_version_control(folder: Path) -> None:
    open_in(folder)
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_is_left_as_it_is(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    open_in(folder)
    assert not (folder / ".gitignore").exists()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o707])
def test_a_folder_that_others_may_write_is_refused(mode: int, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(mode)
    key = folder / "store.key"
    key.write_bytes(Fernet.generate_key())
    assert "Others may write in the folder" in refusal(folder)
    assert not (folder / "store.db").exists()


@as_root
def test_a_folder_that_a_group_may_write_is_refused(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 0, SOMEBODY)
    folder.chmod(0o2770)
    assert "Others may write in the folder" in refusal(folder)


@as_root
def test_a_group_of_ones_own_is_nobody_else(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o775)
    open_in(folder)


@pytest.mark.parametrize("name", ["store.key", "store.schema.lock", "store.key.lock"])
def test_a_link_in_place_of_a_file_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    target = tmp_path / "precious"
    target.write_bytes(Fernet.generate_key())
    target.chmod(0o644)
    (folder / name).symlink_to(target)
    before = target.read_bytes()
    assert f"{name} is a link" in refusal(folder)
    assert target.read_bytes() == before
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["store.db", "store.key", "store.key.lock", "store.db-journal"])
def test_a_second_name_of_another_file_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    target = tmp_path / "precious"
    target.write_bytes(b"")
    target.chmod(0o644)
    os.link(target, folder / name)
    assert f"{name} has another name" in refusal(folder)
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["store.db", "store.key", "store.db-wal"])
def test_a_pipe_is_refused_and_not_waited_for(name: str, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / name)
    assert f"{name} is not a regular file" in refusal(folder)


def test_a_link_of_ones_own_is_followed(folder: Path, tmp_path: Path) -> None:
    open_in(folder)
    (tmp_path / "shortcut").symlink_to(folder)
    with closing(Store(f"sqlite:///{tmp_path / 'shortcut' / 'store.db'}")) as store:
        assert store.folder == folder


def plant_folder(folder: Path) -> None:
    open_in(folder)
    for path in (folder, *folder.iterdir()):
        os.chown(path, SOMEBODY, SOMEBODY)


def plant_key(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "store.key").write_bytes(Fernet.generate_key())
    os.chown(folder / "store.key", SOMEBODY, SOMEBODY)


def plant_store(folder: Path) -> None:
    open_in(folder)
    os.chown(folder / "store.db", SOMEBODY, SOMEBODY)


def plant_journal(folder: Path) -> None:
    open_in(folder)
    (folder / "store.db-journal").write_bytes(b"")
    os.chown(folder / "store.db-journal", SOMEBODY, SOMEBODY)


def plant_lock(folder: Path) -> None:
    open_in(folder)
    os.chown(folder / "store.schema.lock", SOMEBODY, SOMEBODY)


def plant_link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    open_in(elsewhere)
    folder.symlink_to(elsewhere)
    os.chown(folder, SOMEBODY, SOMEBODY, follow_symlinks=False)


@as_root
@pytest.mark.parametrize(
    "plant", [plant_folder, plant_key, plant_store, plant_journal, plant_lock, plant_link]
)
def test_what_is_another_users_is_refused(plant: Callable[[Path], None], folder: Path) -> None:
    plant(folder)
    assert f"belongs to another user (uid {SOMEBODY}" in refusal(folder)


def test_a_lock_is_for_its_owner_only(folder: Path) -> None:
    with files.lock(folder / "a.lock"):
        assert (folder / "a.lock").stat().st_mode & 0o777 == 0o600
