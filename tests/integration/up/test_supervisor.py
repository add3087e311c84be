"""The supervisor with real child processes and a clock that the test moves."""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_platform.up.parts import Part
from muster_platform.up.process import OPEN_FILES
from muster_platform.up.supervisor import HUNG_S, Supervisor

READY_AND_WAIT = "print('ready', flush=True); import signal; signal.pause()"


class Bench:
    """A supervisor, what it said, and its clock."""

    def __init__(self, folder: Path, *parts: Part) -> None:
        self.now = 1_000.0
        self.said: list[str] = []
        self.status = folder / "status.json"
        self.supervisor = Supervisor(
            list(parts), folder / "log", self.said.append, self.status, now=lambda: self.now
        )

    def until(self, condition: Callable[[], bool], step_s: float = 0.05) -> None:
        """Tick until the condition holds; the supervisor's clock moves with each tick."""
        for _ in range(600):
            self.supervisor.tick()
            if condition():
                return
            self.now += step_s
            time.sleep(0.02)
        raise AssertionError(f"never happened; said: {self.said}")

    def rows(self) -> dict[str, dict[str, object]]:
        return {row["part"]: row for row in json.loads(self.status.read_text())["parts"]}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(*parts: Part) -> Bench:
        made.append(Bench(tmp_path, *parts))
        return made[-1]

    yield make
    for one in made:
        one.supervisor.stop_all()


def python(name: str, code: str, **more: object) -> Part:
    return Part(name, (sys.executable, "-c", code), ready_text="ready", **more)  # type: ignore[arg-type]


def test_a_part_starts_only_when_what_it_needs_is_ready(bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = python(
        "first",
        f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(.01)\n"
        + READY_AND_WAIT,
    )
    b = bench(first, python("second", READY_AND_WAIT, after=("first",)))
    b.until(lambda: b.rows()["first"]["state"] == "starting")
    b.supervisor.tick()
    assert b.rows()["second"]["state"] == "waiting"
    gate.touch()
    b.until(b.supervisor.all_ready)
    assert [line.split()[0] for line in b.said] == ["first", "second"]


def test_a_part_may_open_more_files_than_a_shell_allows(bench, tmp_path: Path) -> None:
    found = tmp_path / "limit"
    code = (
        "import resource, pathlib; limits = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        f"pathlib.Path({str(found)!r}).write_text(str(limits[0]))\n"
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        b = bench(python("part", code + READY_AND_WAIT))
        b.until(b.supervisor.all_ready)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    assert int(found.read_text()) == most


def test_a_part_killed_with_9_comes_back_and_the_reason_is_said(bench) -> None:
    b = bench(python("part", READY_AND_WAIT))
    b.until(b.supervisor.all_ready)
    pid = b.rows()["part"]["pid"]
    os.kill(pid, signal.SIGKILL)
    b.until(lambda: not b.supervisor.all_ready())
    b.until(b.supervisor.all_ready)
    assert b.rows()["part"]["pid"] != pid
    assert any("signal 9" in line for line in b.said)


def test_a_part_that_keeps_failing_is_tried_ever_more_rarely(bench) -> None:
    b = bench(python("part", "print('no such option'); raise SystemExit(9)"))
    b.until(lambda: len(b.said) == 3)
    pauses = [line.split("again in ")[1].split(" s")[0] for line in b.said]
    assert pauses == ["0.5", "1", "2"]
    assert "exit code 9" in b.said[0]
    assert "no such option" in b.said[0]


def test_a_part_that_no_longer_answers_is_stopped_and_started_again(bench) -> None:
    answers = [True]
    part = Part("part", (sys.executable, "-c", READY_AND_WAIT), probe=lambda: answers[0])
    b = bench(part)
    b.until(b.supervisor.all_ready)
    pid, answers[0] = b.rows()["part"]["pid"], False
    b.now += HUNG_S / 2
    b.supervisor.tick()
    assert b.rows()["part"]["state"] == "not answering"
    b.now += HUNG_S
    b.supervisor.tick()
    answers[0] = True
    b.until(lambda: b.supervisor.all_ready() and b.rows()["part"]["pid"] != pid)


def test_all_parts_are_stopped_the_last_started_first(bench, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, os\n"
        "def end(*_):\n"
        f"    f = os.open({str(order)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
        "    os.write(f, (sys.argv[1] + ' ').encode()); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
    ) + READY_AND_WAIT
    parts = [
        Part(name, (sys.executable, "-c", code, name), ready_text="ready") for name in ("a", "b")
    ]
    b = bench(*parts)
    b.until(b.supervisor.all_ready)
    b.supervisor.stop_all()
    assert order.read_text().split() == ["b", "a"]
    assert {row["state"] for row in b.rows().values()} == {"stopped"}
