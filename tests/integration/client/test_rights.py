"""Roles, API tokens and why, from a terminal."""

from pathlib import Path

import pytest

from tests.integration.client.conftest import EMAIL, Server
from tests.integration.client.test_commands import Terminal


@pytest.fixture
def terminal(tmp_path: Path, server: Server) -> Terminal:
    return Terminal(tmp_path, server.folder)


def test_a_role_is_made_of_another_changed_explained_and_deleted(terminal: Terminal) -> None:
    made = terminal.here("role", "create", "keeper", "--from", "viewer", "-p", "commands:run")
    assert "commands:run" in made["permissions"]
    assert "devices:read" in made["permissions"]
    changed = terminal.here("role", "update", "keeper", "--remove", "commands:run")
    assert (changed["version"], "commands:run" in changed["permissions"]) == (2, False)
    terminal.here("user", "bind", EMAIL, "keeper")
    assert terminal.here("role", "show", "keeper")["held_by"] == [f"{EMAIL} everywhere"]
    answer = terminal.here("access", "why", "devices:read", "--email", EMAIL)
    assert {giver["role"] for giver in answer["given_by"]} == {"administrator", "keeper"}
    state = str(terminal.state)
    why = ("access", "why", "devices:read", "--email", EMAIL)
    told = terminal.run(*why, MUSTER_STATE_DIR=state).stdout
    assert "keeper, everywhere" in told
    assert "{" not in told
    refused = terminal.run("role", "delete", "keeper", fails=6, MUSTER_STATE_DIR=state)
    assert EMAIL in refused.stderr
    terminal.here("user", "unbind", EMAIL, "keeper")
    assert terminal.here("role", "delete", "keeper") == {"name": "keeper", "deleted": True}
    unknown = terminal.run("role", "create", "x1", "-p", "a:b", fails=2, MUSTER_STATE_DIR=state)
    assert "there is no permission a:b" in unknown.stderr


def test_a_token_made_on_the_machine_works_against_the_server_until_revoked(
    terminal: Terminal, server: Server
) -> None:
    made = terminal.here(
        "api-token", "create", "pipe", "-p", "users:read", "--days", "1", "--owner", EMAIL
    )
    there = {"MUSTER_TOKEN": made["token"], "MUSTER_SERVER": server.url}
    assert EMAIL in terminal.run("user", "list", **there).stdout
    assert "roles:read" in terminal.run("role", "list", fails=4, **there).stderr
    listed = terminal.here("api-token", "list", "--all")
    assert [row["scopes"] for row in listed if row["id"] == made["id"]] == ["users:read everywhere"]
    terminal.here("api-token", "revoke", made["id"])
    assert "revoked" in terminal.run("user", "list", fails=3, **there).stderr
