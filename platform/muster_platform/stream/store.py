"""One batch in one transaction: who is it about, what is new, write it, note what to say."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from muster_platform.devices.ingest import quarantine as kept
from muster_platform.devices.ingest import telemetry
from muster_platform.devices.ingest.book import KnownDevice, boot_text, known_devices
from muster_platform.devices.ingest.ledger import SEQUENCED, LedgerBook, Place
from muster_platform.devices.ingest.limits import LIMIT, LimitBook
from muster_platform.devices.models import Device
from muster_platform.errors import MusterError
from muster_platform.logs import counting
from muster_platform.logs import ingest as logs
from muster_platform.stream.answers import Address
from muster_platform.stream.appliers import Appliers, Apply
from muster_platform.stream.live_news import LiveNews
from muster_platform.stream.messages import Envelope, Quarantined
from muster_platform.stream.preload import preload
from muster_platform.unit import Unit
from muster_protocol.acl import may_retain
from muster_protocol.ids import uuid7
from muster_protocol.messages import (
    Hello,
    HelloAnswer,
    Logs,
    Message,
    Presence,
    Telemetry,
    UpMessage,
)
from muster_protocol.topics import parse


@dataclass(slots=True)
class Outcome:
    """What to say after the commit."""

    answers: list[tuple[Address, HelloAnswer]] = field(default_factory=list)
    stored: set[Address] = field(default_factory=set)
    heard: set[Address] = field(default_factory=set)


class BatchStore:
    """Stores one batch in the unit of work it is given; used once."""

    alone = False  # True: nobody else may write the ledger of the devices meanwhile

    def __init__(self, unit: Unit, appliers: Appliers, metrics: telemetry.Metrics) -> None:
        """Prepare.

        Args:
            unit: open for writing.
            appliers: of the domains.
            metrics: metric names known so far.
        """
        self.outcome = Outcome()
        self._unit, self._appliers, self._metrics = unit, appliers, metrics
        self._connection = unit.session.connection()
        self._ledger = LedgerBook(self._connection, unit.now())
        self._devices: dict[str, KnownDevice] = {}
        self._readings = telemetry.Readings()
        self.records: list[logs.Row] = []
        self._quarantine: list[kept.QuarantineRow] = []
        self._raw: list[kept.RawRow] = []
        self._heard: dict[int, int] = {}
        self._live = LiveNews()
        self._limits = LimitBook(self._connection)

    def store(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> None:
        """Store all of it."""
        wanted = {envelope.subject for envelope in envelopes}
        wanted.update(envelope.topic.device_id for envelope in envelopes if envelope.topic.child)
        wanted.update(name for item in quarantined if item.subject for name in _names(item))
        self._devices = known_devices(self._connection, wanted)
        placed = self._place_all(envelopes)
        places = {place for _, _, place in placed if place is not None}
        places.update(filter(None, map(self._place_of, quarantined)))
        alone = {a.device_key for e, a, _ in placed if self.alone or isinstance(e.message, Hello)}
        self._ledger.load(places, alone)
        self._loaded = preload(self._unit, self._devices, envelopes)
        said = ((address.device_key, envelope.message) for envelope, address, _ in placed)
        self._limits.load(self._devices.values(), said)
        for envelope, address, place in placed:
            self._one(envelope, self._devices[envelope.subject], address, place)
        for item in quarantined:
            self._set_aside(item)
        self._write()

    def _place_all(
        self, envelopes: Sequence[Envelope]
    ) -> list[tuple[Envelope, Address, Place | None]]:
        """Find who each message is about and where it counts; quarantine what is nobody's."""
        addresses: dict[str, Address | None] = {}
        placed = []
        for envelope in envelopes:
            text = envelope.raw.topic
            if text not in addresses:
                addresses[text] = self._address(envelope)
            address = addresses[text]
            if address is None:
                self._refuse(envelope, *self._stranger(envelope))
            else:
                place = _place(envelope.message, address.device_key, envelope.channel)
                placed.append((envelope, address, place))
        return placed

    def _address(self, envelope: Envelope) -> Address | None:
        device, topic = self._devices.get(envelope.subject), envelope.topic
        if device is None:
            return None
        if topic.child is not None:
            gateway = self._devices.get(topic.device_id)
            if gateway is None or device.gateway_key != gateway.key:
                return None
        return Address(device.key, topic.device_id, topic.child)

    def _stranger(self, envelope: Envelope) -> tuple[KnownDevice | None, str, str]:
        device, topic = self._devices.get(envelope.subject), envelope.topic
        if device is None:
            return None, "unknown_device", "no device of this id is registered"
        return device, "foreign_child", f"{topic.device_id} is not the gateway of {topic.child}"

    # One message --------------------------------------------------------------------------

    def _one(
        self, envelope: Envelope, device: KnownDevice, address: Address, place: Place | None
    ) -> None:
        message, raw = envelope.message, envelope.raw
        if message is None or device.capture_until > raw.received_at:
            self._raw.append(kept.RawRow(device.key, raw.received_at, raw.topic, raw.payload))
        if message is None:
            return
        if place is None:
            self._note_plain(message, device, address, envelope.channel)
        else:
            self.outcome.stored.add(address)
            if not self._take(place, message.seq):  # type: ignore[attr-defined]
                if isinstance(message, Hello):
                    # We may have died between the commit and the answer.
                    self._hello(envelope, device, address, message)
                return
        self._apply(envelope, device, address, message)

    def _take(self, place: Place, seq: int) -> bool:
        """Enter a message in the ledger; False: it must not be stored."""
        return self._ledger.take(place, seq)

    def _note_plain(
        self, message: Message, device: KnownDevice, address: Address, channel: str
    ) -> None:
        if not isinstance(message, Presence):
            self._ledger.plain(device.key, channel)
        elif not device.plain:
            self.outcome.heard.add(address)

    def _apply(
        self, envelope: Envelope, device: KnownDevice, address: Address, message: Message
    ) -> None:
        raw, kind = envelope.raw, type(message)
        if kind is not Presence and kind is not Hello and not raw.retain:
            at = self._heard.get(device.key)
            if at is None or raw.received_at > at:
                self._heard[device.key] = raw.received_at
        if problem := self._limits.refusal(device.key, message, len(raw.payload)):
            self._refuse(envelope, device, LIMIT, problem, taken=True)
        elif isinstance(message, Telemetry):
            self._readings.add(device.key, message, raw.received_at)
        elif isinstance(message, Logs):
            self._logs(envelope, device, message)
        elif isinstance(message, Hello):
            self._hello(envelope, device, address, message)
        else:
            self._control(envelope, device, message)

    def _logs(self, envelope: Envelope, device: KnownDevice, message: Logs) -> None:
        if message.boot is not None and message.seq is not None:
            identity = f"{boot_text(message.boot)}.{message.seq}"
        else:
            identity = envelope.origin or uuid7()
        rows = list(
            logs.rows(
                device.key,
                message,
                envelope.raw.received_at,
                identity,
                self._appliers.fingerprint,
            )
        )
        self.records += rows
        self._live.log(device.key, rows)

    def _hello(
        self, envelope: Envelope, device: KnownDevice, address: Address, message: Hello
    ) -> None:
        row = self._unit.session.get_one(Device, device.key)
        try:
            answer = self._appliers.hello(self._unit, row, message, envelope.raw.received_at)
        except MusterError as error:
            self._refuse(envelope, device, error.code, error.detail, taken=True)
            return
        if answer.session == message.session:
            self._ledger.hello(device.key, message)
        self.outcome.answers.append((address, answer))

    def _control(self, envelope: Envelope, device: KnownDevice, message: Message) -> None:
        row = self._unit.session.get_one(Device, device.key)
        raw = envelope.raw
        try:
            if isinstance(message, Presence):
                self._appliers.presence(self._unit, row, message, raw.received_at, raw.retain)
            else:
                self._applier(message)(self._unit, row, message, raw.received_at)
        except MusterError as error:
            self._refuse(envelope, device, error.code, error.detail, taken=True)

    def _applier(self, message: Message) -> Apply:
        apply = self._appliers.of(message)
        if apply is None:
            raise TypeError(f"nothing applies {type(message).__name__}")
        return apply

    # Quarantine ---------------------------------------------------------------------------

    def _refuse(
        self,
        envelope: Envelope,
        device: KnownDevice | None,
        reason: str,
        detail: str,
        *,
        taken: bool = False,
    ) -> None:
        """Quarantine a message that was read; `taken`: its ledger account has it already."""
        if taken and device is not None:
            place = _place(envelope.message, device.key, envelope.channel)
            if place is not None:
                self._ledger.note_quarantined(place)
        self._keep(envelope, device, reason, detail)

    def _set_aside(self, item: Quarantined) -> None:
        """Quarantine a message that could not be read; where its number can be, it is entered.

        Nothing at all on a retained topic is how MQTT clears it (we do, when a device is
        deleted): that says nothing and is not kept.
        """
        if not item.raw.payload and may_retain(item.raw.topic):
            return
        if self._is_foreign(item):
            self._keep(item, self._devices.get(item.subject), "foreign_child", item.detail)
            return
        place = self._place_of(item)
        known = place is not None and not self._ledger.take(place, item.seq or 0, quarantined=True)
        if known:
            return
        self._keep(item, self._devices.get(item.subject), item.reason, item.detail)

    def _place_of(self, item: Quarantined) -> Place | None:
        device = self._devices.get(item.subject)
        if device is None or item.boot is None or item.seq is None:
            return None
        if item.channel not in SEQUENCED or self._is_foreign(item):
            return None
        return Place(device.key, boot_text(item.boot), item.channel)

    def _is_foreign(self, item: Quarantined) -> bool:
        """Say whether it came from another than the child's gateway: it counts for nobody."""
        device, (*speaker, _) = self._devices.get(item.subject), _names(item)
        if device is None or not speaker:
            return False
        gateway = self._devices.get(speaker[0])
        return gateway is None or device.gateway_key != gateway.key

    def _keep(
        self, item: Envelope | Quarantined, device: KnownDevice | None, reason: str, detail: str
    ) -> None:
        self._quarantine.append(
            kept.QuarantineRow(
                item.raw.received_at,
                item.raw.topic,
                item.subject,
                device.key if device else None,
                item.raw.payload,
                reason,
                detail,
            )
        )

    # The whole batch ----------------------------------------------------------------------

    def _write(self) -> None:
        connection = self._connection
        latest = telemetry.write(connection, self._readings, self._metrics)
        counting.count(connection, self.records, self._unit.now())
        logs.write(connection, self.records)
        kept.write_raw(connection, self._raw)
        kept.write_quarantine(connection, self._quarantine)
        if self._heard:
            self._appliers.heard(self._unit, self._heard)
        self._unit.session.flush()
        self._ledger.flush()
        self._tell(latest)

    def _tell(self, latest: telemetry.Latest) -> None:
        self._live.tell(self._unit.outbox, self._devices.values(), latest)


def _names(item: Quarantined) -> list[str]:
    """Give the ids in an unreadable message's topic: the gateway where there is one, the device."""
    if not item.subject:
        return [""]
    topic = parse(item.raw.topic)
    return [topic.device_id] if topic.child is None else [topic.device_id, topic.child]


def _place(message: Message | None, device_key: int, channel: str) -> Place | None:
    """Give where a message counts; None for one without a number."""
    if not isinstance(message, UpMessage):
        return None
    boot = message.boot
    if boot is None or message.seq is None:
        return None
    return Place(device_key, boot_text(boot), channel)
