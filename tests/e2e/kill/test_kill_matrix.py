"""kill -9 of every part, with a command in every moment of its life at once.

Six devices wait in six moments while one part is killed and started again: queued (sent while
it is down), handed over but not acknowledged, sent, delivered, running, and reported but not
stored; a seventh device never comes and its command must run out. Processes are held still with
SIGSTOP to reach each moment for certain.

On Mosquitto as on our own broker: what it acknowledged and had not written down is lost to it (by
our configuration the last second), so devices must send it again, and the platform its commands.

What a device's app did is in its diary (device_app.py); what became of it is in the database.
"""

import pytest

from tests.e2e.kill.conftest import ABSENT, CELLS, DEVICES, UNSAVED
from tests.e2e.kill.stack import Ear, Stack, eventually

PARTS = ("dispatch", "ingest", "broker", "worker", "web", "agent", UNSAVED)
ENDED = ("SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "EXPIRED", "CANCELED", "REMOVED")

EXPECTED = {
    ("agent", "running"): "FAILED interrupted",  # it may have taken effect: nobody runs it again
    **{(part, ABSENT): "EXPIRED no_report" for part in PARTS},
}
"""(killed part, moment) -> end; SUCCEEDED where none is named."""


def bring_to_their_moments(stack: Stack, ear: Ear, part: str) -> dict[str, str]:
    """Send the commands and hold the world still; give execution ids by moment."""
    ids = {}
    ids["running"] = stack.send("running", stack.gate(f"{part}-running"))
    blocker = stack.send("delivered", stack.gate(f"{part}-delivered"))
    ids["reported"] = stack.send("reported", stack.gate(f"{part}-reported"))
    for one in (ids["running"], blocker, ids["reported"]):
        stack.wait_state(one, "IN_PROGRESS")
    ids["delivered"] = stack.send("delivered")
    stack.wait_state(ids["delivered"], "DELIVERED")
    stack.pause("sent")
    ids["sent"] = stack.send("sent")
    stack.wait_state(ids["sent"], "SENT")
    ids[ABSENT] = stack.send(ABSENT, delivery_s=2)
    stack.wait_state(ids[ABSENT], "SENT", "EXPIRED")  # not held back by what is paused next
    stack.pause("ingest")
    stack.gate(f"{part}-reported").touch()
    eventually(lambda: (ids["reported"], "SUCCEEDED") in ear.heard, "the report")
    stack.pause("broker")
    ids["handed"] = stack.send("handed")
    eventually(lambda: stack.execution(ids["handed"]).handed_at, "handed over")
    assert stack.execution(ids["handed"]).state == "QUEUED"
    return ids


def kill_and_start_again(stack: Stack, part: str, ids: dict[str, str]) -> None:
    """Kill the part, let everything else go on, and start the part again."""
    killed = {"agent": DEVICES, UNSAVED: ("broker",)}.get(part, (part,))
    for name in killed:
        stack.kill(name)
    ids["queued"] = stack.send("queued")
    for name in ("broker", "ingest", "sent"):
        stack.go_on(name)
    for moment in ("running", "delivered"):
        stack.gate(f"{part}-{moment}").touch()
    stack.start(*killed)


def save_nothing(stack: Stack, ear: Ear) -> None:
    """Have the broker start again such that it writes nothing down; wait till all are back."""
    stored = {device: len(stack.stored(device)) for device in DEVICES}
    seen = eventually(lambda: ear.subscribed, "the ear is there")
    stack.save_nothing()
    eventually(lambda: ear.subscribed > seen, "the ear is back")
    for device, count in stored.items():
        eventually(lambda d=device, n=count: len(stack.stored(d)) > n, f"{device} is back")


@pytest.mark.parametrize("part", PARTS)
def test_each_command_runs_once_and_ends_rightly(stack: Stack, ear: Ear, part: str):
    if part == UNSAVED:
        save_nothing(stack, ear)
    ids = bring_to_their_moments(stack, ear, part)
    kill_and_start_again(stack, part, ids)
    wrong = []
    for moment in (*DEVICES, ABSENT):
        stack.wait_state(ids[moment], *ENDED)
        ended = stack.execution(ids[moment])
        outcome = f"{ended.state} {ended.error_code}".strip()
        runs = stack.noted(moment, "ran").count(ids[moment]) if moment != ABSENT else 0
        CELLS[stack.kind, part, moment] = f"{outcome} x{runs}"
        expected = EXPECTED.get((part, moment), "SUCCEEDED")
        if outcome != expected or runs != (0 if moment == ABSENT else 1) or ended.contradiction:
            wrong.append((moment, outcome, runs, ended.contradiction))
        eventually(lambda one=ids[moment]: stack.job_state(one) == "COMPLETED", "job COMPLETED")
    assert not wrong


def test_no_telemetry_is_lost_or_doubled(stack: Stack):
    """After all the kills, and one more of every device: the app's list, the table, the ledger."""
    for device in DEVICES:
        stack.kill(device)
    accepted = {device: numbers(stack, device, "accepted") for device in DEVICES}
    stack.start(*DEVICES)  # what a spool still holds goes out now
    for device in DEVICES:
        eventually(
            lambda name=device: accepted[name] <= set(stack.stored(name)),
            lambda name=device: f"{name}: {accepted[name] - set(stack.stored(name))} stored",
        )
    for device in DEVICES:
        stack.kill(device)
    for device in DEVICES:
        eventually(
            lambda name=device: (
                stack.ledger(name)
                == {"stored": len(stack.stored(name)), "lost": 0, "missing": 0, "quarantined": 0}
            ),
            lambda name=device: f"{len(stack.stored(name))} values as in {stack.ledger(name)}",
        )
        stored = stack.stored(device)
        CELLS[stack.kind, "telemetry", device] = f"{len(stored)} stored"
        assert len(stored) == len(set(stored)), f"{device}: doubled"
        assert set(stored) <= numbers(stack, device, "offered")
        assert accepted[device] <= set(stored)


def numbers(stack: Stack, device: str, word: str) -> set[int]:
    """Give the numbers that a device's app noted under a word."""
    return {int(number) for number in stack.noted(device, word)}
