"""The receiver: batches of messages from a broker, acknowledged by the caller, for ever.

A broken connection is not an error here: `receive` returns nothing, says why in `problem`, waits
with back-off and connects again. What was not acknowledged comes again from the broker.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count, islice
from types import TracebackType
from typing import Self

from muster_broker.receiver import codec
from muster_broker.receiver.codec import Received
from muster_broker.receiver.errors import (
    BrokerRefused,
    BrokerUnreachable,
    ProtocolError,
    ReceiverError,
)
from muster_broker.receiver.options import Clock, ReceiverOptions, SystemClock
from muster_broker.receiver.session import Link, Phase, Publications
from muster_broker.receiver.transport import Transport

log = logging.getLogger(__name__)

BACKLOG_MESSAGES = 500
"""From one batch of this size on, the next is read without waiting for neighbours: the kernel's
buffer holds fewer than a full batch of thousands, and a fleet at its pace sends far less."""


class Receiver:
    """A batching MQTT client; one thread, not to be shared between threads.

    Use it as a context manager: it connects at the first `receive` (or `connect`) and says
    good-bye at the end. The broker keeps the session when the options say persistent.

    Attributes:
        problem: why there is no connection, with the broker's address; None when there is one.
        connections: how many connections there have been.
    """

    def __init__(
        self,
        options: ReceiverOptions,
        clock: Clock | None = None,
        *,
        on_delivered: Callable[[int], None] | None = None,
        jitter: Callable[[], float] = random.random,
        pause: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing connects yet.

        Args:
            options: where and as whom.
            clock: the machine's when None.
            on_delivered: called with the token of each QoS 1 publication that the broker took.
            jitter: gives 0 to 1; spreads reconnections.
            pause: waits so many seconds.
            monotonic: gives seconds on a clock that never jumps.
        """
        self.options = options
        self.problem: str | None = None
        self.connections = 0
        self._clock: Clock = clock or SystemClock()
        self._publications = Publications(options.max_pending, on_delivered)
        self._jitter, self._pause, self._monotonic = jitter, pause, monotonic
        self._tokens = count(1)
        self._ready: deque[Received] = deque()
        self._transport: Transport | None = None
        self._link: Link | None = None
        self._failures = 0
        self._retry_at_s = 0.0
        self._busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Say whether the broker has taken our subscriptions."""
        return self._link is not None and self._link.phase is Phase.READY

    @property
    def pending(self) -> int:
        """Count our publications that wait for the broker's PUBACK."""
        return len(self._publications)

    def connect(self) -> None:
        """Connect and subscribe now; nothing to do when already connected.

        Raises:
            BrokerUnreachable: no connection; trying again may help.
            BrokerRefused: the broker says no; a person must act.
            ProtocolError: whatever answers is not an MQTT 3.1.1 broker.
        """
        if self.connected:
            return
        try:
            self._open()
        except ReceiverError as error:
            raise self._lost(error) from error

    def receive(
        self, max_messages: int, window_s: float = 0.005, timeout_s: float = 1.0
    ) -> list[Received]:
        """Wait for messages and take them.

        Args:
            max_messages: at most so many; 0 keeps the connection alive and reads nothing, for a
                caller that cannot store more at present.
            window_s: after the first sign of a message, wait so long for its neighbours: fewer,
                larger batches cost less. Not applied while there is a backlog.
            timeout_s: how long to wait for the first; also the longest stay without connection.

        Returns:
            The messages, oldest first; empty when there are none, or no connection (`problem`).
        """
        try:
            if not self.connected and not self._reconnect(timeout_s):
                return []
            self._exchange(max_messages, window_s, timeout_s)
        except ReceiverError as error:
            self._lost(error)
        return self._take(max_messages)

    def ack(self, batch: Sequence[Received]) -> None:
        """Acknowledge messages, all in one write.

        Those of an earlier connection are passed over: their packet ids may name other messages
        by now, and the broker sends them again.
        """
        if self._link is None or self._transport is None:
            return
        self._link.acknowledge(batch)
        self._flush()

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int | None:
        """Publish on the same connection.

        At QoS 1 it is kept and sent again until the broker has it; it may wait for a connection.
        At QoS 0 it is lost without one. Packets go out with the next `ack` or `receive`, or at
        once by `flush`.

        Returns:
            A token for `on_delivered` (QoS 0 too, though nobody is told), or None: not taken,
            since too much is waiting. Ask again later.
        """
        link = self._link
        if link is not None and link.phase is Phase.CONNECTING:
            link = None
        if qos and self._publications.full:
            return None
        if link is not None and len(link.out) > self.options.max_unsent_bytes:
            return None
        token = next(self._tokens)
        if qos:
            packet = self._publications.add(token, topic, payload, retain)
        else:
            packet = codec.publish(topic, payload, qos=0, retain=retain, packet_id=0)
        if link is not None:
            link.out += packet
        return token

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it now."""
        self._flush()

    def fileno(self) -> int:
        """Give the socket's descriptor for a caller's own select; -1 without connection."""
        return self._transport.fileno() if self._transport is not None else -1

    def close(self) -> None:
        """Write what waits, say good-bye and close. What was not acknowledged stays at the broker.

        Waits at most a second for a slow socket.
        """
        if self._transport is not None and self._link is not None:
            self._link.out += codec.DISCONNECT
            deadline = self._monotonic() + 1.0
            while self._flush() and self._monotonic() < deadline:
                self._transport.wait(0.1, write=True, read=False)
        self._drop()

    # Connection ---------------------------------------------------------------------------

    def _reconnect(self, timeout_s: float) -> bool:
        wait_s = self._retry_at_s - self._monotonic()
        if wait_s > 0:
            self._pause(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return False
        self._open()
        return True

    def _open(self) -> None:
        self._drop()
        self._transport = Transport.open(self.options)
        self.connections += 1
        now_s = self._monotonic()
        self._link = Link(self.options, self._publications, self.connections, now_s)
        deadline = now_s + self.options.connect_timeout_s
        while self._link.phase is not Phase.READY:
            self._flush_or_raise()
            left_s = deadline - self._monotonic()
            if left_s <= 0:
                raise BrokerUnreachable("it does not answer CONNECT")
            self._transport.wait(left_s, write=bool(self._link.out))
            self._read()
        self._flush_or_raise()
        if self._failures or self.connections == 1:
            log.info("connected to %s as %s", self.options.address, self.options.client_id)
        self.problem, self._failures = None, 0

    def _lost(self, error: ReceiverError) -> ReceiverError:
        """Close, set the time of the next try, and give the error with the address in it."""
        self._drop()
        options = self.options
        longest = min(options.backoff_max_s, options.backoff_min_s * 2 ** min(self._failures, 16))
        self._failures += 1
        self._retry_at_s = self._monotonic() + longest * (0.5 + 0.5 * self._jitter())
        problem = describe(error, options)
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem
        return type(error)(problem)

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = self._link = None
        self._publications.lost()
        # Unacknowledged, so the broker sends them again; kept, they would be handled twice.
        self._ready.clear()
        self._busy = False

    # Bytes --------------------------------------------------------------------------------

    def _exchange(self, max_messages: int, window_s: float, timeout_s: float) -> None:
        """Write what waits; read once something is there, if there is room for it."""
        transport, link = self._transport, self._link
        if transport is None or link is None:
            return
        self._flush_or_raise()
        now_s = self._monotonic()
        reading = max_messages > 0 and len(self._ready) < max_messages
        link.keep_alive(now_s, reading=reading)
        self._flush_or_raise()
        if not reading:
            if max_messages == 0:
                transport.wait(timeout_s, write=bool(link.out), read=False)
            return
        timeout_s = min(timeout_s, link.wake_s(now_s)) if not self._ready else 0.0
        if not transport.wait(timeout_s, write=bool(link.out)):
            link.check_silence(self._monotonic())
            return
        if window_s > 0 and not self._busy:
            self._pause(window_s)
        for _ in range(max(1, self.options.max_batch_bytes // self.options.read_bytes)):
            if len(self._ready) >= max_messages or not self._read():
                break
        # So many at once are a backlog: the next ones are there already, or as good as.
        self._busy = len(self._ready) >= min(max_messages, BACKLOG_MESSAGES)
        self._flush_or_raise()

    def _read(self) -> bool:
        """Read once; say whether there may be more."""
        if self._transport is None or self._link is None:
            return False
        chunk = self._transport.receive(self.options.read_bytes)
        if chunk is None:
            return False
        self._ready += self._link.feed(chunk, self._clock.now_ms())
        return len(chunk) >= self.options.read_bytes

    def _take(self, max_messages: int) -> list[Received]:
        ready = self._ready
        if len(ready) <= max_messages:
            batch = list(ready)
            ready.clear()
            return batch
        batch = list(islice(ready, max_messages))
        for _ in batch:
            ready.popleft()
        return batch

    def _flush(self) -> bool:
        """Write; a broken connection is found here and mended by `receive`. True: more waits."""
        try:
            return self._flush_or_raise()
        except ReceiverError as error:
            self._lost(error)
            return False

    def _flush_or_raise(self) -> bool:
        if self._transport is None or self._link is None:
            return False
        if self._link.out:
            self._transport.send(self._link.out)
        return bool(self._link.out)


def describe(error: ReceiverError, options: ReceiverOptions) -> str:
    """Say what failed, where, and what to do about it."""
    who, where = options.client_id, options.address
    if isinstance(error, BrokerRefused):
        return (
            f"the broker at {where} refuses {who!r}: {error}. Check the user name and password "
            f"({options.username or 'none set'}) and its access rules"
        )
    if isinstance(error, ProtocolError):
        return f"{where} does not speak MQTT 3.1.1: {error}. Check host and port"
    return f"no connection to the broker at {where}: {error}. Check that it runs and is reachable"
