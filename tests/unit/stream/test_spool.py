"""What the spool took is there after anything, within its budget, for one process at a time."""

import sqlite3
from pathlib import Path

import pytest

from muster_platform.errors import ConfigurationError
from muster_platform.stream.spool import ROW_BYTES, Spool, SpoolFull
from tests.unit.stream.fakes import message


def test_it_outlives_its_process_with_its_order_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "spool.sqlite"
    spool = Spool(path, 10_000)
    spool.append([("a", message("a", 1)), ("b", message("b", 2)), ("a", message("a", 3))])
    spool.remove(spool.oldest(1))
    held, name = spool.bytes, spool.name
    spool.close()
    spool = Spool(path, 10_000)
    assert [m.raw.received_at for m in spool.oldest(9)] == [1_002, 1_003]
    assert [m.origin for m in spool.oldest(9)] == [f"{name}.2", f"{name}.3"]
    assert (spool.devices, spool.bytes, len(spool)) == ({"a": 1, "b": 1}, held, 2)
    spool.remove(spool.oldest(9))
    assert (spool.bytes, len(spool)) == (0, 0)
    spool.append([("a", message("a", 4))])
    assert spool.oldest(1)[0].origin == f"{name}.4"  # a name is never given twice
    spool.close()


def test_beyond_its_budget_it_takes_nothing_of_a_call() -> None:
    one = message("a", 1)
    size = len(one.payload) + len(one.topic) + ROW_BYTES
    spool = Spool(":memory:", 2 * size)
    spool.append([("a", one)])
    with pytest.raises(SpoolFull, match="do not fit"):
        spool.append([("a", one), ("a", one)])
    spool.append([("a", one)])
    assert len(spool) == 2


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 10_000_000)
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolFull, match="full"):
        spool.append([("a", message("a", n, "x" * 1_000)) for n in range(50)])
    assert len(spool) == len(spool.oldest(99)) == 0
    spool.close()


def test_a_second_process_is_refused_with_what_to_do(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 1_000)
    with pytest.raises(ConfigurationError, match="another ingest running in the same state_dir"):
        Spool(tmp_path / "spool.sqlite", 1_000)
    spool.close()


def test_a_damaged_file_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"spool\.sqlite.*keep it"):
        Spool(path, 1_000)
    assert path.read_bytes().startswith(b"not a database")


def test_commits_are_forced_to_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 1_000)
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)
    spool.close()
    assert sqlite3.connect(tmp_path / "spool.sqlite").execute("PRAGMA journal_mode").fetchone()
