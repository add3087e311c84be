"""What an app hands over: values, log records, handlers; and what is made of it."""

import logging
import math
from random import Random
from typing import Any

import pytest

from muster_agent.commands import Canceled, CommandCall, Registry, load_builtins
from muster_agent.core import Start
from muster_agent.errors import ConfigError, Rejected
from muster_agent.logs import PlatformLogHandler, pack
from muster_agent.net import Backoff, Broker
from muster_agent.store.spool import identified
from muster_agent.values import pack as pack_points
from muster_agent.values import point
from muster_protocol.commands import COMMANDS, decode_args
from muster_protocol.limits import PAYLOAD_BYTES
from muster_protocol.messages import Level, Location, LogRecord, Logs
from muster_protocol.states import ExecutionState


def call(name: str, args: Any = None, reports: list[Any] | None = None) -> CommandCall:
    start = Start("e1", name, decode_args(name, args or {}))
    sink = reports if reports is not None else []
    return CommandCall(start, lambda *report: sink.append(report), lambda: {"online": True})


def test_every_builtin_command_has_its_arguments_in_the_protocol_and_a_handler() -> None:
    assert load_builtins().keys() == COMMANDS.keys()


def test_builtins_answer() -> None:
    registry = Registry(load_builtins())
    assert registry.run(call("ping", {"echo": {"a": 1}})).result["echo"] == {"a": 1}
    info = registry.run(call("collect_info")).result
    assert info["agent"] == {"online": True}
    assert info["now"]["uptime_s"] > 0
    level = registry.run(call("log_level", {"level": "DEBUG", "logger": "test.level"}))
    assert level.state == ExecutionState.SUCCEEDED
    assert logging.getLogger("test.level").level == logging.DEBUG


@pytest.mark.parametrize(
    ("raised", "state", "code"),
    [
        (Rejected("too hot", "hot"), "REJECTED", "hot"),
        (Canceled("stopped"), "CANCELED", "canceled"),
        (ValueError("no"), "FAILED", "ValueError"),
        (OSError(), "FAILED", "OSError"),
    ],
)
def test_what_a_handler_raises_becomes_an_outcome(raised: Exception, state: str, code: str) -> None:
    registry = Registry({})

    def handler(_: CommandCall) -> None:
        raise raised

    registry.add("x", handler)
    outcome = registry.run(call("x"))
    assert outcome.state == state
    assert outcome.error is not None
    assert outcome.error.code == code


@pytest.mark.parametrize("result", [object(), {"x": object()}, [1], "text"])
def test_a_result_that_is_no_json_object_fails_the_command(result: Any) -> None:
    registry = Registry({})
    registry.add("x", lambda _: result)
    assert registry.run(call("x")).state == ExecutionState.FAILED


def test_wait_ends_when_the_handler_is_asked_to_stop() -> None:
    handed = call("x")
    handed.cancel()
    assert handed.canceled
    with pytest.raises(Canceled):
        handed.wait(60)


def test_progress_is_kept_within_bounds() -> None:
    reports: list[Any] = []
    call("x", reports=reports).progress("s", 7.5)
    assert reports == [("s", 1.0, "")]


def test_values_of_every_kind_and_a_number_that_is_none(caplog: pytest.LogCaptureFixture) -> None:
    made = point({"n": 1, "b": True, "t": "x", "at": (52.5, 13.4), "nan": math.nan}, 5)
    assert made.values == {"n": 1, "b": True, "t": "x", "at": Location(lat=52.5, lon=13.4)}
    assert "'nan'" in caplog.text


@pytest.mark.parametrize("values", [{"": 1}, {"a": None}, {"a": [1]}, {"at": (91.0, 0.0)}])
def test_values_that_no_point_can_hold_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="telemetry"):
        point(values, 5)


def test_many_points_are_divided_into_payloads() -> None:
    points = [point({f"metric{i}": "x" * 500 for i in range(4)}, n) for n in range(100)]
    made = list(pack_points(points))
    assert sum(len(m.points) for m in made) == 100
    assert len(made) > 1


def test_log_records_are_gathered_and_an_error_goes_at_once() -> None:
    sent: list[list[LogRecord]] = []
    handler = PlatformLogHandler(sent.append, lambda: 42)
    logger = logging.Logger("app.part")
    logger.addHandler(handler)
    logger.info("hello %s", "you")
    assert sent == []
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("oops")
    (records,) = sent
    assert [(r.level, r.message, r.logger, r.ts) for r in records] == [
        (Level.INFO, "hello you", "app.part", 42),
        (Level.ERROR, "oops", "app.part", 42),
    ]
    assert records[1].exception is not None
    assert records[1].exception.type == "ValueError"
    assert "test_library.py" in records[1].exception.stacktrace


def test_the_agents_own_log_is_not_carried() -> None:
    sent: list[list[LogRecord]] = []
    handler = PlatformLogHandler(sent.append, lambda: 42)
    handler.emit(logging.makeLogRecord({"name": "muster_agent", "msg": "x"}))
    handler.emit(logging.makeLogRecord({"name": "paho.mqtt", "msg": "x"}))
    handler.flush()
    assert sent == []


def test_packed_records_fit_into_payloads() -> None:
    record = LogRecord(level=Level.INFO, message="\x00\u20ac" * 4000)
    for batch in pack([record] * 20):
        assert len(Logs(records=batch).records) >= 1
        assert sum(len(r.message) for r in batch) < PAYLOAD_BYTES


def test_boot_and_seq_stand_in_front_of_the_payload() -> None:
    assert identified(b'{"a":1}', "b", 3) == b'{"boot":"b","seq":3,"a":1}'
    assert identified(b"{}", "b", 3) == b'{"boot":"b","seq":3}'


def test_delays_double_up_to_the_limit_with_jitter_and_start_again() -> None:
    backoff = Backoff(Random(1), 1.0, 8.0)
    for top in (1, 2, 4, 8, 8):
        assert top / 2 <= backoff.next_s() <= top
    backoff.reset()
    assert backoff.next_s() <= 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mqtt://h", "mqtt://h:1883"),
        ("mqtts://h", "mqtts://h:8883"),
        ("ws://h:8083/mqtt", "ws://h:8083/mqtt"),
        ("wss://h/x", "wss://h:443/x"),
    ],
)
def test_broker_addresses(url: str, shown: str) -> None:
    assert str(Broker.parse(url)) == shown


@pytest.mark.parametrize("url", ["http://h", "mqtt://", "h:1883", "mqtt://h:99999", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="broker address"):
        Broker.parse(url)
