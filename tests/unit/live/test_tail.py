"""A tail shows what it asks for, of devices that its reader may see, and tells what it lacks."""

import asyncio

import pytest

from muster_platform.access.permissions import Permission
from muster_platform.live.hub import Hub
from muster_platform.logs.tail import Tail
from muster_platform.logs.text_query import parse
from muster_platform.outbox import Live
from tests.unit.live.test_hub import ALL, Browser, listen, person, run, settle


def signal(*records, device=7, path="1/4/", left_out=0):
    told = [
        {"id": str(n), "ts": n, "level": level, "logger": logger, "message": message, "fault": None}
        for n, (level, logger, message) in enumerate(records)
    ]
    data = {"device": f"cam-{device}", "records": told, "left_out": left_out}
    return Live(f"device:{device}", "log", path, data)


def shown(tail, *signals, actor=None, queue=8):
    browsers: list[Browser] = []

    async def scenario():
        hub = Hub()
        browser, connection = listen(hub, actor or person(), queue=queue)
        browsers.append(browser)
        hub.follow(connection, tail)
        for one in signals:
            hub.publish(one)
        connection.tell(type="end")
        writer = asyncio.create_task(connection.write())
        await settle(lambda: any(m["type"] == "end" for m in browser.sent))
        await settle(lambda: not connection._dropped)
        writer.cancel()

    run(scenario())
    return [m for m in browsers[0].sent if m["type"] != "end"]


def lines(messages):
    return [
        (m["data"]["device"], record["message"])
        for m in messages
        if m["type"] == "event"
        for record in m["data"]["records"]
    ]


LINES = ((20, "app", "begin"), (50, "app.lens", "Lens lost"), (60, "net", "gone"))


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (Tail(), ["begin", "Lens lost", "gone"]),
        (Tail(least=50), ["Lens lost", "gone"]),
        (Tail(logger="app"), ["begin", "Lens lost"]),
        (Tail(terms=parse("lens -gone")), ["Lens lost"]),
        (Tail(topic="device:7"), ["begin", "Lens lost", "gone"]),
        (Tail(topic="device:8"), []),
        (Tail(group_path="1/"), ["begin", "Lens lost", "gone"]),
        (Tail(group_path="1/5/"), []),
    ],
)
def test_a_tail_shows_what_it_asks_for(tail, expected):
    assert [message for _, message in lines(shown(tail, signal(*LINES)))] == expected


def test_a_record_of_a_foreign_group_is_never_shown():
    heard = shown(Tail(), signal(*LINES, path="1/9/", left_out=3), actor=person("1/4/"))
    assert heard == []


@pytest.mark.parametrize("lacking", [Permission.LOGS_READ, Permission.DEVICES_READ])
def test_it_takes_both_to_see_the_device_and_to_read_its_logs(lacking):
    assert shown(Tail(), signal(*LINES), actor=person("1/4/", ALL - {lacking})) == []


def test_what_ingest_left_out_is_told():
    (event,) = shown(Tail(least=60), signal(LINES[0], left_out=40))
    assert event["data"] == {"device": "cam-7", "left_out": 40, "records": []}


def test_what_a_full_queue_drops_is_counted_in_records():
    heard = shown(Tail(), *(signal(*LINES, left_out=1) for _ in range(5)), queue=2)
    assert [m for m in heard if m["type"] == "lagged"] == [
        {"type": "lagged", "dropped": 3, "records": 12}
    ]


def test_whoever_follows_no_more_hears_nothing():
    async def scenario():
        hub = Hub()
        _, connection = listen(hub, person())
        hub.follow(connection, Tail())
        hub.follow(connection, None)
        hub.publish(signal(*LINES))
        assert not connection._queue
        hub.follow(connection, Tail())
        hub.remove(connection)
        hub.publish(signal(*LINES))
        assert not connection._queue

    run(scenario())
