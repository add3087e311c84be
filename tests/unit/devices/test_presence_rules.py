"""Presence by the rules: the newest session's word, whatever the order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.devices.presence_rules import (
    BROKER,
    GATEWAY,
    Belief,
    Heard,
    Hello,
    Terms,
    Tick,
    WayLost,
    Word,
    check_at,
    decide,
)
from muster_protocol.states import PresenceReason, PresenceState

S, R = PresenceState, PresenceReason
E = 60_000
GRACE = 5_000
T0 = 1_000_000
ALWAYS = Terms(periodic=False, expect_every_ms=E, grace_ms=GRACE)
PERIODIC = replace(ALWAYS, periodic=True)
PLAIN = replace(ALWAYS, plain=True)
NEW = Belief(S.UNKNOWN, since=T0)


def after(*events, terms=ALWAYS, belief=NEW):
    for event in events:
        belief = decide(belief, terms, event)
    return belief


def online(session=1, at=T0, **more):
    return Word(session, True, R.CONNECTED, at, **more)


def offline(reason=R.LOST, session=1, at=T0, until=None, **more):
    return Word(session, False, reason, at, until, **more)


def heard(at):
    return Heard(at, at)


ONLINE = after(Hello(1, T0))


@pytest.mark.parametrize(
    ("terms", "reason", "state"),
    [
        (ALWAYS, R.DISCONNECTED, S.OFFLINE),
        (ALWAYS, R.LOST, S.OFFLINE),
        (ALWAYS, R.SLEEP, S.SLEEPING),
        (PERIODIC, R.DISCONNECTED, S.SLEEPING),
        (PERIODIC, R.LOST, S.SLEEPING),
        (PERIODIC, R.SLEEP, S.SLEEPING),
    ],
)
def test_goodbye_and_will_by_contact(terms, reason, state):
    belief = after(Hello(1, T0), offline(reason, at=T0 + 9), terms=terms)
    assert (belief.state, belief.reason, belief.since) == (state, reason, T0 + 9)


def test_a_will_is_not_a_sign_of_life_but_a_goodbye_is():
    assert after(Hello(1, T0), offline(R.LOST, at=T0 + 9)).heard_at == T0
    assert after(Hello(1, T0), offline(R.DISCONNECTED, at=T0 + 9)).heard_at == T0 + 9


def test_silence_makes_suspect_after_twice_and_offline_after_four_times():
    assert check_at(ONLINE, ALWAYS) == T0 + 2 * E
    assert after(Tick(T0 + 2 * E - 1), belief=ONLINE) == ONLINE
    suspect = after(Tick(T0 + 2 * E), belief=ONLINE)
    assert (suspect.state, suspect.reason) == (S.SUSPECT, "silent")
    assert check_at(suspect, ALWAYS) == T0 + 4 * E
    assert after(Tick(T0 + 4 * E - 1), belief=suspect).state is S.SUSPECT
    gone = after(Tick(T0 + 4 * E), belief=suspect)
    assert (gone.state, gone.reason) == (S.OFFLINE, "silent")
    assert check_at(gone, ALWAYS) is None


def test_a_sweep_that_comes_late_skips_suspect():
    assert after(Tick(T0 + 9 * E), belief=ONLINE).state is S.OFFLINE


@pytest.mark.parametrize("ticks", [2, 4])
def test_heard_brings_back_from_silence(ticks):
    at = T0 + ticks * E
    belief = after(Tick(at), heard(at + 1), belief=ONLINE)
    assert (belief.state, belief.reason, belief.since) == (S.ONLINE, "heard", at + 1)


def test_a_message_out_of_a_backlog_does_not_break_a_silence_it_is_older_than():
    gone = after(Tick(T0 + 4 * E), belief=ONLINE)
    belief = decide(gone, ALWAYS, Heard(at=T0 + E, now=T0 + 5 * E))
    assert (belief.state, belief.heard_at) == (S.OFFLINE, T0 + E)
    recent = decide(gone, ALWAYS, Heard(at=T0 + 4 * E - 1, now=T0 + 5 * E))
    assert recent.state is S.ONLINE


def test_an_announced_sleep_ends_with_its_grace():
    until = T0 + 100 * E
    asleep = after(Hello(1, T0), offline(R.SLEEP, until=until))
    assert check_at(asleep, ALWAYS) == until + GRACE
    assert after(Tick(until + GRACE - 1), belief=asleep).state is S.SLEEPING
    overdue = after(Tick(until + GRACE), belief=asleep)
    assert (overdue.state, overdue.reason) == (S.SUSPECT, "silent")
    gone = after(Tick(until + GRACE + 2 * E), belief=overdue)
    assert (gone.state, gone.reason) == (S.OFFLINE, "silent")
    assert after(Hello(2, until + 9 * E), belief=gone).state is S.ONLINE


def test_a_periodic_device_is_offline_only_by_a_missed_contact():
    asleep = after(Hello(1, T0), offline(R.LOST, at=T0 + 9), terms=PERIODIC)
    assert check_at(asleep, PERIODIC) == T0 + 2 * E
    suspect = after(Tick(T0 + 2 * E), terms=PERIODIC, belief=asleep)
    assert suspect.state is S.SUSPECT
    gone = after(Tick(T0 + 4 * E), terms=PERIODIC, belief=suspect)
    assert (gone.state, gone.reason) == (S.OFFLINE, "silent")
    assert after(heard(T0 + 5 * E), terms=PERIODIC, belief=gone).state is S.OFFLINE


def test_a_full_device_that_goes_on_speaking_after_silence_is_online_by_its_presence():
    gone = after(Tick(T0 + 4 * E), belief=ONLINE)
    assert after(online(at=T0 + 5 * E), belief=gone).state is S.ONLINE


def test_a_kept_copy_is_no_sign_of_life_but_brings_what_was_missed():
    suspect = after(Tick(T0 + 2 * E), belief=ONLINE)
    assert after(online(at=T0 + 3 * E, kept=True), belief=suspect) == suspect
    assert after(offline(at=T0 + 3 * E, kept=True), belief=suspect).state is S.OFFLINE
    assert after(online(2, T0 + 3 * E, kept=True), belief=suspect).state is S.ONLINE


def test_a_lost_way_makes_suspect_only_what_was_online():
    lost = after(WayLost(T0 + 9, GATEWAY), belief=ONLINE)
    assert (lost.state, lost.reason) == (S.SUSPECT, "gateway")
    assert after(heard(T0 + 8), belief=lost).state is S.SUSPECT
    assert after(heard(T0 + 10), belief=lost).state is S.ONLINE
    assert after(Tick(T0 + 4 * E), belief=lost).state is S.OFFLINE
    for ended in (offline(R.SLEEP, until=T0 + E), offline(R.DISCONNECTED)):
        before = after(Hello(1, T0), ended)
        assert after(WayLost(T0 + 9, BROKER), belief=before) == before
    assert after(WayLost(T0, BROKER)) == NEW


def test_a_new_installation_begins_its_numbers_anew():
    late = after(Hello(9_000, T0))
    assert after(Hello(5, T0 + 1), offline(R.LOST, 5), belief=late).state is S.ONLINE
    reborn = after(Hello(5, T0 + 1, new_install=True), belief=late)
    assert (reborn.session, reborn.state) == (5, S.ONLINE)
    assert after(offline(R.LOST, 5), belief=reborn).state is S.OFFLINE


def test_a_plain_device_is_there_whenever_it_is_heard():
    assert after(heard(T0), terms=PLAIN).state is S.ONLINE
    lost = after(online(), offline(R.LOST, at=T0 + 1), terms=PLAIN)
    assert lost.state is S.OFFLINE
    assert after(heard(T0 + 2), terms=PLAIN, belief=lost).state is S.ONLINE
    assert after(online(at=T0 + 2), terms=PLAIN, belief=lost).state is S.ONLINE
    back = after(heard(T0 + 2), terms=PLAIN, belief=lost)
    assert after(offline(at=T0 + 3, kept=True), terms=PLAIN, belief=back).state is S.ONLINE
    silent = after(Tick(T0 + 9 * E), terms=PLAIN, belief=back)
    assert silent.state is S.OFFLINE


# What holds for every history ---------------------------------------------------------------

sessions = st.integers(1, 5)
words = st.builds(
    Word,
    session=sessions,
    online=st.booleans(),
    reason=st.sampled_from([R.DISCONNECTED, R.LOST, R.SLEEP]),
    at=st.integers(T0, T0 + E),
    until=st.none() | st.integers(T0, T0 + 3 * E),
)
hellos = st.builds(Hello, session=sessions, at=st.integers(T0, T0 + E))
said = st.lists(st.one_of(hellos, words), min_size=1, max_size=12)
terms = st.sampled_from([ALWAYS, PERIODIC])
noise = st.one_of(
    st.builds(lambda at: Heard(at, at), st.integers(T0, T0 + 20 * E)),
    st.builds(Tick, st.integers(T0, T0 + 20 * E)),
    st.builds(WayLost, st.integers(T0, T0 + 20 * E)),
)


def essence(belief):
    until = belief.until if belief.reason == R.SLEEP else None
    return belief.state, belief.reason, belief.session, belief.ended, until


@given(said, terms, st.data())
def test_any_order_and_repetition_ends_in_the_state_of_the_newest_session(events, terms, data):
    mixed = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    assert essence(after(*events, terms=terms)) == essence(after(*mixed, terms=terms))
    newest = max(event.session for event in events)
    alone = [event for event in events if event.session == newest]
    assert essence(after(*events, terms=terms)) == essence(after(*alone, terms=terms))


@given(said, terms, st.lists(noise, max_size=12))
def test_heard_and_time_never_undo_a_goodbye_or_will(events, terms, later):
    belief = after(*events, terms=terms)
    if not belief.ended:
        return
    for event in later:
        belief = decide(belief, terms, event)
        assert belief.ended
        assert belief.state in (S.OFFLINE, S.SLEEPING, S.SUSPECT)


@given(said, terms, st.lists(noise, max_size=12), said)
def test_a_later_session_s_hello_always_brings_the_device_back(events, terms, later, more):
    belief = after(*events, *later, *more, terms=terms)
    assert after(Hello(6, T0 + 30 * E), terms=terms, belief=belief).state is S.ONLINE


@given(
    st.lists(st.one_of(hellos, words, noise), max_size=15),
    st.sampled_from([ALWAYS, PERIODIC, PLAIN]),
)
def test_whoever_may_be_silent_is_checked_and_ends_offline(events, terms):
    belief = after(*events, terms=terms)
    seen = 0
    while (due := check_at(belief, terms)) is not None:
        moved = decide(belief, terms, Tick(due))
        assert moved.state is not belief.state
        belief, seen = moved, seen + 1
        assert seen <= 2
    assert belief.state in (S.OFFLINE, S.UNKNOWN)
