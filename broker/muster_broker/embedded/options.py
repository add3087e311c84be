"""What the broker may be told, with its limits: one frozen dataclass, units in the names."""

from dataclasses import dataclass
from pathlib import Path

from muster_protocol.ids import is_platform_client

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What one session may hold.

    Attributes:
        messages: waiting and un-acknowledged together.
        bytes_held: their topics and payloads.
        inflight: sent and not yet acknowledged.
        subscriptions: filters of the session.
    """

    messages: int
    bytes_held: int
    inflight: int
    subscriptions: int


DEVICE_QUEUE = QueueLimits(messages=1_000, bytes_held=MIB, inflight=64, subscriptions=32)
PLATFORM_QUEUE = QueueLimits(
    messages=200_000, bytes_held=256 * MIB, inflight=10_000, subscriptions=1_000
)


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Where to listen, whom to ask, and every limit.

    Attributes:
        ws_port: 0 means no WebSocket listener; -1 any free port.
        port: 0 means any free port.
        accounts_file: ``name:hash`` lines of the platform's own clients.
        platform_url: base address of the platform's web process; "" refuses all devices.
        max_pending: connections that have not said CONNECT yet; they do not count towards
            max_connections, and beyond it the oldest is cut.
        session_expiry_s: a persistent session that nobody came back to is dropped after it.
        total_queued_bytes: all sessions together.
        retained_per_device: retained messages under one device's topics (a gateway's children).
        retained_device_bytes: largest payload kept for a device: it is its presence, which is
            short; larger ones are delivered, not kept.
        ask_timeout_s: for one question to the platform, waiting for its turn included.
        asks_waiting: questions that may wait for their turn; more are answered "unavailable".
        cache_s: longest that an answer of the platform is reused, whatever it allows.
        congested_bytes: unsent bytes of a connection above which nothing is added for it.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    ws_port: int = 0
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    accounts_file: Path | None = None
    platform_url: str = ""
    broker_token: str = ""

    max_connections: int = 10_000
    max_pending: int = 1_000
    max_sessions: int = 100_000
    max_packet_bytes: int = 128 * KIB
    max_topic_bytes: int = 1_024
    connect_timeout_s: float = 10.0
    session_expiry_s: float = 7 * 24 * 3600.0

    device_queue: QueueLimits = DEVICE_QUEUE
    platform_queue: QueueLimits = PLATFORM_QUEUE
    total_queued_bytes: int = 512 * MIB
    retained_messages: int = 300_000
    retained_bytes: int = 256 * MIB
    retained_per_device: int = 2_000
    retained_device_bytes: int = 1_024
    congested_bytes: int = 256 * KIB

    ask_timeout_s: float = 3.0
    asks_at_once: int = 32
    asks_waiting: int = 2_000
    cache_s: float = 60.0
    cache_devices: int = 100_000

    recheck_s: float = 60.0
    stats_s: float = 10.0
    shutdown_s: float = 4.0

    def queue_for(self, client_id: str) -> QueueLimits:
        """Give the limits of a client's session."""
        return self.platform_queue if is_platform_client(client_id) else self.device_queue
