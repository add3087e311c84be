"""Messages that are not executions (settings, clearing, kicks): read in order, deleted on PUBACK.

One process at a time does this (a lease), so that two messages on one topic keep their order. One
that stalled and did not hear that it lost the lease may still publish something old; so whoever
has published settings looks afterwards whether they are the newest, and else has them said again.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy import delete, select

from muster_platform.devices.models import Device, DeviceSettings, Outbound
from muster_platform.devices.outbound import publish
from muster_platform.devices.settings_effective import tell
from muster_platform.unit import Unit
from muster_protocol.channels import Direction
from muster_protocol.topics import Topic, TopicError, parse

QOS = 1


class _Version(msgspec.Struct):
    version: int = 0


_version = msgspec.json.Decoder(_Version)


def waiting(unit: Unit, in_flight: Collection[int], limit: int) -> tuple[list[Outbound], set[int]]:
    """Read messages in the order of their ids, without those that are on their way.

    Never "behind the last one": ids are given before the commit, a lower one may appear later.

    Returns:
        What to publish; and the ids of retained messages that a later one on the same topic has
        overtaken: the broker keeps one, so they need not be published at all.
    """
    query = select(Outbound).order_by(Outbound.id).limit(limit)
    if in_flight:
        query = query.where(Outbound.id.not_in(list(in_flight)))
    rows = list(unit.session.scalars(query))
    newest = {row.topic: row.id for row in rows if row.retain}
    overtaken = {row.id for row in rows if row.retain and newest[row.topic] > row.id}
    return [row for row in rows if row.id not in overtaken], overtaken


def published(unit: Unit, ids: Collection[int]) -> None:
    """Forget messages that the broker has acknowledged, or that were overtaken.

    Settings that are not the newest any more are said again, so that the broker keeps the newest
    whatever order two processes published in.
    """
    # Columns, not rows: SQLite gives the id of a deleted row to the next one.
    rows = unit.session.execute(
        select(Outbound.topic, Outbound.payload)
        .where(Outbound.id.in_(list(ids)), Outbound.retain)
        .order_by(Outbound.id)
    ).all()
    said: dict[str, tuple[Topic, str]] = {}
    for text, payload in rows:
        topic = _settings_topic(text)
        if topic is not None:
            said[topic.child or topic.device_id] = (topic, payload)
    unit.session.execute(
        delete(Outbound).where(Outbound.id.in_(list(ids))),
        execution_options={"synchronize_session": False},
    )
    if said:
        _say_newest(unit, said)


def _settings_topic(text: str) -> Topic | None:
    try:
        topic = parse(text)
    except TopicError:
        return None
    is_settings = topic.direction is Direction.DOWN and topic.channel == "settings"
    return topic if is_settings else None


def _say_newest(unit: Unit, said: dict[str, tuple[Topic, str]]) -> None:
    found = unit.session.execute(
        select(Device, DeviceSettings)
        .join(DeviceSettings, DeviceSettings.device_key == Device.id)
        .where(Device.device_id.in_(said), Device.deleted_at.is_(None))
    ).unique()
    there = {device.device_id: (device, row) for device, row in found}
    topics = [str(topic) for topic, _ in said.values()]
    coming = set(
        unit.session.scalars(
            select(Outbound.topic).where(Outbound.topic.in_(topics), Outbound.retain)
        )
    )
    for device_id, (topic, payload) in said.items():
        if str(topic) in coming:
            continue
        known = there.get(device_id)
        if known is None:
            if payload:  # deleted meanwhile: the broker must keep nothing in its name
                publish(unit, str(topic), b"", retain=True)
        elif payload and _version.decode(payload).version < known[1].version:
            tell(unit, *known)
