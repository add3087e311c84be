"""A peer in trouble: one device's trouble stays its own, and ends in another attempt."""

from collections.abc import Callable
from random import Random

from muster_agent.core import ApplySettings, Cancel, Start, StartUpdate
from muster_agent.errors import StateError
from muster_agent.net import Backoff, Broker, Driver, Peer
from muster_agent.net.peer import Stage
from muster_protocol.states import PresenceReason
from tests.unit.agent.support import Bench


class Words:
    """An app that only listens."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def start(self, call: Start) -> None:
        return

    def cancel(self, call: Cancel) -> None:
        return

    def update(self, call: StartUpdate) -> None:
        return

    def apply(self, call: ApplySettings) -> None:
        return

    def connection(self, text: str, *, up: bool) -> None:
        self.heard.append(text)


def peer_with(bench: Bench, words: Words, open_session: Callable[[], int]) -> Peer:
    return Peer(
        bench.core,
        words,
        "secret",
        [Broker("mqtt", "broker.example", 1883)],
        bench.clock,
        Backoff(Random(1)),
        open_session,
    )


def test_a_session_that_cannot_be_stored_is_tried_again_later() -> None:
    bench, words = Bench(), Words()

    def full() -> int:
        raise StateError("identity.json cannot be written: no space left")

    peer = peer_with(bench, words, full)
    driver = Driver(bench.clock)
    driver.add(peer)
    peer.wake()
    driver._connect_due()
    assert peer.stage is Stage.WAITING
    assert not peer.wants_connect()
    assert "no space left" in words.heard[0]
    bench.clock.pass_s(2)
    assert peer.wants_connect()
    driver._shut()


def test_an_unexpected_error_drops_that_connection_alone() -> None:
    bench, words = Bench(), Words()
    peer = peer_with(bench, words, lambda: bench.core.open_session(0))
    peer.wake()
    peer.make_link()
    peer.connected(None)
    Driver._guard(peer, lambda: [][1])
    assert peer.stage is Stage.WAITING
    assert peer.link is None
    assert "IndexError" in words.heard[0]


def test_a_broker_that_does_not_answer_connect_is_left() -> None:
    bench, words = Bench(), Words()
    peer = peer_with(bench, words, lambda: bench.core.open_session(0))
    peer.wake()
    peer.make_link()
    peer.connected(None)
    bench.clock.pass_s(14)
    peer.tick()
    assert words.heard == []
    bench.clock.pass_s(2)
    peer.tick()
    assert peer.stage is Stage.WAITING
    assert "did not answer CONNECT" in words.heard[0]


def test_leaving_before_a_connection_ends_at_once() -> None:
    bench, words = Bench(), Words()
    peer = peer_with(bench, words, lambda: bench.core.open_session(0))
    peer.wake()
    peer.leave(PresenceReason.DISCONNECTED)
    assert peer.stopped.is_set()
