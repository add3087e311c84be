"""What a receiver is told: where the broker is, who it is, how much it may hold."""

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Tells the time that messages are stamped with."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class TlsOptions:
    """TLS to the broker; its certificate and host name are always verified.

    Attributes:
        ca_file: PEM file of the authority that signed it; the system's authorities when None.
        cert_file: our own certificate, where the broker asks for one.
        key_file: key of `cert_file`, when it is in another file.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class ReceiverOptions:
    """All settings of one receiver.

    Attributes:
        subscriptions: (filter, QoS) pairs; QoS 0 or 1.
        dropped: filters to leave, which an earlier configuration may have put into our session.
        persistent: keep the session at the broker while we are away, so that it queues for us.
        keep_alive_s: the broker drops us after 1.5 times this without a word; we drop it too.
        connect_timeout_s: for TCP, TLS, CONNACK and SUBACK together.
        backoff_min_s: first wait after a lost connection; doubles up to `backoff_max_s`, with
            jitter, so that many clients do not come back in one instant.
        read_bytes: how much one read asks for.
        max_batch_bytes: how much one call of `receive` reads at most, give or take a read: what
            messages of any size may cost in memory.
        max_packet_bytes: larger packets are a protocol error.
        max_pending: QoS 1 publications that may wait for their PUBACK.
        max_unsent_bytes: bytes that may wait for the socket before publish() refuses.
    """

    host: str
    client_id: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    subscriptions: tuple[tuple[str, int], ...] = ()
    dropped: tuple[str, ...] = ()
    persistent: bool = True
    tls: TlsOptions | None = None
    keep_alive_s: int = 30
    connect_timeout_s: float = 10.0
    backoff_min_s: float = 0.2
    backoff_max_s: float = 15.0
    read_bytes: int = 256 * 1024
    max_batch_bytes: int = 16 * 1024 * 1024
    max_packet_bytes: int = 1024 * 1024
    max_pending: int = 10_000
    max_unsent_bytes: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse what could never work, before anything connects."""
        for topic_filter, qos in self.subscriptions:
            if qos not in (0, 1) or not topic_filter:
                raise ValueError(
                    f"subscriptions: {topic_filter!r} at QoS {qos}; a filter and QoS 0 or 1 needed"
                )
        if not 1 <= self.max_pending <= 65_535:
            raise ValueError(f"max_pending must be 1 to 65535 (packet ids), not {self.max_pending}")
        if self.keep_alive_s < 1:
            raise ValueError(f"keep_alive_s must be at least 1, not {self.keep_alive_s}")

    @property
    def address(self) -> str:
        """Name the broker for messages."""
        scheme = "mqtts" if self.tls else "mqtt"
        return f"{scheme}://{self.host}:{self.port}"
