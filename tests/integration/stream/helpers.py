"""A sink on a real database, domains that only remember, a publisher that only remembers."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from muster_broker.receiver import Received
from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.clock import ManualClock
from muster_platform.devices.models import Device, DeviceSettings, Presence, Profile
from muster_platform.errors import Conflict
from muster_platform.stream.appliers import Appliers
from muster_platform.stream.lease import RoleLease
from muster_platform.stream.messages import Reader
from muster_platform.stream.sink import DatabaseSink
from muster_platform.unit import Unit
from muster_protocol.messages import Hello, HelloAnswer, Message

ACTOR = system_actor("ingest")


@dataclass
class Applied:
    """Remembers what the domains were given; hello of an older session is not accepted."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    heard: dict[int, int] = field(default_factory=dict)
    session: int = 0

    def hello(self, unit: Unit, device: Device, message: Hello, received_at: int) -> HelloAnswer:
        self.calls.append((device.device_id, message))
        self.session = max(self.session, message.session)
        device.plain = False
        return HelloAnswer(session=self.session, ts=received_at)

    def take(self, unit: Unit, device: Device, message: Message, received_at: int) -> None:
        self.calls.append((device.device_id, message))
        if getattr(message, "execution", "") == "foreign":
            raise Conflict("not its own", code="foreign_execution")

    def presence(
        self, unit: Unit, device: Device, message: Message, received_at: int, kept: bool
    ) -> None:
        self.calls.append((device.device_id, (message, kept)))

    def note(self, unit: Unit, heard: dict[int, int]) -> None:
        self.heard |= heard

    def appliers(self) -> Appliers:
        take = self.take
        return Appliers(
            self.hello, self.presence, take, take, take, take, self.note, lambda record: "f"
        )


@dataclass
class Published:
    """Takes what the sink publishes."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int:
        self.sent.append((topic, payload))
        return len(self.sent)


class Store:
    """The database side of ingest, ready to be written to."""

    def __init__(self, platform: Platform, clock: ManualClock) -> None:
        self.platform, self.clock = platform, clock
        self.applied, self.published = Applied(), Published()
        self.lease = RoleLease(platform.units, ACTOR, "ingest", "me", 15)
        assert self.lease.hold()
        self.sink = DatabaseSink(
            platform.units, ACTOR, self.applied.appliers(), self.published, self.lease
        )
        self.reader = Reader()

    def write(self, *messages: Received) -> None:
        items = [self.reader.read(message) for message in messages]
        self.sink.write(
            [item for item in items if hasattr(item, "message")],  # type: ignore[misc]
            [item for item in items if not hasattr(item, "message")],  # type: ignore[misc]
        )

    def message(
        self, device: str, channel: str, payload: str, *, retain: bool = False, age_ms: int = 0
    ) -> Received:
        received_at = self.clock.now_ms() - age_ms
        topic = f"muster/1/{device}/up/{channel}"
        return Received(topic, payload.encode(), 1, 1, False, retain, received_at, 1)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.platform.unit(ACTOR, write=False) as unit:
            return [tuple(row) for row in unit.session.execute(text(statement))]

    def key(self, device_id: str) -> int:
        return int(self.rows(f"SELECT id FROM devices WHERE device_id = '{device_id}'")[0][0])


def register(platform: Platform, *device_ids: str, gateway: str | None = None) -> None:
    with platform.unit(ACTOR) as unit:
        profile = unit.session.query(Profile).filter_by(name="p").one_or_none()
        if profile is None:
            profile = Profile(name="p", title="P", created_at=1)
        behind = unit.session.query(Device).filter_by(device_id=gateway).one() if gateway else None
        for device_id in device_ids:
            device = Device(
                device_id=device_id,
                display_name=device_id,
                profile=profile,
                group_id=1,
                gateway_id=behind.id if behind else None,
                created_at=1,
            )
            device.presence = Presence(since=1)
            unit.session.add(device)
            unit.session.flush()
            unit.session.add(DeviceSettings(device_key=device.id))
