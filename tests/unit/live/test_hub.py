"""Who hears what, and what happens to the slow ones."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import Permission
from muster_platform.live import connection as connections
from muster_platform.live.connection import Connection
from muster_platform.live.hub import SIGNED_OUT, Hub
from muster_platform.live.rules import parse
from muster_platform.outbox import EpochChanged, Live, SessionEnded

ALL = frozenset(Permission)


class Browser:
    """A socket that keeps what was sent; `stuck` ones never take anything."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send_text(self, data: str) -> None:
        await self.open.wait()
        self.sent.append(json.loads(data))


def person(path: str | None = None, permissions: frozenset[Permission] = ALL) -> Actor:
    return Actor("user", "u1", "one", (Grant(permissions, path),), epoch=3)


def listen(hub: Hub, actor: Actor, *topics: str, queue: int = 8) -> tuple[Browser, Connection]:
    browser = Browser()
    connection = Connection(browser, actor, queue_messages=queue)
    hub.add(connection)
    for topic in topics:
        hub.subscribe(connection, parse(topic))
    return browser, connection


async def settle(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def log_of(device: int, path: str = "1/4/", **data: Any) -> Live:
    return Live(f"device:{device}", "log", path, data)


def test_a_browser_hears_what_it_asked_for_and_nothing_else() -> None:
    async def scenario() -> None:
        hub = Hub()
        browser, connection = listen(hub, person(), "device:7:log")
        writer = asyncio.create_task(connection.write())
        hub.publish(log_of(8, n=1))
        hub.publish(Live("device:7", "telemetry", "1/4/", {"n": 2}))
        hub.publish(log_of(7, n=3))
        await settle(lambda: len(browser.sent) == 1)
        assert browser.sent == [{"type": "event", "topic": "device:7:log", "data": {"n": 3}}]
        writer.cancel()

    run(scenario())


def test_a_device_moved_out_of_the_persons_groups_falls_silent() -> None:
    async def scenario() -> None:
        hub = Hub()
        browser, connection = listen(hub, person("1/4/"), "device:7:log")
        writer = asyncio.create_task(connection.write())
        hub.publish(log_of(7, "1/5/", n=1))
        hub.publish(log_of(7, "1/4/9/", n=2))
        await settle(lambda: bool(browser.sent))
        assert [message["data"] for message in browser.sent] == [{"n": 2}]
        writer.cancel()

    run(scenario())


def test_the_fleet_is_told_that_something_changed_once_and_without_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "FLEET_EVERY_S", 60.0)

    async def scenario() -> None:
        hub = Hub()
        browser, connection = listen(hub, person(), "fleet:presence")
        for device in range(100):
            hub.publish(Live(f"device:{device}", "presence", "1/", {"state": "ONLINE"}))
        writer = asyncio.create_task(connection.write())
        await settle(lambda: bool(browser.sent))
        hub.publish(Live("device:1", "presence", "1/", {"state": "OFFLINE"}))
        for _ in range(50):
            await asyncio.sleep(0)
        assert browser.sent == [{"type": "event", "topic": "fleet:presence", "data": {}}]
        writer.cancel()

    run(scenario())


def test_a_slow_browser_loses_messages_is_told_so_and_slows_nobody() -> None:
    async def scenario() -> None:
        hub = Hub()
        slow, slow_connection = listen(hub, person(), "device:7:log", queue=4)
        quick, quick_connection = listen(hub, person(), "device:7:log", queue=1_000)
        slow.open.clear()
        writers = [asyncio.create_task(c.write()) for c in (slow_connection, quick_connection)]
        await asyncio.sleep(0)
        for number in range(100):
            hub.publish(log_of(7, n=number))
        await settle(lambda: len(quick.sent) == 100)
        slow.open.set()
        await settle(lambda: any(message["type"] == "lagged" for message in slow.sent))
        events = [message for message in slow.sent if message["type"] == "event"]
        lagged = [message for message in slow.sent if message["type"] == "lagged"]
        assert len(events) + sum(message["dropped"] for message in lagged) == 100
        assert len(events) <= 5
        for writer in writers:
            writer.cancel()

    run(scenario())


def test_changed_rights_close_that_persons_connections_only() -> None:
    async def scenario() -> None:
        hub = Hub()
        _, mine = listen(hub, person(), "device:7:log")
        other_actor = Actor("user", "u2", "two", (Grant(ALL),), epoch=1)
        _, other = listen(hub, other_actor, "device:7:log")
        hub.rights_changed(EpochChanged("u1", 3))
        assert mine.closing is None, "the same epoch is no change"
        hub.rights_changed(EpochChanged("u1", 4))
        await asyncio.wait_for(mine.closed(), 5)
        assert mine.closing == (SIGNED_OUT, "your rights changed")
        assert other.closing is None

    run(scenario())


def test_the_end_of_a_sign_in_closes_its_own_streams_only() -> None:
    async def scenario() -> None:
        hub = Hub()
        _, ended = listen(hub, replace(person(), session="one"), "device:7:log")
        _, other = listen(hub, replace(person(), session="two"), "device:7:log")
        hub.session_ended(SessionEnded("u1", "one"))
        await asyncio.wait_for(ended.closed(), 5)
        assert ended.closing == (SIGNED_OUT, "this session was ended")
        assert other.closing is None

    run(scenario())


def test_who_asks_and_never_reads_is_closed() -> None:
    connection = Connection(Browser(), person(), queue_messages=4)
    for _ in range(100):
        connection.tell(type="subscribed")
    assert connection.closing == (connections.NOT_READING, "answers are not read")


def test_a_removed_connection_hears_nothing_more() -> None:
    hub = Hub()
    _browser, connection = listen(hub, person(), "device:7:log", "fleet:log")
    hub.remove(connection)
    hub.publish(log_of(7))
    assert not connection.wanted
    assert not hub.connections
