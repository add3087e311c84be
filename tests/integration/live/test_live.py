"""`muster live`: who may listen, to what, and for how long."""

import json
import time
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.roles import RoleService
from muster_platform.access.sign_in_sessions import SessionService
from muster_platform.access.users import UserService
from muster_platform.devices.service import DeviceService
from tests.integration.live.conftest import LIMIT_S, Site, ask, receive

SYSTEM = system_actor("test")


def berlin_path(site: Site) -> str:
    with site.platform.unit(SYSTEM, write=False) as unit:
        return GroupService(unit).get(site.berlin).path


def close_code(socket: ClientConnection) -> int | None:
    """Read to the end and give the code that the server closed with."""
    try:
        while True:
            socket.recv(timeout=LIMIT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_a_signed_in_page_hears_its_device(site: Site) -> None:
    with site.connect(site.cookie("berlin@example.org")) as socket:
        topic = f"device:{site.device_key}:log"
        assert ask(socket, topic) == [{"type": "subscribed"}]
        site.say("log", berlin_path(site), records=[{"message": "hello"}])
        heard = receive(socket)
    assert heard == {"type": "event", "topic": topic, "data": {"records": [{"message": "hello"}]}}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None, "http://127.0.0.1:1"])
def test_a_page_of_another_site_is_refused_though_the_cookie_is_right(
    site: Site, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        site.connect(site.cookie("admin@example.org"), origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("cookie", ["", "access_token_cookie=forged", "access_token_cookie=a.b.c"])
def test_without_a_good_token_the_connection_is_closed(site: Site, cookie: str) -> None:
    with site.connect(cookie) as socket:
        assert close_code(socket) == 4401


def test_what_the_person_may_not_hear_is_denied_by_name_and_the_rest_goes_on(site: Site) -> None:
    device = f"device:{site.device_key}"
    with site.connect(site.cookie("viewer@example.org")) as socket:
        answers = ask(socket, f"{device}:log", f"{device}:telemetry", "device:999999:telemetry")
        denied = {one["topic"]: one["reason"] for one in answers if one["type"] == "denied"}
        assert "logs:read" in denied[f"{device}:log"]
        assert "no such device" in denied["device:999999:telemetry"]
        site.say("log", berlin_path(site), records=[])
        site.say("telemetry", berlin_path(site), points=[])
        assert receive(socket)["topic"] == f"{device}:telemetry"


def test_changed_rights_close_the_stream_within_a_second(site: Site) -> None:
    with site.connect(site.cookie("berlin@example.org")) as socket:
        ask(socket, f"device:{site.device_key}:log")
        with site.platform.unit(SYSTEM) as unit:
            user = UserService(unit).by_email("berlin@example.org")
            UserService(unit).unbind(UserService(unit).get(user.id).bindings[0].id)
        began = time.monotonic()
        assert close_code(socket) == 4401
        assert time.monotonic() - began < 1.0, "the promise of this part is one second"


def test_an_edited_role_closes_the_streams_of_its_holders_within_a_second(site: Site) -> None:
    with site.platform.unit(SYSTEM) as unit:
        RoleService(unit).create("listener", ["devices:read", "logs:read"])
        user = UserService(unit).by_email("viewer@example.org")
        UserService(unit).bind(user.id, "listener")
    cookie = site.cookie("viewer@example.org")
    with site.connect(cookie) as holder, site.connect(site.cookie("admin@example.org")) as other:
        ask(holder, f"device:{site.device_key}:log")
        ask(other, f"device:{site.device_key}:log")
        with site.platform.unit(SYSTEM) as unit:
            RoleService(unit).update("listener", permissions=["devices:read"])
        began = time.monotonic()
        assert close_code(holder) == 4401
        assert time.monotonic() - began < 1.0, "the promise of this part is one second"
        site.say("log", berlin_path(site), records=["for others"])
        assert receive(other)["data"] == {"records": ["for others"]}


def test_a_sign_in_that_is_ended_closes_its_streams_within_a_second_and_no_others(
    site: Site,
) -> None:
    topic, email = f"device:{site.device_key}:log", "berlin@example.org"
    with site.connect(site.cookie(email)) as ended, site.connect(site.cookie(email)) as other:
        ask(ended, topic)
        ask(other, topic)
        with site.platform.unit(SYSTEM) as unit:
            user_id = UserService(unit).by_email(email).id
            first = min(row.family for row in SessionService(unit).list(user_id))
            SessionService(unit).end(user_id, first)
        began = time.monotonic()
        assert close_code(ended) == 4401
        assert time.monotonic() - began < 1.0, "the promise of this part is one second"
        site.say("log", berlin_path(site), records=["goes on"])
        assert receive(other)["data"] == {"records": ["goes on"]}


def test_who_must_change_the_password_hears_nothing(site: Site) -> None:
    with site.platform.unit(SYSTEM) as unit:
        user = UserService(unit).by_email("viewer@example.org")
        user.must_change_password = True
    with site.connect(site.cookie("viewer@example.org")) as socket:
        assert close_code(socket) == 4401


def test_a_device_moved_to_a_foreign_group_falls_silent(site: Site) -> None:
    with site.platform.unit(SYSTEM) as unit:
        paris = GroupService(unit).create("Paris")
        paris_path, paris_id = paris.path, paris.id
    before = berlin_path(site)
    with site.connect(site.cookie("berlin@example.org")) as socket:
        ask(socket, f"device:{site.device_key}:log")
        with site.platform.unit(SYSTEM) as unit:
            DeviceService(unit).update("probe-1", group_id=paris_id)
        site.say("log", paris_path, records=["secret"])
        site.say("log", before, records=["from before the move"])
        assert receive(socket)["data"] == {"records": ["from before the move"]}


def test_bytes_that_are_no_message_close_the_connection_with_the_reason(site: Site) -> None:
    with site.connect(site.cookie("admin@example.org")) as socket:
        socket.send("[" * 10_000)
        assert close_code(socket) == 4400


def test_others_are_served_while_one_does_not_read(site: Site) -> None:
    topic = f"device:{site.device_key}:log"
    cookie = site.cookie("admin@example.org")
    with site.connect(cookie) as stuck, site.connect(cookie) as good:
        ask(stuck, topic)
        ask(good, topic)
        text = "x" * 50_000
        heard = 0
        for number in range(200):
            site.say("log", "1/", n=number, text=text)
            if number % 20 == 19:
                while heard <= number:
                    assert receive(good)["data"]["n"] == heard
                    heard += 1
        assert heard == 200


def test_health_says_whether_changes_come_in(site: Site) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/health/live") as answer:
        assert json.load(answer)["feed"] is True


def test_a_tail_hears_the_records_it_asks_for_and_only_of_its_persons_groups(site: Site) -> None:
    told = {"ts": 1, "logger": "app", "fault": None}
    lens = {**told, "id": "1", "level": 50, "message": "Lens lost"}
    calm = {**told, "id": "2", "level": 30, "message": "lens found"}
    with site.connect(site.cookie("berlin@example.org")) as socket:
        socket.send(json.dumps({"op": "tail", "filter": {"text": "lens", "min_level": "ERROR"}}))
        assert receive(socket) == {"type": "subscribed"}
        site.say("log", "1/99/", device="far", records=[lens], left_out=9)
        site.say("log", berlin_path(site), device="cam", records=[lens, calm], left_out=2)
        heard = receive(socket)
        socket.send(json.dumps({"op": "tail", "filter": {"device_id": "nobody-s"}}))
        denied = receive(socket)
    data = {"device": "cam", "left_out": 2, "records": [lens]}
    assert heard == {"type": "event", "topic": "tail", "data": data}
    assert (denied["type"], denied["topic"]) == ("denied", "tail")
