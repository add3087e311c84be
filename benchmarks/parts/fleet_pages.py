"""Device list, search and device page with few and with many devices on PostgreSQL."""

import itertools
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, insert, text

from muster_platform import bootstrap
from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.db import migrate
from muster_platform.devices.models import Device, Presence, Tag
from muster_platform.devices.profiles import ProfileService
from muster_platform.settings import Settings
from muster_platform.web.app import create_app
from tests.services import postgresql

SMALL = 1_000
ROWS = 5_000
GROUPS = 200
EMAIL, PASSWORD = "bench@example.org", "a long enough pass phrase"
ADJECTIVES = ["north", "south", "east", "west", "upper", "lower", "inner", "outer", "old", "new"]
PLACES = ["hall", "dock", "gate", "yard", "store", "ramp", "tower", "bridge", "mill", "pier"]
API = "/api/v1/devices"
WITHOUT_GOAL = frozenset({"api_list_last_seen", "site_offline"})
"""Reported only: an order that no index gives on purpose, and a state that a share of all is in."""


def pages(devices: int) -> dict[str, list[str]]:
    """Give what is asked, by name: each list is gone through in turn."""
    picked = [number * devices // 50 for number in range(50)]
    ids = [f"dev-{number:06d}" for number in picked]
    return {
        "api_list": [f"{API}?limit=50"],
        "api_list_last_seen": [f"{API}?limit=50&sort=last_seen&descending=true"],
        "api_search_id": [f"{API}?limit=50&search={name}" for name in ids],
        "api_search_name": [f"{API}?limit=50&search={a}%20{p}" for a in ADJECTIVES for p in PLACES],
        "api_search_nothing": [f"{API}?limit=50&search=no{name}" for name in ids],
        "api_device": [f"{API}/{name}" for name in ids],
        "site_list": ["/admin/device/"],
        "site_search": [f"/admin/device/?search={name}" for name in ids],
        "site_offline": ["/admin/device/?flt0_presence_is=OFFLINE"],
        "site_device": [f"/admin/devices/{name}/" for name in ids],
    }


def fill(platform: Platform, devices: int) -> None:
    """Register the devices, in groups, with presence and tags, and a person who may see all."""
    chance = random.Random(1)
    with platform.unit(system_actor("bench")) as unit:
        users = UserService(unit)
        user, _ = users.create(EMAIL, "Bench", PASSWORD)
        users.bind(user.id, "administrator")
        groups = [GroupService(unit).create(f"Site {n}").id for n in range(GROUPS)]
        profile = ProfileService(unit).create("sensor").id
        for start in range(0, devices, ROWS):
            numbers = range(start, min(start + ROWS, devices))
            rows = [_device(n, profile, groups[n % GROUPS], chance, unit.now()) for n in numbers]
            keys = unit.session.scalars(insert(Device).returning(Device.id), rows).all()
            unit.session.execute(insert(Presence), [_presence(k, chance, unit.now()) for k in keys])
            tags = [{"device_key": k, "name": "site", "value": f"s{k % 20}"} for k in keys]
            unit.session.execute(insert(Tag), tags)
    with platform.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _device(n: int, profile: int, group: int, chance: random.Random, now: int) -> dict[str, Any]:
    name = f"{chance.choice(ADJECTIVES)} {chance.choice(PLACES)} {n % 97}".title()
    device_id = f"dev-{n:06d}"
    return {
        "device_id": device_id,
        "display_name": name,
        "profile_id": profile,
        "group_id": group,
        "plain": False,
        "agent": "muster 1.0",
        "capabilities": ["reboot"],
        "attributes": {"os": "linux"},
        "search": f"{device_id} {name.lower()}",
        "created_at": now,
    }


def _presence(key: int, chance: random.Random, now: int) -> dict[str, Any]:
    return {
        "device_key": key,
        "state": chance.choice(["ONLINE"] * 18 + ["OFFLINE", "SLEEPING"]),
        "reason": "",
        "since": now - chance.randrange(10**7),
        "session": 1,
        "ended": False,
        "heard_at": now - chance.randrange(10**6),
        "check_at": now + chance.randrange(10**6),
    }


def client_of(platform: Platform) -> tuple[FlaskClient, dict[str, str]]:
    """Give a browser that is signed in, and the header of the same person's API calls."""
    client = create_app(platform).test_client()
    signed = client.post("/api/v1/auth/sign-in", json={"email": EMAIL, "password": PASSWORD})
    client.post("/admin/sign-in", data={"email": EMAIL, "password": PASSWORD})
    return client, {"Authorization": f"Bearer {signed.get_json()['access_token']}"}


def measure(devices: int, requests: int) -> dict[str, float]:
    """Give p95 with many over p95 with few, by page; prints both and the plans."""
    with ExitStack() as stack:
        server = stack.enter_context(postgresql.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleets = {}
        for number in (SMALL, devices):
            platform = _platform(server.url(server.create()), folder / str(number))
            migrate.upgrade(platform.engine)
            stack.callback(platform.close)
            fill(platform, number)
            fleets[number] = (platform, *client_of(platform))
        times = {number: {name: [] for name in pages(number)} for number in fleets}
        turns = {n: {k: itertools.cycle(v) for k, v in pages(n).items()} for n in fleets}
        for name in pages(devices):
            for turn in range(requests + 3):
                for number, (_, client, headers) in fleets.items():
                    path = next(turns[number][name])
                    took = _ask(client, path, headers if path.startswith("/api") else {})
                    if turn >= 3:  # the first ones warm caches
                        times[number][name].append(took)
        ratios = _report(times, devices)
        _explain(fleets[devices][0], fleets[devices][1], fleets[devices][2], devices)
    return ratios


def _platform(url: str, folder: Path) -> Platform:
    return bootstrap.build(
        Settings(
            state_dir=folder,
            database_url=url,
            jwt_secret="j" * 32,
            broker_token="b" * 32,
            mqtt_password="m" * 32,
            requests_per_minute=100_000_000,
            access_token_s=24 * 3600,
        )
    )


def _ask(client: FlaskClient, path: str, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    answer = client.get(path, headers=headers)
    took = time.perf_counter() - start
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    return took


def _report(times: dict[int, dict[str, list[float]]], devices: int) -> dict[str, float]:
    print(f"\nms of a request: p50 and p95 with {SMALL:,} devices, then with {devices:,}")
    ratios = {}
    for name in times[devices]:
        small, large = (statistics.quantiles(times[n][name], n=20) for n in (SMALL, devices))
        ratios[name] = large[18] / small[18]
        few, many = statistics.median(times[SMALL][name]), statistics.median(times[devices][name])
        print(
            f"  {name:20} {few * 1e3:7.1f} {small[18] * 1e3:7.1f}   "
            f"{many * 1e3:7.1f} {large[18] * 1e3:7.1f}   ratio {ratios[name]:.2f}"
        )
    return ratios


def _explain(
    platform: Platform, client: FlaskClient, headers: dict[str, str], devices: int
) -> None:
    """Say how PostgreSQL reads the tables of the fleet, by page."""
    print(f"\nhow the statements on devices and presences read them, {devices:,} devices")
    for name, paths in pages(devices).items():
        path = paths[-1]
        found: set[str] = set()
        for statement, parameters in _statements(platform, client, path, headers):
            with platform.engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                lines = "\n".join(row[0] for row in plan)
            found.update(_ways(lines))
        print(f"  {name:20} {', '.join(sorted(found)) or '-'}")


def _statements(
    platform: Platform, client: FlaskClient, path: str, headers: dict[str, str]
) -> Iterator[tuple[str, Any]]:
    kept: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and re.search(r"\b(devices|presences)\b", statement):
            kept.append((statement, parameters))

    event.listen(platform.engine, "before_cursor_execute", keep)
    _ask(client, path, headers if path.startswith("/api") else {})
    event.remove(platform.engine, "before_cursor_execute", keep)
    yield from kept


def _ways(plan: str) -> Iterator[str]:
    for kind, index, table in re.findall(
        r"(Index Scan|Index Only Scan|Bitmap Index Scan|Seq Scan)(?: Backward)?"
        r"(?: using (\w+))?(?: on (\w+))?",
        plan,
    ):
        if kind == "Seq Scan":
            if table in ("devices", "presences", "tags"):
                yield f"SEQ SCAN {table}"
        else:
            yield index or table
