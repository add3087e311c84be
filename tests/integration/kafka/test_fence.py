"""A consumer that lost its partition without having noticed does not store beside the new one."""

import threading
from pathlib import Path

from sqlalchemy import text

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import build
from muster_platform.settings import Settings
from muster_platform.stream.kafka.fence import PartitionFence, number_of

ACTOR = system_actor("ingest")
WAITS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_the_second_waits_until_the_first_has_committed(postgres_url: str, tmp_path: Path) -> None:
    platform = build(Settings(state_dir=tmp_path, database_url=postgres_url))
    fence = PartitionFence(lambda: [("muster.logs", 3), ("muster.telemetry", 3)])
    done: list[str] = []

    def second() -> None:
        with platform.unit(ACTOR) as unit:
            fence.fence(unit)
            done.append("second")

    thread = threading.Thread(target=second)
    with platform.unit(ACTOR) as unit:
        fence.fence(unit)
        PartitionFence(lambda: [("muster.logs", 4)]).fence(unit)
        thread.start()
        with platform.engine.connect() as watcher:
            while not watcher.execute(WAITS).scalar():
                assert thread.is_alive(), "it does not wait"
        assert not done
    thread.join()
    assert done == ["second"]
    platform.close()


def test_partitions_have_locks_that_fit_the_database() -> None:
    numbers = {
        number_of((topic, n)) for topic in ("muster.logs", "muster.events") for n in range(64)
    }
    assert len(numbers) == 128
    assert all(-(2**31) <= number < 2**31 for number in numbers)
