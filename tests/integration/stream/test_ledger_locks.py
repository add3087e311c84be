"""Two processes that store what one device says: its hello, and its telemetry."""

import threading
from collections.abc import Callable

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import Engine

from muster_platform.devices.ingest.ledger_locks import SPACE, STRIPES, lock_accounts

WAITS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def _second(
    engine: Engine, take: Callable[[Connection], None]
) -> tuple[threading.Thread, list[str]]:
    done: list[str] = []

    def work() -> None:
        with engine.begin() as connection:
            take(connection)
            done.append("got it")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, done


def _until_it_waits(engine: Engine, thread: threading.Thread) -> None:
    with engine.connect() as connection:
        while not connection.execute(WAITS).scalar():
            assert thread.is_alive(), "it does not wait"


def test_a_hello_waits_for_the_batch_that_has_the_device(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as first:
        lock_accounts(first, [7, 8])
        thread, done = _second(engine, lambda c: lock_accounts(c, [7], alone=[7]))
        _until_it_waits(engine, thread)
        assert not done
    thread.join()
    assert done
    engine.dispose()


def test_a_batch_waits_for_the_hello_and_for_no_other_device(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as first:
        lock_accounts(first, [7], alone=[7])
        with engine.begin() as other:
            lock_accounts(other, [8])
        thread, done = _second(engine, lambda c: lock_accounts(c, [8, 7]))
        _until_it_waits(engine, thread)
        assert not done
    thread.join()
    assert done
    engine.dispose()


def test_batches_do_not_wait_for_each_other(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as first, engine.begin() as second:
        lock_accounts(first, range(STRIPES))
        lock_accounts(second, range(STRIPES))
        held = text("SELECT count(*) FROM pg_locks WHERE classid = :space AND granted")
        assert second.execute(held, {"space": SPACE}).scalar() == 2 * STRIPES
    engine.dispose()


def test_sqlite_has_one_writer_and_needs_no_lock(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        lock_accounts(connection, [1], alone=[2])
    engine.dispose()
