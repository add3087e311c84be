"""The socket beneath a receiver: TCP or TLS, non-blocking, with TCP_NODELAY."""

import select
import socket
import ssl

from muster_broker.receiver.errors import BrokerUnreachable
from muster_broker.receiver.options import ReceiverOptions, TlsOptions

_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_GONE = "the broker closed the connection"


class Transport:
    """One open connection. Every failure is a BrokerUnreachable that says why."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        sock.setblocking(False)

    @classmethod
    def open(cls, options: ReceiverOptions) -> "Transport":
        """Connect.

        Raises:
            BrokerUnreachable: no connection, or TLS fails.
        """
        try:
            sock = socket.create_connection(
                (options.host, options.port), timeout=options.connect_timeout_s
            )
        except OSError as error:
            raise BrokerUnreachable(_reason(error)) from error
        try:
            # A PUBACK or answer must not wait for the peer's delayed ACK: 88 ms against 0.6 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            if options.tls is not None:
                sock = _context(options.tls).wrap_socket(sock, server_hostname=options.host)
        except OSError as error:
            sock.close()
            raise BrokerUnreachable(_reason(error)) from error
        return cls(sock)

    def close(self) -> None:
        """Close; never fails."""
        self._sock.close()

    def fileno(self) -> int:
        """Give the descriptor, for select."""
        return self._sock.fileno()

    def wait(self, timeout_s: float, *, write: bool, read: bool = True) -> bool:
        """Wait until something can be read (or, if asked, written); say whether.

        Args:
            timeout_s: at most so long.
            write: also wake up when the socket takes more bytes.
            read: False leaves incoming bytes alone.

        Raises:
            BrokerUnreachable: the connection has ended, found while not reading.
        """
        if read and self._tls is not None and self._tls.pending():
            return True
        events = (select.POLLIN if read else 0) | (select.POLLOUT if write else 0)
        poll = select.poll()
        poll.register(self._sock, events)
        found = poll.poll(max(0, round(timeout_s * 1000)))
        if found and not read and found[0][1] & (select.POLLHUP | select.POLLERR):
            raise BrokerUnreachable(_GONE)
        return bool(found)

    def receive(self, size: int) -> bytes | None:
        """Read what is there: None when nothing is.

        Raises:
            BrokerUnreachable: the connection has ended.
        """
        if self._tls is not None:
            return self._receive_records(self._tls, size)
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise BrokerUnreachable(_reason(error)) from error
        if not data:
            raise BrokerUnreachable(_GONE)
        return data

    def _receive_records(self, tls: ssl.SSLSocket, size: int) -> bytes | None:
        """Gather TLS records: one read gives one, and brokers write one per packet."""
        parts: list[bytes] = []
        length = 0
        while length < size:
            try:
                data = tls.recv(size)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError as error:
                raise BrokerUnreachable(_reason(error)) from error
            if not data:
                if parts:
                    break
                raise BrokerUnreachable(_GONE)
            parts.append(data)
            length += len(data)
        return b"".join(parts) or None

    def send(self, out: bytearray) -> None:
        """Write from the front of `out` what the socket takes now, and remove it there.

        Raises:
            BrokerUnreachable: the connection has ended.
        """
        while out:
            try:
                sent = self._sock.send(out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                raise BrokerUnreachable(_reason(error)) from error
            del out[:sent]


def _context(tls: TlsOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: its certificate is not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)
