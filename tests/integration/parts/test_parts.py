"""The platform's own parts: what they said last, and who has fallen silent."""

import msgspec
import pytest

from muster_platform.access.permissions import Permission
from muster_platform.errors import PermissionDenied
from muster_platform.parts.beating import Beating, instance_name
from muster_platform.parts.service import FORGOTTEN_MS, SILENT_MS, Beat, PartService
from muster_platform.stream.broker_state import broker_beat
from muster_platform.worker.tick import tick
from tests.services.database import ADMIN, NOBODY, TestPlatform


def say(platform: TestPlatform, instance: str, *beats: Beat, began: int | None = 1) -> None:
    with platform.unit(ADMIN) as unit:
        PartService(unit).beat(instance, began, beats)


def states(platform: TestPlatform) -> dict[str, str]:
    with platform.unit(ADMIN, write=False) as unit:
        return {part.name: part.state for part in PartService(unit).list()}


def test_a_part_that_falls_silent_is_told_with_the_time_of_its_last_word(
    platform: TestPlatform,
) -> None:
    said_at = platform.clock.now_ms()
    say(platform, "a:1", Beat(name="live", detail="2 browsers listen"))
    assert states(platform) == {"live": "ok"}
    platform.time.advance(ms=SILENT_MS + 1)
    with platform.unit(ADMIN, write=False) as unit:
        (part,) = PartService(unit).list()
    assert (part.state, part.since) == ("bad", said_at)


def test_a_process_that_took_over_hides_the_one_before_it(platform: TestPlatform) -> None:
    say(platform, "a:1", Beat(name="ingest"))
    platform.time.advance(ms=SILENT_MS + 1)
    say(platform, "a:2", Beat(name="ingest"))
    with platform.unit(ADMIN, write=False) as unit:
        assert [part.instance for part in PartService(unit).list()] == ["a:2"]


def test_a_part_that_is_long_gone_is_forgotten(platform: TestPlatform) -> None:
    say(platform, "a:1", Beat(name="live"))
    platform.time.advance(ms=FORGOTTEN_MS + 1)
    say(platform, "a:2", Beat(name="worker"))
    assert states(platform) == {"worker": "ok"}


def test_since_moves_when_the_state_changes_and_stays_while_it_does_not(
    platform: TestPlatform,
) -> None:
    began = platform.clock.now_ms()
    say(platform, "a:1", Beat(name="ingest"), began=began)
    platform.time.advance(ms=10_000)
    say(platform, "a:1", Beat(name="ingest"), began=began)
    with platform.unit(ADMIN, write=False) as unit:
        assert PartService(unit).list()[0].since == began
    platform.time.advance(ms=10_000)
    say(platform, "a:1", Beat(name="ingest", state="bad"), began=began)
    with platform.unit(ADMIN, write=False) as unit:
        assert PartService(unit).list()[0].since == began + 20_000


def test_nobody_without_the_permission_reads_or_writes_it(platform: TestPlatform) -> None:
    with platform.unit(NOBODY, write=False) as unit:
        with pytest.raises(PermissionDenied, match=str(Permission.SYSTEM_READ)):
            PartService(unit).list()
        with pytest.raises(PermissionDenied, match=str(Permission.SYSTEM_WRITE)):
            PartService(unit).beat("a:1", 0, [])


def test_the_beating_of_a_process_names_it(platform: TestPlatform) -> None:
    Beating(platform.units, lambda: [Beat(name="worker")]).once()
    tick(platform)  # type: ignore[arg-type]
    with platform.unit(ADMIN, write=False) as unit:
        found = {part.name: part.instance for part in PartService(unit).list()}
    assert found == {"worker": instance_name(), "schedule": "schedule"}


def test_the_broker_is_told_by_its_own_word() -> None:
    stats = msgspec.json.encode({"uptime_s": 60, "connections": 3, "queued_messages": 1})
    beat = broker_beat(stats, 100_000)
    assert (beat.state, beat.since) == ("ok", 40_000)
    assert beat.detail == "3 connected, 1 messages waiting"
    assert broker_beat(None, 100_000).state == "bad"
    assert broker_beat(b"", 100_000).state == "ok"
    assert broker_beat(b"{", 100_000).detail.startswith("Reached")
