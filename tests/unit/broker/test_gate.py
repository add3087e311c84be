"""The gate: what is asked, what is remembered, for how long, and what a kick changes."""

import asyncio
from collections.abc import Callable

from muster_broker.accounts.contract import ConnectAnswer, ConnectRequest
from muster_broker.embedded import wire
from muster_broker.embedded.gate import AnswerCache, Gate
from muster_broker.embedded.platform import PlatformAway
from muster_broker.embedded.stats import Stats


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class FakePlatform:
    def __init__(self, answer: Callable[[ConnectRequest], ConnectAnswer]) -> None:
        self.answer = answer
        self.asked: list[ConnectRequest] = []

    async def connect(self, request: ConnectRequest) -> ConnectAnswer:
        self.asked.append(request)
        return self.answer(request)

    async def check(self, device_ids: list[str]) -> list[str]:
        return []


def allow(_: ConnectRequest) -> ConnectAnswer:
    return ConnectAnswer(allow=True, cache_s=30)


def away(_: ConnectRequest) -> ConnectAnswer:
    raise PlatformAway("gone")


def build(answer: Callable[[ConnectRequest], ConnectAnswer]) -> tuple[Gate, FakePlatform, Clock]:
    clock, platform = Clock(), FakePlatform(answer)
    return Gate(None, platform, AnswerCache(2, 60.0, clock), Stats(0)), platform, clock


def code(gate: Gate, device_id: str, secret: str = "s") -> int:
    return asyncio.run(gate.decide(device_id, secret)).code


def test_an_answer_holds_for_the_time_it_says() -> None:
    gate, platform, clock = build(allow)
    assert code(gate, "d") == code(gate, "d") == 0
    assert len(platform.asked) == 1
    platform.answer = away
    clock.now_s += 29.9
    assert code(gate, "d") == 0
    clock.now_s += 0.2
    assert code(gate, "d") == wire.UNAVAILABLE


def test_the_broker_has_the_last_word_on_how_long() -> None:
    gate, platform, clock = build(lambda _: ConnectAnswer(allow=True, cache_s=10**6))
    assert code(gate, "d") == 0
    clock.now_s += 61
    assert code(gate, "d") == 0
    assert len(platform.asked) == 2


def test_an_answer_holds_for_its_secret_only() -> None:
    gate, platform, _ = build(allow)
    code(gate, "d", "one")
    code(gate, "d", "two")
    assert [r.password for r in platform.asked] == ["one", "two"]


def test_an_unusable_answer_is_not_remembered() -> None:
    gate, platform, _ = build(away)
    assert code(gate, "d") == wire.UNAVAILABLE
    platform.answer = allow
    assert code(gate, "d") == 0


def test_a_purge_asks_again() -> None:
    gate, platform, _ = build(allow)
    code(gate, "d")
    gate.purge("d")
    platform.answer = lambda _: ConnectAnswer(allow=False, reason="not_allowed")
    assert code(gate, "d") == wire.NOT_AUTHORISED


def test_the_cache_is_bounded_by_devices_and_by_secrets() -> None:
    gate, platform, _ = build(allow)
    for name in ("a", "b", "c"):
        code(gate, name)
    assert code(gate, "a") == 0
    assert len(platform.asked) == 4, "the oldest had to go"
    for n in range(5):
        code(gate, "x", f"{n}")
    asked = len(platform.asked)
    code(gate, "x", "4")
    assert len(platform.asked) == asked
    code(gate, "x", "0")
    assert len(platform.asked) == asked + 1


def test_reasons_become_return_codes() -> None:
    for reason, expected in [
        ("bad_credentials", wire.BAD_CREDENTIALS),
        ("not_allowed", wire.NOT_AUTHORISED),
        ("anything else", wire.NOT_AUTHORISED),
        ("", wire.NOT_AUTHORISED),
    ]:
        gate, _, _ = build(lambda _, r=reason: ConnectAnswer(allow=False, reason=r))  # type: ignore[misc]
        assert code(gate, "d") == expected


def test_without_accounts_no_client_of_the_platform_comes_in_and_nobody_is_asked() -> None:
    gate, platform, _ = build(allow)
    assert code(gate, "_ingest") == wire.NOT_AUTHORISED
    assert platform.asked == []
