"""Presence, decided without I/O: what is believed, what happened, what is believed then.

Only the newest session's words count, and within it a goodbye or will is final: so any order and
any repetition of the same events ends in the same state. Everything else is "heard".
"""

from dataclasses import dataclass, replace

from muster_protocol.states import PresenceReason, PresenceState

S = PresenceState

SILENT = "silent"
HEARD = "heard"
DISABLED = "disabled"
GATEWAY = "gateway"
BROKER = "broker"
"""Reasons of the platform's own, beside those of PresenceReason."""

SUSPECT_AFTER = 2
OFFLINE_AFTER = 4
"""Silences, in multiples of expect_every_s."""

_ENDINGS = (PresenceReason.LOST, PresenceReason.DISCONNECTED, PresenceReason.SLEEP)
"""Weakest first: a session that was both said goodbye to and lost was said goodbye to."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is expected of a device.

    Attributes:
        periodic: a closed connection means that it sleeps (profile: contact).
        expect_every_ms: silence after which something is expected.
        grace_ms: added to the end of an announced sleep.
        plain: it never said hello, so whatever it sends shows that it is there.
    """

    periodic: bool
    expect_every_ms: int
    grace_ms: int
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed; times in ms since the epoch.

    Attributes:
        session: newest session number, 0 for none.
        ended: that session said goodbye or left its will.
        until: end of the sleep that it announced.
    """

    state: PresenceState
    since: int
    reason: str = ""
    session: int = 0
    ended: bool = False
    until: int | None = None
    heard_at: int | None = None
    hello_at: int | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """up/hello of a session.

    Attributes:
        new_install: the installation is new since an enrolment: its numbers start anew.
    """

    session: int
    at: int
    new_install: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """up/presence or the will of a session.

    Attributes:
        kept: the broker's retained copy, not said just now.
    """

    session: int
    online: bool
    reason: PresenceReason
    at: int
    until: int | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """Any other message.

    Attributes:
        at: when it was received; now: when this is judged (a backlog lies between).
    """

    at: int
    now: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""

    at: int


@dataclass(frozen=True, slots=True)
class WayLost:
    """The way to the device is gone: its gateway, the broker, the site."""

    at: int
    reason: str = GATEWAY


Event = Hello | Word | Heard | Tick | WayLost


def decide(belief: Belief, terms: Terms, event: Event) -> Belief:
    """Give what is believed after an event; the same object where nothing changes."""
    match event:
        case Hello():
            return _hello(belief, event)
        case Word():
            return _word(belief, terms, event)
        case Heard():
            return _heard(belief, terms, event)
        case Tick():
            return _tick(belief, terms, event.at)
        case WayLost():
            if belief.state is not S.ONLINE:
                return belief
            return _turn(belief, S.SUSPECT, event.reason, event.at)


def is_newest(belief: Belief, hello: Hello) -> bool:
    """Say whether a hello begins a session newer than the one believed in."""
    return hello.session > belief.session or (hello.new_install and hello.session != belief.session)


def check_at(belief: Belief, terms: Terms) -> int | None:
    """Give when silence must be judged next, or None where nothing is due."""
    if belief.state in (S.ONLINE, S.SLEEPING):
        return _suspect_at(belief, terms)
    return _offline_at(belief, terms) if belief.state is S.SUSPECT else None


def earliest_judgement(listening_since: int, terms: Terms) -> int:
    """Give when silence may be judged first by a platform that was deaf until then (ms)."""
    return listening_since + SUSPECT_AFTER * terms.expect_every_ms


def _hello(belief: Belief, hello: Hello) -> Belief:
    if is_newest(belief, hello):
        begun = replace(belief, session=hello.session, ended=False, until=None)
        return _alive(begun, hello.at, hello_at=hello.at)
    if hello.session < belief.session:
        return belief
    known = replace(belief, hello_at=_later(belief.hello_at, hello.at))
    return known if belief.ended else _alive(known, hello.at)


def _word(belief: Belief, terms: Terms, word: Word) -> Belief:
    if word.session < belief.session:
        return belief
    newer = word.session > belief.session
    if newer:
        belief = replace(belief, session=word.session, ended=False, until=None)
    # A plain device may use one session number for ever: its kept copy proves nothing.
    if word.kept and not newer and (word.online or terms.plain):
        return belief
    if not word.online:
        return _ended(belief, terms, word, newer=newer)
    if belief.ended and not terms.plain:
        return belief
    return _alive(replace(belief, ended=False), word.at)


def _ended(belief: Belief, terms: Terms, word: Word, *, newer: bool) -> Belief:
    reason = word.reason if word.reason in _ENDINGS else PresenceReason.DISCONNECTED
    if belief.ended and not newer and not _outranks(belief, reason, word.until):
        return belief
    # A will is the broker's word, a kept copy is old: neither says that the device was there.
    spoke = reason is not PresenceReason.LOST and not word.kept
    sleeping = reason is PresenceReason.SLEEP
    ended = replace(
        belief,
        ended=True,
        until=word.until if sleeping else None,
        heard_at=_later(belief.heard_at, word.at) if spoke else belief.heard_at,
    )
    asleep = sleeping or terms.periodic
    return _turn(ended, S.SLEEPING if asleep else S.OFFLINE, str(reason), word.at)


def _outranks(belief: Belief, reason: PresenceReason, until: int | None) -> bool:
    """Say whether an ending tells more than the one that is known of the same session."""
    known = _ENDINGS.index(PresenceReason(belief.reason)) if belief.reason in _ENDINGS else None
    if known is None:  # silence came after it; which ending it was no longer matters
        return False
    rank = _ENDINGS.index(reason)
    return rank > known or (rank == known and (until or 0) > (belief.until or 0))


def _heard(belief: Belief, terms: Terms, event: Heard) -> Belief:
    fresh = replace(belief, heard_at=_later(belief.heard_at, event.at))
    if fresh == belief and belief.state is S.ONLINE:
        return belief
    if not _may_revive(belief, terms, event):
        return fresh
    revived = _alive(replace(fresh, ended=False, until=None), event.at, reason=HEARD)
    # A message out of a backlog may be older than the silence that it would have to break.
    return fresh if _suspect_at(revived, terms) <= event.now else revived


def _may_revive(belief: Belief, terms: Terms, event: Heard) -> bool:
    if belief.reason == DISABLED:
        return False
    if belief.reason in (GATEWAY, BROKER) and event.at < belief.since:
        return False
    if terms.plain:
        return event.at >= belief.since or belief.reason == SILENT
    silent = belief.state is S.OFFLINE and belief.reason == SILENT
    return not belief.ended and (belief.state is S.SUSPECT or silent)


def _tick(belief: Belief, terms: Terms, now: int) -> Belief:
    if belief.state not in (S.ONLINE, S.SLEEPING, S.SUSPECT):
        return belief
    if now >= _offline_at(belief, terms):
        return _turn(belief, S.OFFLINE, SILENT, now)
    if belief.state is not S.SUSPECT and now >= _suspect_at(belief, terms):
        return _turn(belief, S.SUSPECT, SILENT, now)
    return belief


def _suspect_at(belief: Belief, terms: Terms) -> int:
    if belief.until is not None:
        return belief.until + terms.grace_ms
    return _last(belief) + SUSPECT_AFTER * terms.expect_every_ms


def _offline_at(belief: Belief, terms: Terms) -> int:
    rest = (OFFLINE_AFTER - SUSPECT_AFTER) * terms.expect_every_ms
    return _suspect_at(belief, terms) + rest


def _last(belief: Belief) -> int:
    return belief.since if belief.heard_at is None else belief.heard_at


def _alive(
    belief: Belief, at: int, *, reason: str = PresenceReason.CONNECTED, hello_at: int | None = None
) -> Belief:
    heard = replace(
        belief,
        heard_at=_later(belief.heard_at, at),
        hello_at=hello_at if hello_at is not None else belief.hello_at,
    )
    return _turn(heard, S.ONLINE, str(reason), at)


def _turn(belief: Belief, state: PresenceState, reason: str, at: int) -> Belief:
    if belief.state is state:
        # The reason of a state that goes on is the one it began with, but for an ending.
        return replace(belief, reason=reason) if belief.ended else belief
    return replace(belief, state=state, reason=reason, since=at)


def _later(known: int | None, at: int) -> int:
    return at if known is None else max(known, at)
