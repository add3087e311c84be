"""The parts themselves: each starts, answers, is fresh where it promises to be, and ends."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import sqlalchemy

from tests.services import base


def test_mosquitto_carries_a_message(mosquitto):
    address = ["-h", mosquitto.host, "-p", str(mosquitto.port), "-t", "services/test"]
    subprocess.run([base.program("mosquitto_pub"), *address, "-r", "-m", "here"], check=True)
    got = subprocess.run(
        [base.program("mosquitto_sub"), *address, "-C", "1", "-W", "10"], capture_output=True
    )
    assert got.stdout == b"here\n"


@pytest.mark.parametrize("round_", [1, 2])
def test_every_test_gets_an_empty_database(database_url, round_):
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE only_once (id INTEGER)"))
    engine.dispose()


def test_a_database_can_be_copied_from_a_template(postgres):
    template = postgres.create()
    postgres.execute("CREATE TABLE made (id INTEGER)", template)
    copy = postgres.create(template)
    postgres.execute("INSERT INTO made VALUES (1)", copy)
    postgres.drop(copy)
    postgres.drop(template)


@pytest.mark.parametrize("round_", [1, 2])
def test_every_test_gets_an_empty_valkey(valkey, round_):
    with redis.Redis.from_url(valkey.url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_the_browser_shows_a_page(browser):
    page = browser.new_page()
    page.set_content("<title>seen</title>")
    assert page.title() == "seen"
    page.close()


def test_a_muster_process_is_read_and_reaped(muster_process):
    process = muster_process("--help")
    process.wait_for("Usage")
    assert process.wait() == 0


def test_no_grandchild_outlives_a_muster_process(muster_process, monkeypatch, tmp_path):
    script = tmp_path / "muster"
    script.write_text("#!/bin/sh\nsetsid sleep 600 &\necho started\nwait\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    process = muster_process("anything")
    process.wait_for("^started$")
    deadline = time.monotonic() + 10
    while len(process.family()) < 2:
        assert time.monotonic() < deadline
    process.kill()
    assert len(process.family()) == 1
    process.reap()
    assert process.family() == []


def test_a_missing_part_skips_here_and_fails_where_all_must_be_there(monkeypatch):
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception, match=r"no-such-part .* make services"):
        base.program("no-such-part")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"no-such-part .* make services"):
        base.program("no-such-part")


def test_a_part_dies_with_the_process_that_started_it(tmp_path):
    starter = """
import os, pathlib, sys, time
from tests.services.base import spawn
log = pathlib.Path(sys.argv[1])
part = spawn(["sh", "-c", "echo up; exec sleep 600"], log)
while not log.read_text():
    time.sleep(0.01)
print(part.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", starter, str(tmp_path / "log")]
    got = subprocess.run(command, capture_output=True, cwd=Path(__file__).parents[3], check=False)
    entry = Path("/proc", got.stdout.decode().strip(), "cmdline")
    deadline = time.monotonic() + 10
    while entry.exists() and entry.read_bytes():  # empty: ended, not reaped by init yet
        assert time.monotonic() < deadline, "the part still runs"
        time.sleep(base.POLL_S)


@pytest.mark.parametrize(("fixture", "forced"), [("postgres", "off"), ("durable_postgres", "on")])
def test_commits_wait_for_the_disk_only_where_asked(request, fixture, forced):
    engine = sqlalchemy.create_engine(request.getfixturevalue(fixture).url())
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SHOW fsync")).scalar() == forced
    engine.dispose()
