"""What the store promises: durable, shared, private, and never overwritten."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from exactonline_client.auth.oauth import Token
from exactonline_client.connection import connect
from exactonline_client.errors import ConfigurationError, StoreError
from exactonline_client.http.rate_limit import Budget
from exactonline_client.store import engine as database
from exactonline_client.store.clock import ServerClock
from exactonline_client.store.store import Store
from exactonline_client.store.tables import VERSION, budgets, connections, metadata, schema_version
from exactonline_sandbox import Sandbox, SandboxConfig
from tests.client.conftest import BASE, Exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Clock, TokenEndpoint

Opener = Any

# Takes a lock, says so, and holds it until its input ends.
HOLDER = """
    import sys
    from exactonline_client.store.store import Store
    with Store(sys.argv[1], sys.argv[2]).lock("here"):
        print("held", flush=True)
        sys.stdin.read()
"""

# Counts up in a way that loses counts unless one process at a time does it.
COUNTER = """
    import sys
    from pathlib import Path
    from exactonline_client.store.store import Store
    store, file = Store(sys.argv[1], sys.argv[2]), Path(sys.argv[3])
    for _ in range(40):
        with store.lock("count"):
            number = int(file.read_text())
            file.write_text("0")
            file.write_text(str(number + 1))
"""


@contextmanager
def program(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process of this project; it is gone at the end of the block."""
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def add_token(store: Store, text: str) -> None:
    values = {
        "name": "a",
        "app": "a",
        "region": "nl",
        "base_url": "https://start.exactonline.nl",
        "client_id": "me",
        "client_secret": store.encrypt("hush"),
        "refresh_token": store.encrypt(text),
        "received_at": 0.0,
    }
    with store.transaction() as connection:
        connection.execute(connections.insert().values(**values))


def kept_token(store: Store) -> str | None:
    with store.transaction() as connection:
        return store.decrypt(
            connection.execute(sa.select(connections.c.refresh_token)).scalar_one()
        )


def version(store: Store) -> object:
    with store.transaction() as connection:
        return connection.execute(sa.select(schema_version.c.version)).scalar_one()


