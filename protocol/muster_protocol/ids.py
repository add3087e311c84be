"""Identifiers: device ids as people choose them, UUIDv7 as we make them."""

import os
import re
import time
import uuid
from collections.abc import Callable

DEVICE_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_DEVICE_ID = re.compile(DEVICE_ID_PATTERN)

PLATFORM_CLIENT_PREFIX = "_"
"""First character of the platform's own MQTT client ids; no device id can start with it."""


def is_device_id(text: str) -> bool:
    """Say whether the text may be a device id (= MQTT client id = MQTT user name)."""
    return _DEVICE_ID.fullmatch(text) is not None


def is_platform_client(client_id: str) -> bool:
    """Say whether the MQTT client id belongs to the platform's own name space."""
    return client_id.startswith(PLATFORM_CLIENT_PREFIX)


def uuid7(now_ms: int | None = None, random: Callable[[int], bytes] = os.urandom) -> str:
    """Make a UUID version 7 (RFC 9562, section 5.7): sortable by the time it was made.

    Args:
        now_ms: milliseconds since the epoch; the present when None.
        random: gives that many random bytes.
    """
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    tail = int.from_bytes(random(10), "big")
    value = (ms & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (tail >> 62 & 0xFFF) << 64
    value |= 0b10 << 62
    value |= tail & (1 << 62) - 1
    return str(uuid.UUID(int=value))
