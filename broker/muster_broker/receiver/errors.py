"""What can go wrong between the platform and a broker, by what the caller can do about it."""


class ReceiverError(Exception):
    """Base of everything that the receiver raises."""


class BrokerUnreachable(ReceiverError):
    """No connection, or it broke. Trying again later may help."""


class BrokerRefused(ReceiverError):
    """The broker answered and said no (credentials, client id, subscription)."""


class ProtocolError(ReceiverError):
    """The peer sent bytes that are not MQTT 3.1.1."""
