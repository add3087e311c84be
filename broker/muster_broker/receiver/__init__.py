"""A batching MQTT 3.1.1 client for the platform's side: many messages per read, per write, per ack.

The general client libraries call back once per message; at the rates of a fleet that call is
most of the cost. Here one read is parsed into a list, the list is handled as a whole and all its
acknowledgements go out in one write (docs/adr/0020).
"""

from muster_broker.receiver.client import Receiver
from muster_broker.receiver.codec import Received
from muster_broker.receiver.errors import (
    BrokerRefused,
    BrokerUnreachable,
    ProtocolError,
    ReceiverError,
)
from muster_broker.receiver.options import Clock, ReceiverOptions, SystemClock, TlsOptions

__all__ = [
    "BrokerRefused",
    "BrokerUnreachable",
    "Clock",
    "ProtocolError",
    "Received",
    "Receiver",
    "ReceiverError",
    "ReceiverOptions",
    "SystemClock",
    "TlsOptions",
]
