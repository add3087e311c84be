"""The state tables: nothing gets stuck, and what has ended stays as it is."""

import pytest

from muster_protocol.states import (
    EXECUTION_CLAIMS,
    EXECUTION_OPEN,
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    JOB_TERMINAL,
    JOB_TRANSITIONS,
    REACHABLE,
    ExecutionState,
    JobState,
    PresenceState,
)

E, J = ExecutionState, JobState
TABLES = [
    pytest.param(ExecutionState, EXECUTION_TRANSITIONS, EXECUTION_TERMINAL, id="execution"),
    pytest.param(JobState, JOB_TRANSITIONS, JOB_TERMINAL, id="job"),
]


def reachable(table, start):
    """Give all states that can follow, in any number of steps."""
    found, ahead = set(), [start]
    while ahead:
        for state in table[ahead.pop()] - found:
            found.add(state)
            ahead.append(state)
    return found


@pytest.mark.parametrize(("states", "table", "terminal"), TABLES)
class TestEveryTable:
    def test_every_state_has_a_row(self, states, table, terminal):
        assert set(table) == set(states)

    def test_a_terminal_state_never_changes(self, states, table, terminal):
        assert all(table[state] == frozenset() for state in terminal)

    def test_every_other_state_can_end(self, states, table, terminal):
        for state in set(states) - terminal:
            assert reachable(table, state) & terminal, state

    def test_no_state_follows_itself(self, states, table, terminal):
        assert all(state not in following for state, following in table.items())

    def test_every_state_but_the_first_can_be_reached(self, states, table, terminal):
        first = next(iter(states))
        assert reachable(table, first) | {first} == set(states)


def test_open_and_terminal_are_all_there_is():
    assert set(E) == EXECUTION_OPEN | EXECUTION_TERMINAL
    assert not EXECUTION_OPEN & EXECUTION_TERMINAL


def test_an_execution_never_goes_back():
    order = [E.QUEUED, E.SENT, E.DELIVERED, E.IN_PROGRESS, E.VERIFYING]
    for place, state in enumerate(order):
        assert not EXECUTION_TRANSITIONS[state] & set(order[: place + 1])


def test_every_open_execution_can_be_canceled_and_removed():
    for state in EXECUTION_OPEN:
        assert {E.CANCELED, E.REMOVED} <= EXECUTION_TRANSITIONS[state]


def test_an_execution_expires_before_and_times_out_after_delivery():
    for state in (E.QUEUED, E.SENT):
        assert E.EXPIRED in EXECUTION_TRANSITIONS[state]
        assert E.TIMED_OUT not in EXECUTION_TRANSITIONS[state]
    for state in (E.DELIVERED, E.IN_PROGRESS):
        assert E.TIMED_OUT in EXECUTION_TRANSITIONS[state]
        assert E.EXPIRED not in EXECUTION_TRANSITIONS[state]
    assert E.FAILED in EXECUTION_TRANSITIONS[E.VERIFYING]


def test_a_device_claims_only_what_is_its_to_say():
    assert set(E) - EXECUTION_CLAIMS == {
        E.QUEUED,
        E.SENT,
        E.VERIFYING,
        E.TIMED_OUT,
        E.REMOVED,
    }


@pytest.mark.parametrize("state", [E.QUEUED, E.SENT])
def test_a_first_claim_may_skip_what_the_platform_did_not_see(state):
    assert EXECUTION_TRANSITIONS[state] >= EXECUTION_CLAIMS


def test_a_job_may_be_paused_and_resumed():
    assert J.PAUSED in JOB_TRANSITIONS[J.IN_PROGRESS]
    assert J.IN_PROGRESS in JOB_TRANSITIONS[J.PAUSED]


def test_dispatch_publishes_to_whom_it_may_reach():
    assert {PresenceState.ONLINE, PresenceState.SUSPECT} == REACHABLE
