"""The broker among the parts: what it says in `$muster/stats`, as dispatch hears it."""

import msgspec

from muster_platform.parts.service import Beat

NAME = "broker"


class Stats(msgspec.Struct):
    """What is read of the broker's counters; a broker that tells none is a stranger's."""

    uptime_s: int = 0
    connections: int = 0
    queued_messages: int = 0
    queued_bytes: int = 0
    messages_in: int = 0
    messages_out: int = 0


def broker_beat(payload: bytes | None, now: int) -> Beat:
    """Say how the broker is.

    Args:
        payload: its newest word, b"" where it never says any, None while it is away.
        now: ms since the epoch.
    """
    if payload is None:
        return Beat(name=NAME, state="bad", detail="Cannot be reached", since=now)
    if not payload:
        return Beat(name=NAME, detail="Reached; it gives no figures")
    try:
        stats = msgspec.json.decode(payload, type=Stats)
    except msgspec.MsgspecError:
        return Beat(name=NAME, detail="Reached; its figures cannot be read")
    return Beat(
        name=NAME,
        detail=f"{stats.connections} connected, {stats.queued_messages} messages waiting",
        figures={
            "connections": stats.connections,
            "queued_messages": stats.queued_messages,
            "queued_bytes": stats.queued_bytes,
            "messages_in": stats.messages_in,
            "messages_out": stats.messages_out,
        },
        since=now - stats.uptime_s * 1000,
    )
