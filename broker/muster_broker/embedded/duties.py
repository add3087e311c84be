"""What the broker does from time to time: asks about its devices again, tells its counters."""

import asyncio
import time
from typing import Any

import msgspec

from muster_broker.embedded.broker import MusterBroker
from muster_broker.embedded.logs import LOGGER
from muster_broker.embedded.platform import Platform, PlatformAway
from muster_protocol.ids import is_platform_client
from muster_protocol.topics import STATS_TOPIC


async def recheck_for_ever(broker: MusterBroker, platform: Platform, every_s: float) -> None:
    """Ask about the connected devices, so that a kick that was lost is late and no more."""
    while True:
        await asyncio.sleep(every_s)
        await recheck(broker, platform)


async def recheck(broker: MusterBroker, platform: Platform) -> None:
    """Ask once, and kick whom the platform no longer wants."""
    device_ids = [name for name in broker.online if not is_platform_client(name)]
    if not device_ids:
        return
    try:
        refused = await platform.check(device_ids)
    except PlatformAway as error:
        LOGGER.warning("cannot check %d connected devices: %s", len(device_ids), error)
        return
    for device_id in refused:
        broker.kick(device_id, forget=False)


async def tell_for_ever(broker: MusterBroker, every_s: float) -> None:
    """Publish the counters, retained, for the platform's clients."""
    started = time.monotonic()
    while True:
        uptime_s = round(time.monotonic() - started)
        broker.announce(STATS_TOPIC, msgspec.json.encode(snapshot(broker, uptime_s)))
        await asyncio.sleep(every_s)


def snapshot(broker: MusterBroker, uptime_s: int) -> dict[str, Any]:
    """Give counters and gauges as they stand in `$muster/stats`."""
    stats = broker.stats
    return {
        "ts": time.time_ns() // 1_000_000,
        "uptime_s": uptime_s,
        "connections": len(broker.online),
        "pending": broker.pending,
        "sessions": len(broker.known),
        "connects": stats.connects,
        "asks": stats.asks,
        "messages_in": stats.messages_in,
        "messages_out": stats.messages_out,
        "resent": stats.resent,
        "queued_messages": stats.queued_messages,
        "queued_bytes": stats.queued_bytes,
        "retained_messages": broker.store.count,
        "retained_bytes": broker.store.bytes_held,
        "dropped": dict(stats.dropped),
        "refused": dict(stats.refused),
    }
