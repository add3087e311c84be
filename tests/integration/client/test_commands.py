"""The same commands against a server and on the machine of the installation."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.client.conftest import EMAIL, PASSWORD, Server, Terminal


def test_signing_in_is_kept_for_the_owner_alone_until_signing_out(
    terminal: Terminal, server: Server
) -> None:
    told = terminal.run("login", server.url, "--email", EMAIL, text=f"{PASSWORD}\n")
    assert f"signed in at {server.url} as" in told.stdout
    assert PASSWORD not in told.stdout + told.stderr
    file = terminal.folder / "muster" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    assert terminal.json("whoami")["server"] == server.url
    tokens = json.loads(file.read_text())["logins"][server.url]
    terminal.run("logout")
    assert server.url not in file.read_text()
    refused = terminal.run("--server", server.url, "whoami", fails=3, MUSTER_TOKEN=tokens["access"])
    assert refused.stderr.startswith("muster: ")


def test_a_file_that_others_may_read_is_not_used(signed_in: Terminal) -> None:
    (signed_in.folder / "muster" / "logins.json").chmod(0o644)
    assert "chmod 600" in signed_in.run("whoami", fails=9).stderr


def test_a_wrong_password_is_told_and_nothing_is_kept(terminal: Terminal, server: Server) -> None:
    terminal.run("login", server.url, "--email", EMAIL, text="wrong\n", fails=3)
    assert not (terminal.folder / "muster").exists()


def test_commands_say_the_same_here_and_there(signed_in: Terminal) -> None:
    there, here = signed_in.json, signed_in.here
    there("profile", "create", "both", "--title", "Both")
    made = there("group", "create", "Hall")
    there("device", "register", "both-1", "--profile", "both", "--group", str(made["id"]))
    job = there("command", "run", "ping", "--device", "both-1")["job"]
    there("settings", "set", "both-1", "interval_s=30")
    for words in (
        ("device", "list", "--search", "both"),
        ("device", "show", "both-1"),
        ("settings", "get", "both-1"),
        ("group", "list"),
        ("user", "list"),
        ("job", "show", job),
        ("audit", "list"),
    ):
        assert here(*words) == there(*words), words
    why = there("job", "why", there("job", "show", job)[0]["id"])
    assert why["text"]
    assert there("job", "cancel", job, "--reason", "enough")["counts"] == {"CANCELED": 1}


def test_a_list_of_devices_is_looked_at_before_it_is_done(signed_in: Terminal) -> None:
    signed_in.json("profile", "create", "listed")
    file = signed_in.folder / "list.csv"
    file.write_text("device_id,profile\nlisted-1,listed\nlisted-2,listed\n")
    looked = signed_in.json("device", "import", str(file))
    assert (looked["applied"], looked["counts"]["new"]) == (False, 2)
    assert signed_in.json("device", "list", "--profile", "listed") == []
    done = signed_in.json("device", "import", str(file), "--apply", "--secrets")
    assert done["applied"]
    assert set(done["secrets"]) == {"listed-1", "listed-2"}
    signed_in.json("device", "delete", "listed-1", "--yes")
    (gone,) = [d for d in signed_in.json("device", "deleted") if d["device_id"] == "listed-1"]
    restored = signed_in.json("device", "restore", str(gone["key"]))
    assert restored["device_id"] == "listed-1"


def test_the_audit_trail_names_who_acted(signed_in: Terminal) -> None:
    signed_in.json("group", "create", "By token")
    signed_in.here("group", "create", "By hand")
    names = {
        entry["subject_name"]: entry["actor_name"] for entry in signed_in.here("audit", "list")
    }
    assert names["By hand"].startswith("cli (")
    assert not names["By token"].startswith("cli (")


@pytest.mark.parametrize(
    "words",
    [("db", "current"), ("config",), ("audit", "verify"), ("doctor",), ("up",)],
    ids=" ".join,
)
def test_what_works_on_this_machine_only_says_so(terminal: Terminal, words: Any) -> None:
    refused = terminal.run("--server", "http://127.0.0.1:9", *words, fails=2)
    assert "works on the machine of the installation" in refused.stderr


def test_a_server_that_nobody_is_signed_in_at_says_how(terminal: Terminal) -> None:
    refused = terminal.run("--server", "https://muster.example.com", "device", "list", fails=9)
    assert "muster login https://muster.example.com" in refused.stderr


def test_a_server_and_a_state_folder_are_not_both_meant(terminal: Terminal) -> None:
    refused = terminal.run("device", "list", "--state", "x", fails=9, MUSTER_SERVER="http://a.b")
    assert "give one of them" in refused.stderr


def test_a_server_that_is_away_is_told_in_one_line(
    terminal: Terminal, free_port: Callable[[], int]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    refused = terminal.run("--server", address, "whoami", fails=8, MUSTER_TOKEN="t")
    assert refused.stderr.startswith(f"muster: no answer from {address}")
    assert len(refused.stderr.splitlines()) == 1


def test_what_a_token_lacks_is_named(terminal: Terminal, server: Server) -> None:
    with server.muster() as muster:
        made = muster.create_api_token(
            name="r", scopes=[{"permissions": ["devices:read", "groups:read"]}]
        )
    refused = terminal.run(
        *("--server", server.url, "group", "create", "No"), fails=4, MUSTER_TOKEN=str(made["token"])
    )
    assert "groups:write" in refused.stderr


def test_a_device_s_machine_needs_no_platform_to_speak_to_a_server(signed_in: Terminal) -> None:
    code = (
        "import sys; from muster_agent import cli; from importlib import metadata;"
        "points = metadata.entry_points;"
        "cli.entry_points = lambda **k: [p for p in points(**k) if p.name != 'platform'];"
        "sys.modules['muster_platform'] = None;"
        "cli.main(['profile', 'list'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "XDG_CONFIG_HOME": str(signed_in.folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_logs_are_searched_and_faults_decided_from_a_terminal(signed_in: Terminal) -> None:
    assert signed_in.run("logs", '"lens lost" -by', "--since", "7d").stdout == ""
    assert signed_in.run("logs", "--export", "csv").stdout.startswith("ts,level,device_id")
    assert signed_in.run("logs", "--export", "jsonl").stdout == ""
    assert "character 1" in signed_in.run("logs", '"lens', fails=2).stderr
    assert "--since" in signed_in.run("logs", "--since", "soon", fails=2).stderr
    assert signed_in.json("fingerprints", "list") == []
    assert (
        "no such fingerprint" in signed_in.run("fingerprints", "ignore", "f" * 32, fails=5).stderr
    )
