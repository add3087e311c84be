"""The power goes at every step of every update: old or new, never neither; and it says which."""

import shutil
from pathlib import Path

import pytest

from muster_agent.updates.journal import Stage, UpdateJournal
from muster_agent.updates.slots import SlotInstaller
from muster_protocol.states import ExecutionState
from tests.unit.agent.power import Box, FrailDisk, PowerCut

E = ExecutionState
WHEN = ("before", "midst", "after")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A device with version 1 installed."""
    made = Box(tmp_path / "box")
    outcome, _ = made.run("1")
    assert outcome is not None
    assert outcome.state is E.SUCCEEDED
    return made


def _steps(box: Box, folder: Path) -> int:
    """Count the steps of the update from 1 to 2."""
    rehearsal = Box(folder)
    shutil.copytree(box.home, folder, symlinks=True)
    rehearsal.problem, rehearsal.restart = box.problem, box.restart
    rehearsal.by_command = box.by_command
    disk = FrailDisk()
    rehearsal.run("2", disk)
    return disk.steps


def _each_cut(box: Box, tmp_path: Path) -> list[tuple[Box, int, str]]:
    total = _steps(box, tmp_path / "rehearsal")
    assert total > 30
    cases = []
    for at in range(1, total + 1):
        for when in WHEN:
            home = tmp_path / f"{at}-{when}"
            shutil.copytree(box.home, home, symlinks=True)
            case = Box(home)
            case.problem, case.by_command = box.problem, box.by_command
            with pytest.raises(PowerCut):
                case.run("2", FrailDisk(at, when))
            cases.append((case, at, when))
    return cases


def test_a_healthy_update_is_finished_after_a_cut_at_any_step(box: Box, tmp_path: Path) -> None:
    for case, at, when in _each_cut(box, tmp_path):
        assert case.running() in ("1", "2"), (at, when)
        outcome, _ = case.run("2")
        assert outcome is not None
        assert outcome.state is E.SUCCEEDED, (at, when, outcome)
        assert (case.running(), case.inventory()) == ("2", ["2"]), (at, when)


def test_a_sick_update_is_rolled_back_after_a_cut_at_any_step(box: Box, tmp_path: Path) -> None:
    box.problem = "no answer"
    for case, at, when in _each_cut(box, tmp_path):
        assert case.running() in ("1", "2"), (at, when)
        assert case.inventory() == ["1"], (at, when)
        outcome, _ = case.run("2")
        assert outcome is not None
        assert outcome.error is not None
        assert (outcome.state, outcome.step) == (E.FAILED, "ROLLED_BACK"), (at, when, outcome)
        assert "no answer" in outcome.error.message
        assert (case.running(), case.inventory()) == ("1", ["1"]), (at, when)


def test_a_second_cut_while_it_recovers_changes_nothing_of_that(box: Box, tmp_path: Path) -> None:
    for case, at, _ in _each_cut(box, tmp_path)[::7]:
        for again in (1, 3, 6, 10):
            try:
                case.run("2", FrailDisk(again, "midst"))
            except PowerCut:
                assert case.running() in ("1", "2"), (at, again)
        case.max_starts = 99
        outcome, _ = case.run("2")
        assert outcome is not None
        assert case.running() == {E.SUCCEEDED: "2", E.FAILED: "1"}[outcome.state]
        assert case.inventory() == [case.running()]


@pytest.mark.parametrize(("problem", "version"), [("", "2"), ("no answer", "1")])
def test_the_app_that_runs_is_the_current_one_after_a_cut_at_any_step(
    box: Box, tmp_path: Path, problem: str, version: str
) -> None:
    box.problem, box.by_command = problem, True
    box.started.write_text("1")
    for case, at, when in _each_cut(box, tmp_path):
        outcome, _ = case.run("2")
        assert outcome is not None
        assert (case.started.read_text(), case.running()) == (version, version), (at, when)


def test_an_agent_in_the_slot_ends_once_more_so_that_the_old_one_runs(box: Box) -> None:
    box.restart, box.problem = lambda: True, "sick"
    assert (box.run("2")[0], box.running()) == (None, "2")
    assert (box.run("2")[0], box.running()) == (None, "1")
    outcome, _ = box.run("2")
    assert outcome is not None
    assert (outcome.state, outcome.step, box.running()) == (E.FAILED, "ROLLED_BACK", "1")


def test_an_old_one_that_does_not_restart_is_told(box: Box) -> None:
    def restart() -> bool:
        if box.running() == "1":
            raise RuntimeError("no such unit")
        return False

    box.restart, box.problem = restart, "sick"
    outcome, _ = box.run("2")
    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.state, outcome.step, box.running()) == (E.FAILED, "ROLLED_BACK", "1")
    assert (outcome.error.code, outcome.error.message) == (
        "health",
        "sick; the old one is in place, but was not restarted: RuntimeError: no such unit",
    )


def test_a_restart_that_always_ends_the_process_is_tried_twice_and_then_trusted(box: Box) -> None:
    def restart() -> bool:
        raise PowerCut

    box.restart = restart
    for _ in range(2):
        with pytest.raises(PowerCut):
            box.run("2")
    outcome, _ = box.run("2")
    assert outcome is not None
    assert (outcome.state, box.running()) == (E.SUCCEEDED, "2")


def test_a_disk_that_fails_at_any_step_leaves_what_is_reported(box: Box, tmp_path: Path) -> None:
    total = _steps(box, tmp_path / "rehearsal")
    ends = set()
    for at in range(1, total + 1):
        home = tmp_path / str(at)
        shutil.copytree(box.home, home, symlinks=True)
        case = Box(home)
        try:
            outcome, _ = case.run("2", FrailDisk(at, "after", OSError))
        except OSError:
            outcome = None  # before anything was begun
        version = "2" if outcome is not None and outcome.state is E.SUCCEEDED else "1"
        assert (case.running(), case.inventory()) == (version, [version]), (at, outcome)
        ends.add(version)
    assert ends == {"1", "2"}


def test_the_first_installation_is_whole_or_absent(tmp_path: Path) -> None:
    rehearsal, disk = Box(tmp_path / "rehearsal"), FrailDisk()
    rehearsal.run("1", disk)
    for at in range(1, disk.steps + 1):
        case = Box(tmp_path / str(at))
        with pytest.raises(PowerCut):
            case.run("1", FrailDisk(at, "midst"))
        if (case.slots / "current").exists():
            assert case.running() == "1"
        outcome, _ = case.run("1")
        assert outcome is not None
        assert (outcome.state, case.running()) == (E.SUCCEEDED, "1")


def test_the_steps_are_told_in_order(box: Box) -> None:
    _, steps = box.run("2")
    assert list(dict.fromkeys(steps)) == [
        "DOWNLOADING",
        "DOWNLOADED",
        "VERIFIED",
        "INSTALLING",
        "COMMITTING",
    ]


def test_one_that_never_gets_through_its_trial_is_rolled_back_after_three_starts(box: Box) -> None:
    box.restart = lambda: True
    outcome, steps = box.run("2")
    assert (outcome, steps[-1], box.running()) == (None, "REBOOTING", "2")

    def dies() -> str:
        raise PowerCut

    for _ in range(3):
        sick = Box(box.home)
        sick.restart = box.restart
        sick.health = dies
        with pytest.raises(PowerCut):
            sick.run("2")
        assert box.running() == "2"
    assert (box.run("2")[0], box.running()) == (None, "1")
    outcome, _ = box.run("2")
    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.error.code, outcome.step) == ("starts", "ROLLED_BACK")
    assert box.running() == "1"


def test_what_a_lost_journal_entry_left_on_trial_is_undone_before_the_next(box: Box) -> None:
    box.restart = lambda: True
    box.run("2")
    assert box.running() == "2"
    box.restart, box.problem, box.by_command = None, "sick", True
    outcome, _ = box.run("3")
    assert box.started.read_text() == "1"
    assert outcome is not None
    assert outcome.state is E.FAILED
    assert box.running() == "1"


def test_an_ended_update_is_answered_from_the_journal_and_not_run_again(box: Box) -> None:
    box.run("2")
    before = (box.slots / "current").readlink()
    outcome, steps = box.run("2")
    assert outcome is not None
    assert (outcome.state, steps) == (E.SUCCEEDED, [])
    assert (box.slots / "current").readlink() == before


def test_an_installer_that_fails_leaves_the_old_one(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("flash is worn out")

    monkeypatch.setattr(SlotInstaller, "install", broken)
    outcome, _ = box.run("2")
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.code == "install"
    assert "worn out" in outcome.error.message
    assert box.running() == "1"


def test_a_full_disk_ends_it_as_disk_full_and_frees_what_it_took(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FrailDisk()
    monkeypatch.setattr(disk, "free_bytes", lambda _: 100)
    outcome, _ = box.run("2", disk)
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.code == "disk_full"
    assert box.running() == "1"
    assert not (box.home / "state" / "download").exists()
    saved = UpdateJournal(box.home / "state" / "update.json", disk).load()
    assert saved is not None
    assert saved.stage is Stage.DONE
