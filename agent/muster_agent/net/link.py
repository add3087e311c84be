"""One MQTT connection over paho: no threads, no reconnecting, TCP_NODELAY set."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from muster_agent.core.effects import Publish
from muster_agent.errors import ConfigError

_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
REFUSED_CREDENTIALS = frozenset({"Bad user name or password", "Not authorized"})


class Broker(NamedTuple):
    """Where a broker listens, from a URL: mqtt://, mqtts://, ws:// or wss://."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> "Broker":
        """Read a broker's URL.

        Raises:
            ConfigError: it is not one of the four forms.
        """
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme not in _PORTS or not host:
            raise ConfigError(
                f"broker address {url!r}: expected mqtt://, mqtts://, ws:// or wss:// and a host"
            )
        return cls(scheme, host, port or _PORTS[scheme], parts.path)

    def __str__(self) -> str:
        """Give the URL."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


class LinkEvents(NamedTuple):
    """What a link calls back, always from within one of its methods.

    Attributes:
        opened: the broker accepted the connection.
        refused: the broker refused; the argument says why. `closed` follows.
        message: topic and payload.
        acked: a token given to `publish`.
        closed: the connection is gone; the argument says why.
    """

    opened: Callable[[], None]
    refused: Callable[[str], None]
    message: Callable[[str, bytes], None]
    acked: Callable[[int], None]
    closed: Callable[[str], None]


class Link:
    """A connection that is made once, driven from outside, and thrown away when it ends.

    A new paho client for each connection: nothing is sent again by itself, so that the hello
    comes first; what has to be sent again the outbox knows.
    """

    def __init__(
        self,
        broker: Broker,
        device_id: str,
        secret: str,
        will: Publish,
        events: LinkEvents,
        *,
        keepalive_s: int = 60,
        timeout_s: float = 10.0,
        ca_file: str | None = None,
    ) -> None:
        self._broker = broker
        self._events = events
        self._keepalive_s = keepalive_s
        self._tokens: dict[int, int] = {}
        self._ended = False
        self._handed_over = False
        self._failure = ""
        web = broker.scheme in ("ws", "wss")
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=device_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            transport="websockets" if web else "tcp",
            reconnect_on_failure=False,
        )
        client.username_pw_set(device_id, secret)
        client.will_set(will.topic, will.payload, qos=will.qos, retain=will.retain)
        client.connect_timeout = timeout_s
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        if web:
            client.ws_set_options(path=broker.path or "/mqtt")
        if broker.scheme in ("mqtts", "wss"):
            client.tls_set_context(ssl.create_default_context(cafile=ca_file))
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        self._client = client

    def connect(self) -> None:
        """Open the socket and send CONNECT; blocks up to the timeout.

        Raises:
            OSError: the broker could not be reached.
        """
        try:
            self._client.connect(self._broker.host, self._broker.port, self._keepalive_s)
        except (ValueError, mqtt.WebsocketConnectionError) as error:
            raise OSError(str(error)) from error
        if self._failure:
            raise OSError(self._failure)
        self._handed_over = True

    def fileno(self) -> int:
        """Give the socket for a selector; -1 when there is none."""
        sock = self._client.socket()
        return -1 if sock is None else sock.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether something waits for the socket to be writable."""
        return self._client.want_write()

    def read(self) -> None:
        """Handle what has arrived."""
        code = self._client.loop_read()
        sock = self._client.socket()
        # TLS may have decrypted more than one packet already; no selector knows of it.
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and sock is not None:
            pending = getattr(sock, "pending", None)
            if pending is None or not pending():
                break
            code = self._client.loop_read()
            sock = self._client.socket()
        self._check(code)
        if self.wants_write:
            self.write()

    def write(self) -> None:
        """Send what waits."""
        self._check(self._client.loop_write())

    def misc(self) -> None:
        """Keep the connection alive; to be called every few seconds."""
        self._check(self._client.loop_misc())

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._client.subscribe(topic_filter, qos=1)

    def publish(self, message: Publish) -> None:
        """Hand a message to the connection; its token comes back by `acked`."""
        info = self._client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain
        )
        if message.token is not None and message.qos:
            self._tokens[info.mid] = message.token

    def close(self) -> None:
        """Send DISCONNECT (the broker then drops the will) and close."""
        with contextlib.suppress(OSError):
            self._client.disconnect()
            if self.wants_write:
                self._client.loop_write()
        self._end("closed by us")

    def cut(self, reason: str) -> None:
        """Close without a word, as a lost network would; the broker publishes the will."""
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        sock = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()
        self._events.closed(reason)

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(mqtt.error_string(code))

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self._events.refused(str(reason))
        else:
            self._events.opened()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        with contextlib.suppress(UnicodeDecodeError):
            self._events.message(message.topic, bytes(message.payload))

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: Any, _props: Any) -> None:
        token = self._tokens.pop(mid, None)
        if token is not None:
            self._events.acked(token)

    def _on_disconnect(self, _c: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if self._handed_over:
            self._end(str(reason))
        else:  # still in the helper thread of `connect`: nobody may be called back from there
            self._failure = str(reason)


def _no_delay(_client: Any, _data: Any, sock: Any) -> None:
    """Turn Nagle's algorithm off: with it a small answer waits 40 ms for an acknowledgement."""
    raw = getattr(sock, "_socket", sock)  # paho wraps the socket of a WebSocket connection
    if isinstance(raw, socket.socket) and raw.family != socket.AF_UNIX:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
