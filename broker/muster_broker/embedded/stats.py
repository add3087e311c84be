"""What the broker counts, from its start."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counters and gauges of one broker.

    Attributes:
        max_queued_bytes: the limit of queued_bytes; it stands here because both go together.
        messages_in: PUBLISH packets taken; out: sent.
        queued_messages: waiting or un-acknowledged, of all sessions.
        dropped: messages not delivered, by reason: queue_full, total_queue_full, congested
            (QoS 0 only), retained_full (delivered, but not kept).
        refused: connections refused or closed by the broker, and filters refused, by reason.
    """

    max_queued_bytes: int
    connects: int = 0
    messages_in: int = 0
    messages_out: int = 0
    resent: int = 0
    queued_messages: int = 0
    queued_bytes: int = 0
    asks: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
