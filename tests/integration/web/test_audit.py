"""The audit log by API: filters, export, the state of its chain."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from muster_platform.access import audit, audit_guard
from muster_platform.access.actor import system_actor
from muster_platform.worker.audit import verify_audit
from tests.integration.web.conftest import ADMIN, World
from tests.services.database import MigratedSqlite


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    world = make_world(migrated_sqlite.copy())
    for number in range(5):
        world.clock.advance(s=10)
        with world.platform.unit(system_actor("tester")) as unit:
            audit.record(
                *(unit, "device.update", "device", number, f"lamp-{number}"),
                before={"name": f"=old {number}"},
                after={"name": f"new {number}", "password": "hunter2"},
                reason=f"because {number}",
            )
    return world


def found(world: World, **query: Any) -> list[str]:
    items = world.ok("GET", "/audit", query_string={"subject_kind": "device", **query})["items"]
    return [item["subject_name"] for item in items]


def test_every_filter_narrows(world: World) -> None:
    now = world.clock.now_ms()
    assert found(world) == ["lamp-4", "lamp-3", "lamp-2", "lamp-1", "lamp-0"]
    assert found(world, actor="TEST", action="device.", subject="LAMP-3") == ["lamp-3"]
    assert found(world, subject_id="2") == found(world, subject="2") == ["lamp-2"]
    assert found(world, text="because 1") == found(world, text="=old 1") == ["lamp-1"]
    assert found(world, text="new 4") == ["lamp-4"]
    assert found(world, since=now) == ["lamp-4"]
    assert found(world, until=now - 30_000) == ["lamp-0"]
    assert found(world, action="device.delete") == found(world, actor="nobody") == []
    assert found(world, text="%") == [], "a wildcard of SQL is no wildcard here"


def test_one_entry_is_read_in_words_without_its_secrets(world: World) -> None:
    number = world.ok("GET", "/audit", query_string={"subject": "lamp-0"})["items"][0]["id"]
    entry = world.ok("GET", f"/audit/{number}")
    assert (entry["done"], entry["reason"]) == ("changed the device", "because 0")
    assert entry["after"] == {"name": "new 0", "password": "***"}
    assert len(entry["hash"]) == 64
    world.refused(404, "GET", "/audit/999999")


def test_exports_hold_what_the_filter_chooses_and_no_formula(world: World) -> None:
    chosen = {"subject_kind": "device", "text": "because"}
    rows = list(
        csv.DictReader(
            io.StringIO(world.call("GET", "/audit.csv", ADMIN, query_string=chosen).text)
        )
    )
    assert [row["subject_name"] for row in rows] == [f"lamp-{n}" for n in (4, 3, 2, 1, 0)]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    answer = world.call("GET", "/audit.jsonl", ADMIN, query_string=chosen)
    assert answer.content_type.startswith("application/jsonl")
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [entry["id"] for entry in entries] == [int(row["number"]) for row in rows]


def test_an_export_ends_where_the_installation_says(
    make_world: Callable[..., World], migrated_sqlite: MigratedSqlite
) -> None:
    world = make_world(migrated_sqlite.copy(), export_rows_max=3, page_size_max=2)
    assert len(world.call("GET", "/audit.jsonl").text.splitlines()) == 3


def test_the_chain_is_verified_in_parts_and_a_fault_is_named(world: World) -> None:
    head = world.ok("GET", "/audit/head")
    first = world.ok("GET", "/audit/verify", query_string={"limit": 3})
    assert (first["intact"]["number"], first["is_whole"], first["finding"]) == (3, False, None)
    after = {"after": 3, "hash": first["intact"]["hash"]}
    rest = world.ok("GET", "/audit/verify", query_string=after)
    assert rest["is_whole"] is True
    assert rest["intact"] == {"number": head["number"], "hash": head["hash"]}
    verify_audit(world.platform)
    assert world.ok("GET", "/audit/head")["intact"]["number"] == head["number"]
    with world.platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        connection.execute(text("UPDATE audit_entries SET reason = 'x' WHERE id = 2"))
        audit_guard.put_up(connection)
    told = world.ok("GET", "/audit/verify")
    assert (told["finding"]["fault"], told["finding"]["number"]) == ("changed", 2)
    assert told["intact"]["number"] == 1
