"""What Mosquitto holds in the name of devices that are gone: connection, session, retained."""

from collections.abc import Iterable
from dataclasses import replace

from muster_broker.receiver import BrokerRefused, Receiver, ReceiverError, ReceiverOptions
from muster_platform.settings import Settings
from muster_platform.stream.accounts import KEEPER, PROBE
from muster_platform.stream.ingest import receiver_options
from muster_protocol.channels import Direction
from muster_protocol.topics import PREFIX

AT_ONCE = 50
"""Devices whose retained messages are asked for on one connection."""
MARK = "$muster/accounts/mark"
"""Comes back behind everything that the broker had to say before."""
STEP_S = 1.0
STEPS = 30


def in_force(settings: Settings, probe: str) -> bool:
    """Say whether the broker lets the newest probe in: then it has read the newest files.

    Raises:
        ReceiverError: it cannot be reached.
    """
    options = replace(_plain(settings, PROBE), password=probe)
    try:
        with Receiver(options) as receiver:
            receiver.connect()
    except BrokerRefused:
        return False
    return True


def forget(settings: Settings, device_ids: list[str], live: Iterable[str]) -> None:
    """End connection and session of devices, and clear what is retained on their topics.

    Args:
        device_ids: that may not connect any more as what they were.
        live: those among them whose id belongs to a device again: what the platform keeps for
            the new one stays.

    Raises:
        ReceiverError: the broker is away; all of it can be done again.
    """
    for device_id in device_ids:
        # A connection with the same client id takes the place of the old one, and a clean session
        # leaves nothing behind. Only the platform's listener takes the client id as it is said.
        with Receiver(replace(_plain(settings, KEEPER), client_id=device_id)) as receiver:
            receiver.connect()
    again = set(live)
    for first in range(0, len(device_ids), AT_ONCE):
        filters = [
            f"{PREFIX}/{device_id}/{direction}/#"
            for device_id in device_ids[first : first + AT_ONCE]
            for direction in (Direction.UP, Direction.DOWN)
            if direction is Direction.UP or device_id not in again
        ]
        _clear(settings, filters)


def _clear(settings: Settings, filters: list[str]) -> None:
    subscriptions = ((MARK, 1), *((topic_filter, 1) for topic_filter in filters))
    options = replace(_plain(settings, KEEPER), subscriptions=subscriptions)
    with Receiver(options) as receiver:
        receiver.connect()
        receiver.publish(MARK, b"")
        for _ in range(STEPS):
            batch = receiver.receive(1_000, timeout_s=STEP_S)
            receiver.ack(batch)
            for message in batch:
                if message.retain and message.payload:
                    receiver.publish(message.topic, b"", retain=True)
            if any(message.topic == MARK for message in batch):
                break
        else:
            raise ReceiverError("the broker did not finish saying what it retains")
        while receiver.pending:
            receiver.ack(receiver.receive(1_000, timeout_s=STEP_S))


def _plain(settings: Settings, name: str) -> ReceiverOptions:
    return replace(receiver_options(settings, name), subscriptions=(), persistent=False)
