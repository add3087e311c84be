"""Why?: the first thing that holds an execution back, and when it is due."""

from dataclasses import replace

import pytest

from muster_platform.jobs.blocked import TEXTS, Surroundings, blocked_by
from muster_platform.jobs.due import due_after_sending, due_now
from muster_platform.jobs.rules import Standing
from muster_protocol.states import ExecutionState, JobState, PresenceState

E, P = ExecutionState, PresenceState
T0 = 1_700_000_000_000
NOW = T0 + 100_000

QUEUED = Standing(
    state=E.QUEUED,
    queued_at=T0,
    expires_at=T0 + 10**9,
    queue_s=10**6,
    timeout_s=600,
    step_timeout_s=300,
)
HANDED = replace(QUEUED, handed_at=T0 + 1)
SENT = replace(HANDED, state=E.SENT, sent_at=T0 + 2)
DELIVERED = replace(SENT, state=E.DELIVERED, delivered_at=T0 + 3, heard_at=T0 + 3)
WORKING = replace(DELIVERED, state=E.IN_PROGRESS, started_at=T0 + 4, heard_at=NOW - 1_000)
SILENT = replace(WORKING, heard_at=T0 + 4)
CANCELING = replace(SENT, cancel_requested_at=T0 + 9)

ONLINE = Surroundings(
    device_id="pump-7",
    plain=False,
    disabled_at=None,
    presence=P.ONLINE,
    presence_since=T0 - 5,
    job_title="reboot",
    job_state=JobState.IN_PROGRESS,
    job_since=T0,
    now=NOW,
)
OFFLINE = replace(ONLINE, presence=P.OFFLINE)
ASLEEP = replace(ONLINE, presence=P.SLEEPING)
NEW = replace(ONLINE, presence=P.UNKNOWN)
PLAIN = replace(ONLINE, plain=True, presence=P.UNKNOWN)
DISABLED = replace(OFFLINE, disabled_at=T0 + 8)
PAUSED = replace(OFFLINE, job_state=JobState.PAUSED)


@pytest.mark.parametrize(
    ("standing", "around", "code"),
    [
        (QUEUED, ONLINE, "waiting_for_dispatch"),
        (QUEUED, OFFLINE, "device_offline"),
        (QUEUED, ASLEEP, "device_sleeping"),
        (QUEUED, NEW, "device_unknown"),
        (QUEUED, DISABLED, "device_disabled"),
        (QUEUED, PAUSED, "job_paused"),
        (QUEUED, PLAIN, "waiting_for_dispatch"),
        (HANDED, ONLINE, "waiting_for_broker"),
        (HANDED, PAUSED, "device_offline"),
        (SENT, ONLINE, "not_delivered"),
        (SENT, OFFLINE, "device_offline"),
        (SENT, PLAIN, "never_heard"),
        (CANCELING, PLAIN, "never_heard"),
        (SENT, replace(PLAIN, presence=P.ONLINE), "no_report"),
        (CANCELING, ONLINE, "cancel_unconfirmed"),
        (DELIVERED, ONLINE, "not_started"),
        (WORKING, ONLINE, "in_progress"),
        (WORKING, OFFLINE, "device_offline"),
        (SILENT, ONLINE, "in_progress_silent"),
    ],
)
def test_the_first_reason_is_named(standing, around, code):
    block = blocked_by(standing, around)
    assert block is not None
    assert block.code == code
    assert block.since <= NOW
    assert block.subject in block.text


def test_nothing_blocks_what_has_ended():
    assert blocked_by(replace(SENT, state=E.EXPIRED, ended_at=NOW), ONLINE) is None


def test_offline_holds_it_back_no_longer_than_it_exists():
    block = blocked_by(QUEUED, OFFLINE)
    assert block is not None
    assert block.since == QUEUED.queued_at


def test_every_sentence_names_its_subject_once_and_ends():
    for text in TEXTS.values():
        assert text.count("{subject}") == 1
        assert text.endswith(".")


@pytest.mark.parametrize(
    ("standing", "around", "due"),
    [
        (QUEUED, ONLINE, NOW),
        (QUEUED, OFFLINE, None),
        (QUEUED, PLAIN, NOW),
        (QUEUED, PAUSED, None),
        (QUEUED, DISABLED, None),
        (QUEUED, replace(PLAIN, disabled_at=T0), None),
        (SENT, ONLINE, NOW),
        (SENT, PLAIN, None),
        (DELIVERED, ONLINE, None),
        (replace(DELIVERED, cancel_requested_at=NOW), ONLINE, NOW),
        (replace(SENT, cancel_requested_at=NOW), PLAIN, NOW),
        (replace(SENT, cancel_requested_at=NOW), OFFLINE, None),
    ],
)
def test_when_something_happened_it_is_due(standing, around, due):
    assert due_now(standing, around) == due


@pytest.mark.parametrize(
    ("standing", "around", "due"),
    [
        (SENT, ONLINE, NOW + 60_000),
        (SENT, OFFLINE, None),
        (SENT, PLAIN, None),
        (DELIVERED, ONLINE, None),
        (replace(DELIVERED, cancel_requested_at=NOW), ONLINE, NOW + 60_000),
    ],
)
def test_after_sending_it_is_due_again_while_the_device_is_reachable(standing, around, due):
    assert due_after_sending(standing, around) == due
