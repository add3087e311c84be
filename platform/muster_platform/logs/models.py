"""Tables of device logs."""

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json


class LogRecord(Base):
    """One log record.

    Attributes:
        id: identity: `{device_key}.{boot}.{seq}.{index}`; a plain device's is made of where it
            was first stored.
        level: 10 TRACE … 60 FATAL.
        ts: what stores sort by; `ts_device` keeps the device's word, `clamped` tells they differ.
        fingerprint: of the normalised exception or error line, "" below ERROR.
    """

    __tablename__ = "log_records"

    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"))
    ts: Mapped[int]
    ts_device: Mapped[int | None]
    received_at: Mapped[int]
    clamped: Mapped[bool] = mapped_column(default=False)
    level: Mapped[int] = mapped_column(Integer)
    logger: Mapped[str] = mapped_column(String(128))
    message: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    exception_type: Mapped[str | None] = mapped_column(Text)
    exception_message: Mapped[str | None] = mapped_column(Text)
    stacktrace: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(32), default="")
    log_session: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_log_records_device_ts", "device_key", "ts"),
        Index("ix_log_records_ts", "ts"),
        Index("ix_log_records_fingerprint_ts", "fingerprint", "ts"),
    )
