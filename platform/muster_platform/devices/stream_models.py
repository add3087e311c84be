"""Tables that the stream fills: ledger, telemetry, metrics, latest values, quarantine."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json


class LedgerRow(Base):
    """What was stored of one device, boot and channel (design: Ledger).

    Attributes:
        highest: highest seq stored.
        missing: [[first, last], …] below highest, bounded.
        finished: the device said that the boot will bring nothing more.
    """

    __tablename__ = "ledger"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    boot: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    highest: Mapped[int]
    missing: Mapped[list[Any]] = mapped_column(Json, default=list)
    stored: Mapped[int] = mapped_column(default=0)
    doubled: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    finished: Mapped[bool] = mapped_column(default=False)
    lost: Mapped[int] = mapped_column(default=0)
    """Seqs given up: missing when the boot was finished, or beyond the bound on ranges."""
    updated_at: Mapped[int]


class LedgerTotal(Base):
    """Finished boots of a device, folded by channel; plain messages count here too."""

    __tablename__ = "ledger_totals"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    stored: Mapped[int] = mapped_column(default=0)
    doubled: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)
    plain: Mapped[int] = mapped_column(default=0)


class Metric(Base):
    """A name of telemetry and the kind of value first seen: number, boolean or text."""

    __tablename__ = "metrics"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(8))


telemetry = Table(
    "telemetry",
    Base.metadata,
    Column("device_key", BigInteger, nullable=False),
    Column("metric_id", Integer, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("num", Double),
    Column("txt", Text),
    Index("ix_telemetry_device_metric_ts", "device_key", "metric_id", "ts"),
    postgresql_partition_by="RANGE (ts)",
)
"""One row per value; a boolean is num 0 or 1, {lat, lon} is two metrics. No unique key: the
ledger drops what is doubled before it gets here."""


class LatestValue(Base):
    """Newest value per device and metric, by ts."""

    __tablename__ = "telemetry_latest"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(Integer, ForeignKey("metrics.id"), primary_key=True)
    ts: Mapped[int]
    num: Mapped[float | None] = mapped_column(Double)
    txt: Mapped[str | None] = mapped_column(Text)


class Quarantined(Base):
    """A message that could not be taken, kept whole for people to look at.

    Attributes:
        reason: code: empty, too_large, encoding, syntax, field, channel, topic, unknown_device,
            foreign_child, refused, limit (beyond the profile's).
        replay_at: a person asked at this time that it be read again; ingest does it.
        replay_by: who.
    """

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    received_at: Mapped[int] = mapped_column(BigInteger, index=True)
    topic: Mapped[str] = mapped_column(Text)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    device_key: Mapped[int | None] = mapped_column(BigInteger, index=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    replay_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    replay_by: Mapped[str | None] = mapped_column(String(254))


class RawMessage(Base):
    """A message as it came: on an integrator's own channel (`up/x/#`), or while one looks.

    See `Device.capture_until` for the second kind.
    """

    __tablename__ = "raw_messages"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"))
    received_at: Mapped[int] = mapped_column(BigInteger, index=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_raw_messages_device", "device_key", "id"),)


class StreamPosition(Base):
    """How far something was taken from the database into a stream: it goes on from there.

    Attributes:
        name: of what is taken, such as `audit`.
        position: highest number that the stream has for good.
    """

    __tablename__ = "stream_positions"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