class TestBothDatabases:
    def test_a_new_store_has_the_newest_schema(self, store_url: str, open_store: Opener) -> None:
        with open_store(store_url) as store:
            assert version(store) == VERSION
            names = set(sa.inspect(store.engine).get_table_names())
        assert names == set(metadata.tables)

    def test_a_new_store_has_the_tables_that_the_code_uses(
        self, store_url: str, open_store: Opener
    ) -> None:
        with open_store(store_url) as store:
            inspector = sa.inspect(store.engine)
            for table in metadata.sorted_tables:
                made = {
                    column["name"]: (str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(table.name)
                }
                used = {
                    column.name: (
                        column.type.compile(store.engine.dialect),
                        bool(column.nullable),
                    )
                    for column in table.columns
                }
                assert made.keys() == used.keys(), table.name
                for name, (kind, nullable) in used.items():
                    assert made[name][1] == nullable or table.name == "schema_version", name
                    assert made[name][0].split(" ")[0] in ("DOUBLE", kind.split(" ")[0]), name
                keys = inspector.get_pk_constraint(table.name)["constrained_columns"]
                assert keys == [column.name for column in table.primary_key]

    def test_what_was_written_is_there_when_it_is_opened_again(
        self, store_url: str, open_store: Opener
    ) -> None:
        with open_store(store_url) as store:
            add_token(store, "refresh-1")
        with open_store(store_url) as store:
            assert kept_token(store) == "refresh-1"

    def test_what_is_done_under_locks_needs_no_connection_of_its_own(
        self, store_url: str, open_store: Opener
    ) -> None:
        with open_store(store_url) as store, open_store(store_url) as watcher:
            with store.lock("outer"), store.lock("inner"), store.transaction() as connection:
                connection.execute(budgets.insert().values(app="a", division=1))
            assert store.engine.pool.checkedout() == 0
            assert store.engine.pool.checkedin() <= 1
            with watcher.transaction() as connection:
                assert connection.execute(sa.select(budgets.c.division)).scalars().all() == [1]

    def test_a_failed_transaction_leaves_nothing(self, store_url: str, open_store: Opener) -> None:
        with open_store(store_url) as store:
            row = {"app": "a", "division": 1}
            with pytest.raises(StoreError), store.transaction() as connection:
                connection.execute(budgets.insert(), [row, row])
            with store.transaction() as connection:
                assert not connection.execute(sa.select(budgets)).all()

    @pytest.mark.parametrize(
        ("other", "advice"),
        [
            (VERSION + 1, r"newer version.*Upgrade"),
            (VERSION - 1, r"older version.*Use the singer-exactonline that wrote it"),
        ],
    )
    def test_a_store_of_another_version_is_refused_and_left_alone(
        self, store_url: str, open_store: Opener, other: int, advice: str
    ) -> None:
        with open_store(store_url) as store:
            add_token(store, "refresh-1")
            with store.transaction() as connection:
                connection.execute(schema_version.update().values(version=other))
            with pytest.raises(StoreError, match=advice), open_store(store_url):
                pass
            assert version(store) == other
            assert kept_token(store) == "refresh-1"

    def test_an_error_of_the_database_is_ours_and_tells_no_values(
        self, store_url: str, open_store: Opener
    ) -> None:
        with open_store(store_url) as store:
            add_token(store, "first")
            with pytest.raises(StoreError, match="cannot be used") as caught:
                add_token(store, "second")
            assert "second" not in str(caught.value)
            assert "\n" not in str(caught.value)
            assert caught.value.__suppress_context__

    def test_tokens_are_not_kept_in_clear(self, store_url: str, open_store: Opener) -> None:
        with open_store(store_url) as store:
            add_token(store, "refresh-1")
            with store.transaction() as connection:
                (kept,) = connection.execute(sa.select(connections.c.refresh_token)).scalars()
        assert b"refresh-1" not in kept

    def test_keys_can_be_rotated(self, store_url: str) -> None:
        old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        store = Store(store_url, old)
        add_token(store, "refresh-1")
        store.close()
        store = Store(store_url, f"{new}, {old}")
        assert kept_token(store) == "refresh-1"
        renewed = store.encrypt("refresh-2")
        store.close()
        store = Store(store_url, new)
        assert store.decrypt(renewed) == "refresh-2"
        with pytest.raises(StoreError, match=r"another key.*store_key"):
            kept_token(store)
        store.close()

    def test_nothing_is_encrypted_as_nothing(self, store_url: str, open_store: Opener) -> None:
        with open_store(store_url) as store:
            assert store.encrypt(None) is None
            assert store.decrypt(None) is None

    def test_a_lock_is_held_alone_among_processes(
        self, store_url: str, key: str, tmp_path: Path, open_store: Opener
    ) -> None:
        file = tmp_path / "count"
        file.write_text("0")
        arguments = (store_url, key, str(file))
        with program(COUNTER, *arguments) as one, program(COUNTER, *arguments) as other:
            assert (one.wait(60), other.wait(60)) == (0, 0)
        assert file.read_text() == "80"
        with open_store(store_url) as store, store.lock("count"):
            pass

    def test_a_lock_is_gone_with_its_process(
        self, store_url: str, key: str, open_store: Opener
    ) -> None:
        with (
            open_store(store_url, lock_timeout=10.0) as store,
            open_store(store_url, lock_timeout=0.2) as hasty,
            program(HOLDER, store_url, key) as holder,
        ):
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StoreError, match="lock"), hasty.lock("here"):
                pass
            with hasty.lock("elsewhere"):
                pass
            holder.send_signal(signal.SIGKILL)
            holder.wait(10)
            with store.lock("here"):
                pass

    def test_a_lock_is_given_back_after_an_error(self, store_url: str, open_store: Opener) -> None:
        with open_store(store_url) as store, open_store(store_url) as other:
            with pytest.raises(ZeroDivisionError), store.lock("here"):
                raise ZeroDivisionError
            with other.lock("here"):
                pass

    def test_many_threads_with_a_lock_each_can_all_write(
        self, store_url: str, open_store: Opener
    ) -> None:
        with open_store(store_url) as store:
            with ThreadPoolExecutor(24) as pool:

                def work(division: int) -> None:
                    with store.lock(f"division-{division}"), store.transaction() as connection:
                        connection.execute(budgets.insert().values(app="a", division=division))

                list(pool.map(work, range(24)))
            with store.transaction() as connection:
                assert len(connection.execute(sa.select(budgets)).all()) == 24

    def test_several_processes_may_make_it_at_once(self, store_url: str, key: str) -> None:
        code = "import sys; from exactonline_client.store.store import Store; Store(*sys.argv[1:])"
        with program(code, store_url, key) as one, program(code, store_url, key) as other:
            assert (one.wait(60), other.wait(60)) == (0, 0)


