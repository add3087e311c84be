"""The first packet of a connection: read in time, checked, nothing else touched yet."""

from typing import NamedTuple

from muster_broker.embedded import wire
from muster_broker.embedded.errors import Malformed
from muster_broker.embedded.gate import Decision
from muster_broker.embedded.links import ChunkReader
from muster_protocol import acl
from muster_protocol.ids import is_device_id, is_platform_client

_PLATFORM_ID_CHARS = 64


class Opening(NamedTuple):
    """What a client opened with.

    Attributes:
        rest: bytes that came behind the CONNECT.
    """

    request: wire.Connect | wire.OtherProtocol
    rest: bytes


async def read_opening(reader: ChunkReader, limit_bytes: int) -> Opening | None:
    """Read the CONNECT; the caller sets the time limit.

    Returns:
        None when the client went away without a byte.

    Raises:
        Malformed: it is none, or it ends in the middle.
    """
    data = b""
    while True:
        chunk = await reader.read_chunk()
        if not chunk:
            if data:
                raise Malformed("the connection ended inside its first packet")
            return None
        data += chunk
        if data[0] != wire.CONNECT << 4:
            raise Malformed("the first packet is not a CONNECT")
        frame = wire.next_frame(data, 0, limit_bytes)
        if frame is not None:
            return Opening(wire.decode_connect(frame, data), data[frame.stop :])


def check_identity(request: wire.Connect) -> Decision | None:
    """Refuse a CONNECT whose client id, user name and password cannot go together."""
    client_id = request.client_id
    platform = is_platform_client(client_id) and len(client_id) <= _PLATFORM_ID_CHARS
    if not platform and not is_device_id(client_id):
        return Decision(wire.BAD_IDENTIFIER, "bad_client_id", "not a device id")
    if request.username is None or request.password is None:
        return Decision(wire.BAD_CREDENTIALS, "no_credentials", "user name and password are needed")
    if request.username != client_id:
        return Decision(
            wire.NOT_AUTHORISED, "foreign_client_id", "client id and user name must be the same"
        )
    return None


def check_will(request: wire.Connect, max_topic_bytes: int) -> Decision | None:
    """Refuse a will that the client could not publish itself."""
    will = request.will
    if will is None:
        return None
    if (
        not is_topic(will.topic, max_topic_bytes)
        or will.topic.startswith("$")
        or not acl.may_publish(request.client_id, will.topic)
    ):
        return Decision(wire.NOT_AUTHORISED, "foreign_will", f"will on {will.topic!r}")
    return None


def is_topic(topic: str, max_bytes: int) -> bool:
    """Say whether a PUBLISH may carry the topic: not empty, no wildcard, not too long."""
    return 0 < len(topic.encode("utf-8")) <= max_bytes and "+" not in topic and "#" not in topic
