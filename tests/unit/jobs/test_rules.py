"""The rules of executions: whatever comes in whatever order, one end, and it stays."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.jobs import rules
from muster_platform.jobs.limits import LIMITS, next_limit, overdue
from muster_platform.jobs.rules import Decision, Standing, follow
from muster_protocol.states import (
    EXECUTION_CLAIMS,
    EXECUTION_OPEN,
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    ExecutionState,
)

E = ExecutionState
T0 = 1_700_000_000_000


def standing(state: ExecutionState = E.QUEUED, **values: int | str | None) -> Standing:
    base = Standing(
        state=state,
        queued_at=T0,
        expires_at=T0 + 100_000,
        queue_s=50,
        timeout_s=60,
        step_timeout_s=20,
    )
    return replace(base, **values)  # type: ignore[arg-type]


@dataclass
class History:
    """Plays what happens and keeps what the platform would store."""

    now: int = T0
    present: Standing = field(default_factory=standing)
    states: list[ExecutionState] = field(default_factory=lambda: [E.QUEUED])
    events: list[tuple[ExecutionState, ExecutionState]] = field(default_factory=list)

    def take(self, decision: Decision | None) -> None:
        if decision is None:
            return
        before = self.present.state
        self.present = follow(self.present, decision)
        self.states.append(decision.to)
        if decision.telling:
            self.events.append((before, decision.to))

    def step(self, name: str, claimed: ExecutionState, pause_ms: int) -> None:
        self.now += pause_ms
        match name:
            case "claim":
                self.take(rules.claim(self.present, claimed, self.now))
            case "hand_over":
                self.take(rules.hand_over(self.present, self.now))
            case "sent":
                self.take(rules.sent(self.present, self.now))
            case "cancel":
                self.take(rules.cancel(self.present, self.now))
            case "remove":
                self.take(rules.remove(self.present, self.now))
            case "sweep":
                self.take(overdue(self.present, self.now))


steps = st.lists(
    st.tuples(
        st.sampled_from(["claim", "claim", "hand_over", "sent", "cancel", "sweep", "remove"]),
        st.sampled_from(sorted(EXECUTION_CLAIMS)),
        st.integers(0, 40_000),
    ),
    max_size=30,
)


def play(sequence: list[tuple[str, ExecutionState, int]]) -> History:
    history = History()
    for name, claimed, pause_ms in sequence:
        history.step(name, claimed, pause_ms)
    return history


@given(steps)
def test_every_history_ends_in_exactly_one_terminal_state_that_never_changes(sequence):
    history = play(sequence)
    for _ in range(4):  # each limit that can still run
        history.step("sweep", E.DELIVERED, 200_000)
    ends = [state for state in history.states if state in EXECUTION_TERMINAL]
    assert len(set(ends)) == 1
    assert history.present.state is ends[0]
    assert next_limit(history.present) is None


@given(steps)
def test_every_move_is_one_of_the_table(sequence):
    history = play(sequence)
    for before, after in zip(history.states, history.states[1:], strict=False):
        assert before is after or after in EXECUTION_TRANSITIONS[before]


@given(steps)
def test_the_events_alone_give_the_state(sequence):
    history = play(sequence)
    state = E.QUEUED
    for before, after in history.events:
        assert before is state
        state = after
    assert state is history.present.state


@given(steps)
def test_an_ended_execution_has_an_end_time_and_an_open_one_has_a_limit(sequence):
    present = play(sequence).present
    assert present.ended == (present.ended_at is not None)
    assert present.ended == (next_limit(present) is None)


@given(steps, st.integers(0, 30_000))
def test_sending_again_extends_no_limit(sequence, pause_ms):
    history = play(sequence)
    before = next_limit(history.present)
    resent = follow(history.present, rules.hand_over(history.present, history.now + pause_ms))
    assert next_limit(resent) == before


@given(steps)
def test_what_may_have_been_published_is_never_canceled_by_the_platform_alone(sequence):
    history = play(sequence)
    decision = rules.cancel(history.present, history.now)
    if history.present.handed_at is not None and not history.present.ended:
        assert decision.to is history.present.state


@pytest.mark.parametrize("state", sorted(EXECUTION_OPEN))
def test_each_open_state_has_a_limit(state):
    assert any(state in row.states for row in LIMITS)
    assert next_limit(standing(state, delivered_at=T0, started_at=T0)) is not None


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row.code)
def test_each_limit_ends_in_a_state_the_table_allows(row):
    for state in row.states:
        assert row.ends_as in EXECUTION_TRANSITIONS[state]


class TestLimits:
    def test_queued_too_long_expires_with_its_own_code(self):
        assert overdue(standing(), T0 + 49_999) is None
        decision = overdue(standing(), T0 + 50_000)
        assert decision is not None
        assert (decision.to, decision.code) == (E.EXPIRED, "queue_limit")

    def test_sent_and_never_delivered_expires_with_another_code(self):
        decision = overdue(standing(E.SENT, handed_at=T0, sent_at=T0), T0 + 100_000)
        assert decision is not None
        assert (decision.to, decision.code) == (E.EXPIRED, "delivery_limit")

    def test_a_plain_device_without_a_report_ends_as_no_report(self):
        sent = standing(E.SENT, handed_at=T0, sent_at=T0)
        decision = overdue(sent, T0 + 100_000, plain=True)
        assert decision is not None
        assert (decision.to, decision.code) == (E.EXPIRED, "no_report")

    def test_reports_do_not_extend_timeout_s(self):
        present = standing(E.DELIVERED, delivered_at=T0)
        for second in range(1, 60):
            present = follow(present, rules.claim(present, E.IN_PROGRESS, T0 + second * 1000))
            assert overdue(present, T0 + second * 1000) is None
        decision = overdue(present, T0 + 60_000)
        assert decision is not None
        assert (decision.to, decision.code) == (E.TIMED_OUT, "timeout")

    def test_silence_times_out_before_timeout_s(self):
        present = standing(E.IN_PROGRESS, delivered_at=T0, started_at=T0, heard_at=T0 + 5_000)
        assert overdue(present, T0 + 24_999) is None
        decision = overdue(present, T0 + 25_000)
        assert decision is not None
        assert (decision.to, decision.code) == (E.TIMED_OUT, "silence")

    def test_a_repeated_delivered_is_no_sign_of_progress(self):
        present = standing(E.DELIVERED, delivered_at=T0, heard_at=T0)
        assert follow(present, rules.claim(present, E.DELIVERED, T0 + 9_000)).heard_at == T0

    def test_an_unconfirmed_cancel_is_noted_when_a_limit_ends_it(self):
        present = standing(E.SENT, handed_at=T0, sent_at=T0, cancel_requested_at=T0)
        decision = overdue(present, T0 + 100_000)
        assert decision is not None
        assert "cancel not confirmed" in decision.note


class TestCancel:
    def test_never_handed_over_is_canceled_at_once(self):
        assert rules.cancel(standing(), T0).to is E.CANCELED

    def test_handed_over_waits_for_the_device(self):
        decision = rules.cancel(standing(handed_at=T0), T0 + 1)
        assert decision.to is E.QUEUED
        assert decision.changes == {"cancel_requested_at": T0 + 1}

    def test_the_device_confirms(self):
        present = standing(E.IN_PROGRESS, handed_at=T0, delivered_at=T0, cancel_requested_at=T0)
        assert rules.claim(present, E.CANCELED, T0 + 5).to is E.CANCELED

    def test_what_ended_meanwhile_stays_as_it_ended(self):
        present = standing(E.IN_PROGRESS, handed_at=T0, delivered_at=T0, cancel_requested_at=T0)
        ended = follow(present, rules.claim(present, E.SUCCEEDED, T0 + 5))
        assert ended.state is E.SUCCEEDED
        assert rules.claim(ended, E.CANCELED, T0 + 6).changes["contradiction"]

    def test_asked_twice_is_asked_once(self):
        present = standing(E.SENT, handed_at=T0, cancel_requested_at=T0)
        assert not rules.cancel(present, T0 + 9).changes


class TestClaims:
    def test_a_device_may_skip_states(self):
        present = follow(standing(E.SENT), rules.claim(standing(E.SENT), E.SUCCEEDED, T0 + 7))
        assert present.state is E.SUCCEEDED
        assert present.delivered_at == present.started_at == present.ended_at == T0 + 7

    def test_expired_after_delivered_is_timed_out(self):
        decision = rules.claim(standing(E.DELIVERED, delivered_at=T0), E.EXPIRED, T0 + 1)
        assert (decision.to, decision.code) == (E.TIMED_OUT, "not_begun_in_time")

    def test_an_overtaken_delivered_moves_nothing(self):
        present = standing(E.IN_PROGRESS, delivered_at=T0, started_at=T0)
        assert rules.claim(present, E.DELIVERED, T0 + 1) == Decision(E.IN_PROGRESS)

    @pytest.mark.parametrize("claimed", [E.SUCCEEDED, E.FAILED, E.IN_PROGRESS, E.DELIVERED])
    def test_a_claim_after_the_platform_ended_it_is_a_contradiction(self, claimed):
        decision = rules.claim(standing(E.EXPIRED, ended_at=T0), claimed, T0 + 1)
        assert decision.to is E.EXPIRED
        assert str(claimed) in decision.changes["contradiction"]
        assert decision.telling

    def test_the_same_contradiction_is_told_once(self):
        present = standing(E.EXPIRED, ended_at=T0)
        once = follow(present, rules.claim(present, E.SUCCEEDED, T0 + 1))
        assert rules.claim(once, E.SUCCEEDED, T0 + 2) == Decision(E.EXPIRED)

    def test_a_repeated_end_is_no_contradiction(self):
        present = standing(E.SUCCEEDED, ended_at=T0)
        assert rules.claim(present, E.SUCCEEDED, T0 + 1) == Decision(E.SUCCEEDED)
        assert rules.claim(present, E.DELIVERED, T0 + 1) == Decision(E.SUCCEEDED)

    @pytest.mark.parametrize("state", sorted(EXECUTION_OPEN))
    @pytest.mark.parametrize("claimed", sorted(EXECUTION_CLAIMS))
    def test_no_claim_leaves_the_table(self, state, claimed):
        decision = rules.claim(standing(state, delivered_at=T0), claimed, T0 + 1)
        assert decision.to is state or decision.to in EXECUTION_TRANSITIONS[state]
