"""Sockets that the broker listens on: bound first, so that a taken port is one clear line."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import websockets
from websockets.asyncio.server import Server as WsServer

from muster_broker.embedded.errors import BrokerStartError, PortTakenError
from muster_broker.embedded.links import CHUNK_BYTES
from muster_broker.embedded.options import BrokerOptions

_BACKLOG = 1_024
OnStream = Callable[..., Awaitable[None]]


class Listeners:
    """Bound sockets, opened for clients by `open`.

    Attributes:
        lines: what to print: one ``listening on …`` for each, with the real port.
    """

    def __init__(self, options: BrokerOptions) -> None:
        self._options = options
        self._tls = _tls(options)
        self._tcp = bind(options.host, options.port, "--port")
        try:
            ws_port = max(options.ws_port, 0)
            self._ws = bind(options.host, ws_port, "--ws-port") if options.ws_port else []
        except BrokerStartError:
            self.close()
            raise
        self.lines = [
            *(f"listening on {self._address(s, 'mqtt', 'mqtts')}" for s in self._tcp),
            *(f"listening on {self._address(s, 'ws', 'wss')}" for s in self._ws),
        ]

    def _address(self, sock: socket.socket, plain: str, tls: str) -> str:
        host, port = sock.getsockname()[:2]
        return f"{tls if self._tls else plain}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine can reach it without encryption."""
        hosts = [s.getsockname()[0] for s in self._tcp + self._ws]
        return self._tls is None and any(not h.startswith("127.") and h != "::1" for h in hosts)

    async def open(
        self, on_stream: OnStream, on_ws: OnStream
    ) -> list[tuple[str, asyncio.Server | WsServer]]:
        """Take clients: start the servers on the bound sockets."""
        timeout_s = self._options.connect_timeout_s
        servers: list[tuple[str, asyncio.Server | WsServer]] = []
        for number, sock in enumerate(self._tcp):
            name = f"tcp{number}"
            tls: dict[str, Any] = {}
            if self._tls is not None:
                tls = {"ssl": self._tls, "ssl_handshake_timeout": timeout_s}
            server: asyncio.Server | WsServer = await asyncio.start_server(
                partial(on_stream, listener_name=name),
                sock=sock,
                limit=CHUNK_BYTES,
                backlog=_BACKLOG,
                **tls,
            )
            servers.append((name, server))
        for number, sock in enumerate(self._ws):
            name = f"ws{number}"
            server = await websockets.serve(
                partial(on_ws, listener_name=name),
                sock=sock,
                ssl=self._tls,
                subprotocols=[websockets.Subprotocol("mqtt")],
                compression=None,
                open_timeout=timeout_s,
                close_timeout=1,
                ping_interval=None,
                max_size=self._options.max_packet_bytes * 2,
                max_queue=4,
            )
            servers.append((name, server))
        return servers

    def close(self) -> None:
        """Free the ports, when the broker does not start after all."""
        for sock in self._tcp:
            sock.close()


def bind(host: str, port: int, option: str) -> list[socket.socket]:
    """Bind a name's addresses, all to one port.

    Args:
        port: 0 for any free one.
        option: what to name in an error.

    Raises:
        PortTakenError: somebody else listens there.
        BrokerStartError: the address cannot be used.
    """
    sockets: list[socket.socket] = []
    try:
        for family, kind, number, _, address in _addresses(host, port):
            sock = socket.socket(family, kind, number)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address[0], port, *address[2:]))
            sock.listen(_BACKLOG)
            sock.setblocking(False)
            port = sock.getsockname()[1]
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise _explain(error, host, port, option) from error
    return sockets


def _addresses(host: str, port: int) -> list[Any]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return sorted(set(found), key=lambda a: a[0] != socket.AF_INET)


def _explain(error: OSError, host: str, port: int, option: str) -> BrokerStartError:
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(
            f"port {port} on {host} is taken by another process; "
            f"stop that one or choose another port with {option}"
        )
    if error.errno == errno.EACCES:
        return BrokerStartError(
            f"this user may not listen on port {port}; choose one above 1023 with {option}"
        )
    return BrokerStartError(
        f"cannot listen on {host} port {port}: {error.strerror or error}; check --host and {option}"
    )


def _tls(options: BrokerOptions) -> ssl.SSLContext | None:
    """Load certificate and key.

    Raises:
        BrokerStartError: one is missing or they cannot be used.
    """
    if options.tls_cert_file is None and options.tls_key_file is None:
        return None
    if options.tls_cert_file is None or options.tls_key_file is None:
        raise BrokerStartError("TLS needs both --tls-cert and --tls-key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert_file, options.tls_key_file)
    except (OSError, ssl.SSLError) as error:
        raise BrokerStartError(
            f"cannot use certificate {options.tls_cert_file} with key {options.tls_key_file}: "
            f"{error}; both must be PEM files and belong together"
        ) from error
    return context
