"""`muster audit verify` and `head`: the proof, run at the machine itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from muster_platform.access import audit, audit_guard
from muster_platform.cli.audit import register
from muster_platform.errors import InvalidInput
from tests.services.database import ADMIN, MigratedSqlite, TestPlatform


@pytest.fixture
def platform(migrated_sqlite: MigratedSqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = migrated_sqlite.copy()
    monkeypatch.setenv("MUSTER_DATABASE_URL", url)
    monkeypatch.setenv("MUSTER_STATE_DIR", str(tmp_path))
    built = TestPlatform(url, tmp_path)
    for number in range(3):
        with built.unit(ADMIN) as unit:
            audit.record(
                unit,
                "group.rename",
                "group",
                number,
                f"=hall {number}",
                after={"name": f"n{number}"},
            )
    yield built
    built.close()


def run(*arguments: str) -> Any:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["audit", *arguments])


def test_a_whole_chain_is_verified_with_exit_code_0_and_its_head_is_accepted(platform) -> None:
    head = json.loads(run("head", "--json").stdout)["head"]
    told = run("verify", "--json", "--head", head)
    assert told.exit_code == 0
    assert json.loads(told.stdout)["intact"] is True
    assert run("verify", "--head", head.replace(":", " ")).exit_code == 0, "as the log prints it"


def test_a_chain_longer_than_a_slice_is_walked_to_its_end(
    platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muster_platform.cli.audit.SLICE", 2)
    told = run("verify")
    assert told.exit_code == 0
    assert "2 of 3 entries are intact" in told.stderr


def test_a_changed_entry_is_named_with_exit_code_1(platform) -> None:
    with platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        connection.execute(text("UPDATE audit_entries SET actor_name = 'x' WHERE id = 2"))
    told = run("verify", "--json")
    assert told.exit_code == 1
    found = json.loads(told.stdout)
    assert (found["intact"], found["fault"], found["entry"]) == (False, "changed", 2)


def test_a_cut_chain_is_told_by_a_head_that_was_kept(platform) -> None:
    head = json.loads(run("head", "--json").stdout)["head"]
    with platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        connection.execute(text("DELETE FROM audit_entries WHERE id = 3"))
        connection.execute(
            text(
                "UPDATE audit_head SET number = 2, "
                "hash = (SELECT hash FROM audit_entries WHERE id = 2)"
            )
        )
    assert run("verify").exit_code == 0
    told = run("verify", "--json", "--head", head)
    assert told.exit_code == 1
    assert json.loads(told.stdout)["fault"] == "cut"


@pytest.mark.parametrize("head", ["", "x", "3", "3:abc", f"x:{'0' * 64}"])
def test_a_head_that_is_none_is_refused(platform, head: str) -> None:
    told = run("verify", "--head", head)
    assert isinstance(told.exception, InvalidInput)
