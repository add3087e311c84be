"""Messages to publish that are not executions: rows in the transaction, published by dispatch."""

import msgspec
from sqlalchemy.orm import Session

from muster_broker.accounts.contract import DisconnectOrder
from muster_platform.devices.broker_accounts import accounts_changed
from muster_platform.devices.models import Device, DeviceSettings, Outbound
from muster_platform.outbox import WAKE_DISPATCH, Wake
from muster_platform.unit import Unit
from muster_protocol import codec, topics
from muster_protocol.channels import Direction
from muster_protocol.messages import Settings


def address(session: Session, device: Device, direction: Direction, channel: str) -> str:
    """Give the topic of a device's channel: a child's runs through its gateway."""
    if device.gateway_id is None:
        return str(topics.Topic(device.device_id, direction, channel))
    gateway = session.get_one(Device, device.gateway_id)
    return str(topics.Topic(gateway.device_id, direction, channel, device.device_id))


def publish(unit: Unit, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Have dispatch publish a message after the commit (QoS 1, in the order of these calls).

    Args:
        payload: UTF-8; empty with retain clears what the broker keeps.
    """
    unit.session.add(
        Outbound(topic=topic, payload=payload.decode(), retain=retain, created_at=unit.now())
    )
    unit.session.flush()
    unit.outbox.add(Wake(WAKE_DISPATCH))


def republish_settings(unit: Unit, device: Device) -> None:
    """Have the broker keep a device's desired settings again, on the topic it hears now."""
    row = unit.session.get(DeviceSettings, device.id)
    if row is not None and row.version:
        payload = codec.encode(Settings(version=row.version, desired=row.desired))
        topic = address(unit.session, device, Direction.DOWN, "settings")
        publish(unit, topic, payload, retain=True)


def disconnect(unit: Unit, device: Device, *, forget: bool = False) -> None:
    """Have the broker close a device's connection and ask anew who may connect.

    Does nothing for a child: it has no connection of its own.

    Args:
        forget: drop its broker session and retained messages too.
    """
    if device.gateway_id is None:
        order = DisconnectOrder(device_id=device.device_id, forget=forget)
        publish(unit, topics.DISCONNECT_TOPIC, msgspec.json.encode(order))
        accounts_changed(unit)
