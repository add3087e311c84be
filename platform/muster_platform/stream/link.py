"""One MQTT connection of dispatch: paho's client, told to be quick, its news in one queue.

A connection that is lost is thrown away with all that it had in flight; the database knows what
is still to be sent. So nothing is sent twice because a library remembered it, too.
"""

import logging
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from muster_platform.settings import Settings
from muster_protocol.topics import STATS_TOPIC

log = logging.getLogger(__name__)

KEEPALIVE_S = 15
CONNECT_TIMEOUT_S = 5.0


class Up(NamedTuple):
    """The broker has accepted us."""

    link: "Link"


class Down(NamedTuple):
    """The connection is lost, or was refused."""

    link: "Link"
    why: str


class Acked(NamedTuple):
    """The broker has acknowledged a publish (QoS 0: it was written to the socket)."""

    link: "Link"
    mid: int


News = Up | Down | Acked
"""What a link tells, from its own thread."""


class LinkDown(ConnectionError):
    """Nothing can be published on this link."""


class Link:
    """A connection that is tried once.

    Attributes:
        stats: what the broker last said of itself, as it came; b"" where it says nothing.
    """

    def __init__(
        self, settings: Settings, client_id: str, tell: Callable[[News], None], in_flight: int
    ) -> None:
        """Prepare.

        Args:
            settings: where the broker is.
            client_id: also the user name.
            tell: is called with news from the network thread; must not block.
            in_flight: most publishes that may wait for the broker.
        """
        self.client_id = client_id
        self.stats = b""
        self._tell = tell
        self._settings = settings
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(client_id, settings.mqtt_password)
        client.max_inflight_messages_set(in_flight)
        client.connect_timeout = CONNECT_TIMEOUT_S
        if settings.platform_broker[2]:
            client.tls_set(ca_certs=settings.broker_ca_file or None)
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    def open(self) -> None:
        """Connect; Up or Down is told later.

        Raises:
            LinkDown: the broker does not listen.
        """
        host, port, _ = self._settings.platform_broker
        try:
            self._client.connect(host, port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise LinkDown(f"the broker at {host}:{port} is away: {error}") from error
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        """Publish; Acked is told later with the number that is given back.

        Raises:
            LinkDown: the connection is lost.
        """
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise LinkDown(f"cannot publish: {mqtt.error_string(info.rc)}")
        return info.mid

    def close(self) -> None:
        """Disconnect and end the network thread."""
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._tell(Down(self, f"the broker refused {self.client_id}: {reason}"))
        else:
            self._client.subscribe(STATS_TOPIC)
            self._tell(Up(self))

    def _on_connect_fail(self, _client: Any, _userdata: Any) -> None:
        self._tell(Down(self, "the broker is away"))

    def _on_disconnect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _p: Any) -> None:
        self._tell(Down(self, f"the connection to the broker is lost: {reason}"))

    def _on_message(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.stats = bytes(message.payload)  # nothing else is subscribed to

    def _on_publish(self, _c: Any, _u: Any, mid: int, _reason: Any, _p: Any) -> None:
        self._tell(Acked(self, mid))


def _no_delay(_client: Any, _userdata: Any, sock: Any) -> None:
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
