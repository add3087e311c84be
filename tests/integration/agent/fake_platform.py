"""A platform of a few lines behind a real broker: it keeps a ledger and answers hello."""

import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from muster_protocol import topics
from muster_protocol.channels import Direction
from muster_protocol.codec import decode, encode
from muster_protocol.messages import (
    Action,
    Command,
    Hello,
    HelloAnswer,
    Ledger,
    Message,
    Presence,
    Report,
    Settings,
    Telemetry,
)

LIMIT_S = 20.0


class FakePlatform:
    """Stores what arrives of a device, or of one child of it, by identity.

    Attributes:
        storing: False loses what arrives, as a broker that forgot would.
        clock_ahead_s: how far the server's clock is ahead of the machine's.
    """

    def __init__(self, port: int, device_id: str, child: str = "") -> None:
        self.device_id = device_id
        self.child = child
        self.storing = True
        self.clock_ahead_s = 0.0
        self.stored: dict[tuple[str, str, int], Message] = {}
        self.doubled = 0
        self.hellos: list[Hello] = []
        self.presences: list[Presence] = []
        self._changed = threading.Condition()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"_fake-{device_id}{child}"
        )
        self._client.on_connect = lambda client, *_: client.subscribe(
            f"muster/1/{device_id}/up/#", 1
        )
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(LIMIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, raw: mqtt.MQTTMessage) -> None:
        place = topics.parse(raw.topic)
        if (place.child or "") != self.child:
            return
        message = decode(Direction.UP, place.channel, bytes(raw.payload))
        with self._changed:
            if isinstance(message, Presence):
                self.presences.append(message)
            else:
                boot, seq = getattr(message, "boot", None), getattr(message, "seq", None)
                assert boot is not None
                assert seq is not None
                key = (boot, place.channel, seq)
                if self.storing:
                    self.doubled += key in self.stored
                    self.stored.setdefault(key, message)
            if isinstance(message, Hello) and self.storing:
                self.hellos.append(message)
                self._answer(message)
            self._changed.notify_all()

    def _answer(self, hello: Hello) -> None:
        now = time.time_ns() // 1_000_000 + int(self.clock_ahead_s * 1000)
        self.say("hello", HelloAnswer(session=hello.session, ts=now))
        self.say_ledger(hello)

    def say_ledger(self, hello: Hello) -> None:
        """Confirm what is stored and ask for what is missing below `unsent`."""
        stored: dict[str, dict[str, int]] = {}
        resend: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for boot, channels in hello.unsent.items():
            for channel, following in channels.items():
                have = {s for b, c, s in self.stored if (b, c) == (boot, channel)}
                missing = [seq for seq in range(1, following) if seq not in have]
                top = missing[0] - 1 if missing else max([following - 1, *have])
                stored.setdefault(boot, {})[channel] = top
                if missing:
                    ranges = resend.setdefault(boot, {})
                    ranges[channel] = [(seq, seq) for seq in missing]
        self.say("ledger", Ledger(stored=stored, resend=resend))

    def say(self, channel: str, message: Message, retain: bool = False) -> None:
        topic = topics.down(self.device_id, channel, self.child or None)
        self._client.publish(topic, encode(message), qos=1, retain=retain)

    def command(self, execution: str, name: str, **fields: Any) -> None:
        self.say("commands", Command(action=Action.RUN, execution=execution, name=name, **fields))

    def settings(self, version: int, **desired: Any) -> None:
        self.say("settings", Settings(version=version, desired=desired), retain=True)

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until the condition holds for what has arrived, and give its value."""
        deadline = time.monotonic() + LIMIT_S
        with self._changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"{what}: not within {LIMIT_S} s; have {list(self.stored)}"
                self._changed.wait(left)
            return value

    def wait_more(self, things: Callable[[], list[Any]], than: int) -> None:
        """Wait until there are more of them."""
        self.wait(lambda: len(things()) > than, f"more than {than}")

    def reports(self, execution: str) -> list[Report]:
        found = [m for m in self.stored.values() if isinstance(m, Report)]
        return [report for report in found if report.execution == execution]

    def wait_state(self, execution: str, state: str) -> Report:
        def ended() -> Report | None:
            with_state = [r for r in self.reports(execution) if r.state == state]
            return with_state[-1] if with_state else None

        report = self.wait(ended, f"{execution} {state}")
        assert isinstance(report, Report)
        return report

    def values(self, name: str) -> list[Any]:
        """Give all stored values of a metric, in order of identity."""
        messages = [m for _, m in sorted(self.stored.items()) if isinstance(m, Telemetry)]
        return [p.values[name] for m in messages for p in m.points if name in p.values]
