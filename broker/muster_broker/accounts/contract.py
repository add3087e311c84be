"""The HTTP contract between a broker and the platform: who may connect, who no longer may.

The broker sends ``Authorization: Bearer <broker_token>`` with every request; the platform answers
401 when it is wrong. Bodies are JSON.
"""

import msgspec

CONNECT_PATH = "/internal/v1/broker/connect"
"""POST ConnectRequest, answered 200 with ConnectAnswer. Appended to the platform's address."""
CHECK_PATH = "/internal/v1/broker/check"
"""POST CheckRequest, answered 200 with CheckAnswer."""

CHECK_BATCH = 1_000
"""Most device ids in one CheckRequest."""

BAD_CREDENTIALS = "bad_credentials"
"""`reason` of a refusal when the device or its secret is unknown: CONNACK 4."""
NOT_ALLOWED = "not_allowed"
"""`reason` of a refusal when the device is known but disabled: CONNACK 5, as any other reason."""


class ConnectRequest(msgspec.Struct, kw_only=True):
    """A client wants in. The three are what its CONNECT says; client_id equals username."""

    client_id: str
    username: str
    password: str


class ConnectAnswer(msgspec.Struct, kw_only=True):
    """The platform's decision.

    Attributes:
        allow: whether it may connect.
        reason: a short code, for the log and the CONNACK; "" when allowed.
        cache_s: seconds for which the broker may reuse the answer; 0 for not at all.
    """

    allow: bool
    reason: str = ""
    cache_s: int = 0


class CheckRequest(msgspec.Struct, kw_only=True):
    """Devices that are connected now, at most CHECK_BATCH."""

    device_ids: list[str]


class CheckAnswer(msgspec.Struct, kw_only=True):
    """Those among the asked that may no longer be connected (disabled, deleted)."""

    refused: list[str] = []


class DisconnectOrder(msgspec.Struct, kw_only=True):
    """Payload of DISCONNECT_TOPIC (muster_protocol.topics), from the platform over MQTT.

    Attributes:
        forget: drop the device's session and retained messages too (it was deleted).
    """

    device_id: str
    forget: bool = False
