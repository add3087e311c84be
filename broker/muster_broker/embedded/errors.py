"""Errors of the embedded broker: what ends a connection, and what keeps it from starting."""

from amqtt.errors import MQTTError


class Malformed(MQTTError):
    """Bytes that are not MQTT 3.1.1, or a packet that does not belong here: close."""


class Refused(MQTTError):
    """The client did what it may not do: close.

    Attributes:
        reason: short code, a key of the counters.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrokerStartError(Exception):
    """The broker cannot start; the text is one line: what, where, what to do."""

    exit_code = 3
    """Configuration: an option or a file is wrong."""


class PortTakenError(BrokerStartError):
    """Another process listens there."""

    exit_code = 6
    """Conflict: nothing is wrong with the options, something else holds the port."""
