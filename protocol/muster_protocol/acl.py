"""Who may publish and subscribe where: the same rule for every broker.

A device publishes under its own up/, subscribes under its own down/, and nothing else; which of
its messages a broker may retain says the channel table. The platform's own clients (`_…`) have
credentials of their own and are not limited here.
"""

from muster_protocol.channels import BY_NAME, Direction
from muster_protocol.ids import is_device_id, is_platform_client
from muster_protocol.topics import PREFIX, TopicError, parse


def _own(device_id: str, direction: Direction) -> str:
    return f"{PREFIX}/{device_id}/{direction}/"


def may_publish(client_id: str, topic: str) -> bool:
    """Say whether the client may publish (or leave a will) to the topic."""
    if is_platform_client(client_id):
        return True
    if not is_device_id(client_id) or "+" in topic or "#" in topic:
        return False
    own = _own(client_id, Direction.UP)
    return topic.startswith(own) and len(topic) > len(own)


def may_subscribe(client_id: str, topic_filter: str) -> bool:
    """Say whether the client may subscribe to the filter."""
    if is_platform_client(client_id):
        return True
    if not is_device_id(client_id):
        return False
    own = _own(client_id, Direction.DOWN)
    return topic_filter.startswith(own) and len(topic_filter) > len(own)


def may_receive(client_id: str, topic: str) -> bool:
    """Say whether a message on the topic may reach the client (also a retained one)."""
    return is_platform_client(client_id) or topic.startswith(_own(client_id, Direction.DOWN))


def may_retain(topic: str) -> bool:
    """Say whether a broker may keep the last message of the topic."""
    try:
        parsed = parse(topic)
    except TopicError:
        return False
    row = BY_NAME.get((parsed.direction, parsed.channel))
    return row is not None and row.retained


def patterns(device_id: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Give the rule for brokers that take filters: (write or read, topic filter).

    Args:
        device_id: of one device, or the broker's own word for "whoever it is".
    """
    return (
        ("write", f"{_own(device_id, Direction.UP)}#"),
        ("read", f"{_own(device_id, Direction.DOWN)}#"),
    )
