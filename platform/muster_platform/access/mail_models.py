"""The outbox of mails: written with the act that causes them, sent afterwards by the worker."""

from sqlalchemy import BigInteger, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, Uuid

QUEUED, SENT, FAILED, WITHDRAWN = "queued", "sent", "failed", "withdrawn"


class Mail(Base):
    """One mail to one person.

    Attributes:
        kind: what it is about, such as `invitation`; chosen by its author.
        state: queued, sent, failed (given up) or withdrawn (nobody needs it any more).
        urgent: goes before others that are not, and is tried more often.
        attempts: how often it was taken to be sent.
        next_at: when a queued one is due; while it is being sent, when its sender is given up.
        error: of the last attempt, "" when there was none.
        dedup: the same key twice is one mail; None never is.
    """

    __tablename__ = "mails"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[int]
    sent_at: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(500), default="")
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    dedup: Mapped[str | None] = mapped_column(String(128), unique=True)

    __table_args__ = (Index("ix_mails_due", "state", "next_at"),)