class TestPlace:
    def test_it_is_in_the_meltano_project(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
        store = Store()
        add_token(store, "refresh-1")
        folder = tmp_path / ".exactonline"
        assert (folder / "store.db").stat().st_size
        assert mode(folder) == 0o700
        assert {path.name for path in folder.iterdir()} >= {"store.db", "store.key"}
        assert {mode(path) for path in folder.iterdir()} == {0o600}
        store.close()

    def test_without_a_project_it_is_in_the_data_folder_of_the_user(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        store = Store()
        store.close()
        assert Path(store.url.database or "") == tmp_path / "exactonline" / "store.db"

    def test_it_is_in_the_project_that_the_command_is_run_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
        (tmp_path / "meltano.yml").touch()
        (tmp_path / "models").mkdir()
        monkeypatch.chdir(tmp_path / "models")
        store = Store()
        store.close()
        assert Path(store.url.database or "") == tmp_path / ".exactonline" / "store.db"

    def test_files_that_others_could_read_are_closed_to_them(self, tmp_path: Path) -> None:
        for name in ("store.db", "store.key"):
            (tmp_path / name).touch(mode=0o644)
            (tmp_path / name).chmod(0o644)
        Store(f"sqlite:///{tmp_path / 'store.db'}").close()
        assert mode(tmp_path / "store.db") == mode(tmp_path / "store.key") == 0o600

    def test_the_key_beside_it_is_made_once(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'store.db'}"
        store = Store(url)
        add_token(store, "refresh-1")
        store.close()
        store = Store(url, "")
        assert kept_token(store) == "refresh-1"
        store.close()

    def test_another_name_of_the_file_means_the_same_locks_and_key(self, tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        (tmp_path / "three").symlink_to("one")
        (tmp_path / "two" / "other.db").symlink_to(tmp_path / "one" / "store.db")
        names = ("one/store.db", "two/other.db", "three/store.db")
        with ExitStack() as stack:
            first, *others = (
                Store(f"sqlite:///{tmp_path / name}", lock_timeout=0.1) for name in names
            )
            for store in (first, *others):
                stack.callback(store.close)
            add_token(first, "mine")
            stack.enter_context(first.lock("here"))
            for other in others:
                assert kept_token(other) == "mine"
                with (
                    pytest.raises(StoreError, match="Another process has held"),
                    other.lock("here"),
                ):
                    pass

    def test_a_lock_that_was_removed_is_told(
        self, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with store.lock("here"):
            pass
        assert "removed" not in caplog.text
        with store.lock("here"):
            (tmp_path / "store.here.lock").unlink()
        assert "was removed while it was held" in caplog.text

    def test_no_key_is_written_where_one_is_given(self, tmp_path: Path, key: str) -> None:
        Store(f"sqlite:///{tmp_path / 'store.db'}", key).close()
        assert not (tmp_path / "store.key").exists()

    def test_a_given_key_and_a_database_need_no_folder(
        self,
        new_database: Callable[[], str],
        key: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
        url = new_database()
        Store(url, key).close()
        with pytest.raises(StoreError, match="cannot be kept"):
            Store(url)

    def test_the_short_address_of_postgresql_means_the_driver_we_bring(
        self, new_database: Callable[[], str], key: str
    ) -> None:
        store = Store(new_database().replace("postgresql+psycopg:", "postgresql:"), key)
        assert store.engine.driver == "psycopg"
        store.close()


class TestServer:
    """What only a server can do: have no connection left, or be away for a while."""

    JOBS, THREADS, CONNECTIONS = 8, 8, 20

    @pytest.fixture
    def small(self, new_database: Callable[[], str]) -> str:
        """A database that gives few connections."""
        url = sa.make_url(new_database())
        role = f"owner_of_{url.database}"
        with administrator(url) as connection:
            for command in (
                f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {self.CONNECTIONS}",
                f"ALTER DATABASE {url.database} OWNER TO {role}",
            ):
                connection.execute(sa.text(command))
        return url.set(username=role).render_as_string(hide_password=False)

    def test_many_jobs_share_the_few_connections_it_has(
        self, small: str, open_store: Opener
    ) -> None:
        with ExitStack() as stack:
            stores = [stack.enter_context(open_store(small)) for _ in range(self.JOBS)]

            def work(division: int) -> None:
                store = stores[division % self.JOBS]
                for number in range(3):
                    with store.lock(f"division-{division}"):
                        time.sleep(0.02)
                        store.put(budgets, app="a", division=division, day_remaining=number)

            workers = self.JOBS * self.THREADS
            with ThreadPoolExecutor(workers) as pool:
                assert list(pool.map(work, range(workers))) == [None] * workers
            assert all(store.engine.pool.checkedin() <= database.KEPT for store in stores)

    def test_a_lost_connection_is_had_again(
        self, new_database: Callable[[], str], open_store: Opener
    ) -> None:
        url = new_database()
        with open_store(url) as store, open_store(url) as other:
            drop_connections(url)
            with store.lock("here"), store.lock("there"):
                drop_connections(url)
                store.put(budgets, app="a", division=1, day_remaining=1)
            with other.lock("here"), other.lock("there"), other.transaction() as connection:
                assert connection.execute(sa.select(budgets.c.day_remaining)).scalars().all() == [1]

    def test_locks_of_a_lost_connection_are_taken_again(
        self,
        new_database: Callable[[], str],
        open_store: Opener,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        url = new_database()
        with open_store(url) as store, open_store(url, lock_timeout=0.1) as other:
            with store.lock("here"), store.lock("there"):
                drop_connections(url)
                store.put(budgets, app="a", division=1, day_remaining=1)
                assert "taken again" in caplog.text
                for name in ("here", "there"):
                    with pytest.raises(StoreError, match="lock timeout"), other.lock(name):
                        pass
                drop_connections(url)
            with other.lock("here"), other.lock("there"):
                pass

    def test_a_server_that_is_away_is_waited_for(
        self, new_database: Callable[[], str], open_store: Opener, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", database.logger.name)
        url = new_database()
        with open_store(url) as store, store.lock("here"):
            close_to_others(url)
            drop_connections(url)
            back = threading.Timer(0.5, close_to_others, (url,), {"closed": False})
            back.start()
            store.put(budgets, app="a", division=1, day_remaining=1)
            back.join()
        assert "The store gives no connection" in caplog.text
        assert "trying again" in caplog.text

    def test_but_not_for_ever(self, new_database: Callable[[], str], open_store: Opener) -> None:
        url = new_database()
        with open_store(url, server_timeout=0.5) as store:
            close_to_others(url)
            drop_connections(url)
            with pytest.raises(StoreError, match="not currently accepting connections"):
                kept_token(store)

    # The point at which the connection breaks: a statement by its number, or the commit.
    @pytest.mark.parametrize("at", [1, 2, 3, "commit"])
    def test_what_a_restart_cuts_off_is_done_again(
        self, at: int | str, new_database: Callable[[], str], open_store: Opener, clock: Clock
    ) -> None:
        with open_store(new_database()) as store:
            budget = Budget(store, "a", clock=ServerClock(clock))
            headers = {"X-RateLimit-Minutely-Limit": "60", "X-RateLimit-Minutely-Remaining": "9"}
            with broken(store, at):
                store.put(budgets, app="b", division=1, day_remaining=1)
            with broken(store, at):
                budget.learn(1, headers)
            with broken(store, at), budget.turn(1, "crm/Accounts"):
                pass
            with broken(store, at):
                rows = store.read(sa.select(budgets.c.app, budgets.c.minute_remaining))
            assert sorted(map(tuple, rows)) == [("a", 8), ("b", None)]

    @pytest.mark.parametrize("at", [1, 2, 3, "commit"])
    def test_a_chain_of_tokens_outlives_a_restart(
        self,
        at: int | str,
        new_database: Callable[[], str],
        open_store: Opener,
        clock: Clock,
        endpoint: TokenEndpoint,
    ) -> None:
        with open_store(new_database()) as store:
            exact = Exact(BASE, store, clock)
            for number in (1, 2):
                endpoint.grant(number)
                source = exact.tokens()
                with broken(store, at):
                    assert source.access_token() == f"access-{number}"
                with broken(store, at):
                    source._store_proof(Token(f"access-{number}", clock.now))
                clock.now += 600
            (row,) = store.read(sa.select(connections))
            assert store.decrypt(row.refresh_token) == "refresh-2"
            assert row.previous_refresh_token is None
            assert len(endpoint.forms) == 2

    def test_a_pair_that_was_stored_as_the_connection_broke_is_ours(
        self,
        new_database: Callable[[], str],
        open_store: Opener,
        clock: Clock,
        endpoint: TokenEndpoint,
    ) -> None:
        with open_store(new_database()) as store:
            exact = Exact(BASE, store, clock)
            endpoint.grant(1)
            source = exact.tokens()
            replace_chain = source._replace
            source._replace = lambda *given: replace_chain(*given) and False  # type: ignore[method-assign]
            assert source.access_token() == "access-1"
            (row,) = store.read(sa.select(connections))
            assert store.decrypt(row.previous_refresh_token) == "seed-0"

    def test_a_server_that_is_starting_is_waited_for_from_the_first(
        self, new_database: Callable[[], str], key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = new_database()
        connect, left = sa.Engine.connect, iter(["starting up", "shutting down"])

        def starting(engine: sa.Engine) -> sa.Connection:
            words = next(left, None)
            if words:
                said = Exception(f"FATAL:  the database system is {words}")
                raise sa.exc.OperationalError("", None, said)
            return connect(engine)

        monkeypatch.setattr(sa.Engine, "connect", starting)
        Store(url, key).close()
        assert next(left, None) is None

    def test_who_waits_for_a_lock_outlives_a_restart_with_all_its_locks(
        self,
        new_database: Callable[[], str],
        open_store: Opener,
    ) -> None:
        url = new_database()
        taken, enough = threading.Event(), threading.Event()
        with ExitStack() as stack:
            holder, waiter = (stack.enter_context(open_store(url)) for _ in range(2))
            other = stack.enter_context(open_store(url, lock_timeout=0.2))

            def wait() -> None:
                with waiter.lock("outer"), waiter.lock("inner"):
                    taken.set()
                    enough.wait(30)

            thread = threading.Thread(target=wait)
            with holder.lock("inner"):
                thread.start()
                while not end_who_waits(url):
                    time.sleep(0.01)
            assert taken.wait(30)
            for name in ("outer", "inner"):
                with pytest.raises(StoreError, match="lock"), other.lock(name):
                    pass
            enough.set()
            thread.join(30)

    def test_a_run_goes_on_while_the_server_is_started_anew_again_and_again(
        self, new_database: Callable[[], str], key: str
    ) -> None:
        url, over = new_database(), threading.Event()

        def restart() -> None:
            while not over.wait(0.05):
                drop_connections(url)

        with Sandbox(SandboxConfig(invoices=2, minutely_limit=1000)).running() as server:
            settings = {**server.settings(), "store_url": url, "store_key": key}
            server.control.clock(advance_seconds=600)
            with closing(connect(settings)) as opened, opened.noted_run("test"):
                thread = threading.Thread(target=restart)
                thread.start()
                try:
                    division = server.divisions[0]
                    for _ in range(40):
                        opened.session.get(f"/api/v1/{division}/crm/Accounts?$top=1", division)
                finally:
                    over.set()
                    thread.join(30)


@contextmanager
def broken(store: Store, at: int | str) -> Iterator[None]:
    """End the connection before a statement of the block, or before its first commit, once."""
    state = {"count": 0, "over": False}

    def strike(connection: sa.Connection) -> None:
        if state["over"]:
            return
        state["over"] = True
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        with administrator(store.url) as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    def before_statement(connection: sa.Connection, *_: object) -> None:
        state["count"] += 1
        if state["count"] == at:
            strike(connection)

    def before_commit(connection: sa.Connection) -> None:
        if at == "commit":
            strike(connection)

    sa.event.listen(store.engine, "before_cursor_execute", before_statement)
    sa.event.listen(store.engine, "commit", before_commit)
    try:
        yield
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", before_statement)
        sa.event.remove(store.engine, "commit", before_commit)


@contextmanager
def administrator(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection to the server of a database, beside that database."""
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def drop_connections(text: str) -> None:
    """End all connections to a database, as a server does that is started anew."""
    url = sa.make_url(text)
    ended = sa.text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
    )
    with administrator(url) as connection:
        connection.execute(ended, {"name": url.database})


def end_who_waits(text: str) -> bool:
    """End the session of a database that waits for a lock of ours, if there is one."""
    url = sa.make_url(text)
    ended = sa.text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = :name AND wait_event = 'advisory'"
    )
    with administrator(url) as connection:
        return bool(connection.execute(ended, {"name": url.database}).all())


def close_to_others(text: str, *, closed: bool = True) -> None:
    """Let a database take no new connections, or take them again."""
    url = sa.make_url(text)
    with administrator(url) as connection:
        connection.execute(
            sa.text(f"ALTER DATABASE {url.database} WITH ALLOW_CONNECTIONS {not closed}")
        )


def test_a_commit_to_a_file_has_reached_the_disk(store: Store) -> None:
    with store.transaction() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    assert synchronous == 2  # SQLite's number for FULL


def test_a_server_that_accepts_and_never_answers_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(StoreError, match="timeout"):
            Store(f"postgresql+psycopg://me@127.0.0.1:{port}/books")
    assert time.monotonic() - began < 20


def test_with_a_wrong_key_no_store_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="store_key"):
        Store(f"sqlite:///{tmp_path / 'new' / 'store.db'}", "nonsense")
    assert not (tmp_path / "new").exists()


class TestTrouble:
    def test_a_damaged_file_is_refused_and_kept(self, tmp_path: Path, key: str) -> None:
        file = tmp_path / "store.db"
        content = b"this is no database" * 500
        file.write_bytes(content)
        with pytest.raises(StoreError, match=r"not a database.*Nothing in it was overwritten"):
            Store(f"sqlite:///{file}", key)
        assert file.read_bytes() == content

    def test_a_cut_file_is_refused_and_kept(self, tmp_path: Path, key: str) -> None:
        file = tmp_path / "store.db"
        Store(f"sqlite:///{file}", key).close()
        content = file.read_bytes()[:6000]
        file.write_bytes(content)
        with pytest.raises(StoreError, match="malformed"):
            Store(f"sqlite:///{file}", key)
        assert file.read_bytes() == content

    def test_a_damaged_key_file_is_refused_and_kept(self, tmp_path: Path) -> None:
        for content in (b"\xff\xfe", b"abc"):
            (tmp_path / "store.key").write_bytes(content)
            with pytest.raises(StoreError, match=r"store\.key is damaged"):
                Store(f"sqlite:///{tmp_path / 'store.db'}")
            assert (tmp_path / "store.key").read_bytes() == content

    def test_a_folder_that_cannot_be_written_is_told(
        self, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Nothing is closed to root, so the system's refusal is played.
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(StoreError, match=r"Permission denied.*store_url"):
            Store(f"sqlite:///{tmp_path / 'store.db'}", key)

    def test_a_lock_that_cannot_be_made_is_told(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
        with pytest.raises(StoreError, match=r"lock.*Permission denied"), store.lock("here"):
            pass

    @pytest.mark.parametrize(
        ("place", "told"),
        [("file/store.db", "cannot be kept at"), ("folder", "is not a regular file")],
    )
    def test_a_place_that_is_none_is_told(
        self, place: str, told: str, tmp_path: Path, key: str
    ) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(StoreError, match=told):
            Store(f"sqlite:///{tmp_path / place}", key)

    @pytest.mark.parametrize(
        ("url", "text"),
        [
            ("no address", "not a database address"),
            ("postgresql://me:hunter2@host:port/db", "not a database address"),
            ("mysql://me:hunter2@host/db", "not in mysql"),
            ("postgresql+nodriver://me:hunter2@host/db", "no driver for postgresql"),
            ("sqlite://", "in memory"),
            ("sqlite:///:memory:", "in memory"),
        ],
    )
    def test_wrong_addresses_are_told_without_their_password(
        self, url: str, text: str, key: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="Setting store_url.*" + text) as caught:
            Store(url, key)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("key", ["short", "é" * 44, ","])
    def test_wrong_keys_are_told_without_showing_them(self, key: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="Setting store_key") as caught:
            Store(f"sqlite:///{tmp_path / 'store.db'}", key)
        assert "é" not in str(caught.value)
        assert "short" not in str(caught.value)

    def test_a_database_that_does_not_answer_is_told(self, key: str, closed_port: int) -> None:
        url = f"postgresql+psycopg://me:hunter2@127.0.0.1:{closed_port}/db?password=hunter3"
        with pytest.raises(StoreError, match=r"cannot be used.*refused") as caught:
            Store(url, key)
        assert f"127.0.0.1:{closed_port}/db" in str(caught.value)
        assert "hunter" not in str(caught.value)


ANOTHER_PROGRAM = """
import sys
import sqlalchemy as sa
from exactonline_client.store.store import Store
from exactonline_client.store.tables import budgets

url, new = sys.argv[1:]
store = Store(url)
print(sorted(row.app for row in store.read(sa.select(budgets))))
if new:
    store.put(budgets, app=new, division=1, minute_limit=60)
store.close()
"""


def test_a_second_store_in_a_process_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    """SQLite's locks are the process's: whoever closes the file anywhere in it ends them all."""
    url = f"sqlite:///{tmp_path / 'store' / 'store.db'}"

    def another(new: str = "") -> str:
        command = [sys.executable, "-c", ANOTHER_PROGRAM, url, new]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first = Store(url)
    first.put(budgets, app="one", division=1, minute_limit=60)
    Store(url).close()
    assert another(new="two") == "['one']"
    first.put(budgets, app="three", division=1, minute_limit=60)
    assert {row.app for row in first.read(sa.select(budgets))} == {"one", "two", "three"}
    assert another() == "['one', 'three', 'two']"
    first.close()
