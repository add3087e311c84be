"""A selector loop that drives any number of peers in one thread."""

import contextlib
import logging
import os
import queue
import selectors
import threading
from collections import deque
from collections.abc import Callable

from muster_agent.clock import Clock
from muster_agent.errors import MusterError, StoreError
from muster_agent.net.link import Link
from muster_agent.net.peer import TICK_S, Peer

_log = logging.getLogger("muster_agent")

_POLL_S = 0.25
_CONNECT_CHECK_S = 0.1


class Driver:
    """Reads and writes the sockets of all peers, ticks them, connects them.

    Everything that touches a peer or its core happens under `lock`; sockets are opened in a
    few helper threads, since that may block.

    Args:
        connectors: how many connections may be opened at a time.
        every_loop: called under the lock in each turn of the loop, at least four times a second.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        connectors: int = 1,
        every_loop: Callable[[], None] = lambda: None,
    ) -> None:
        self.lock = threading.RLock()
        self.peers: list[Peer] = []
        self._clock = clock
        self._every_loop = every_loop
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Peer, tuple[Link, int, int]] = {}
        self._dirty: set[Peer] = set()
        self._jobs: queue.SimpleQueue[tuple[Peer, Link] | None] = queue.SimpleQueue()
        self._done: deque[tuple[Peer, Link, OSError | None]] = deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._running = True
        self._connectors = [
            threading.Thread(target=self._connect_loop, name="muster-connect", daemon=True)
            for _ in range(connectors)
        ]
        for thread in self._connectors:
            thread.start()

    def add(self, peer: Peer) -> None:
        """Take a peer in."""
        with self.lock:
            self.peers.append(peer)
            peer.on_change = self._dirty.add
            self._dirty.add(peer)

    def wake(self) -> None:
        """Make the loop look at once at what another thread has changed."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def run(self) -> None:
        """Drive until `stop`."""
        next_tick = next_check = 0.0
        try:
            while self._running:
                events = self._selector.select(_POLL_S)
                with self.lock:
                    self._handle(events)
                    try:
                        self._every_loop()
                    except StoreError as error:
                        _log.error("%s", error)
                    now = self._clock.mono_s()
                    if now >= next_tick:
                        next_tick = now + TICK_S
                        for peer in self.peers:
                            self._guard(peer, peer.tick)
                    if now >= next_check:
                        next_check = now + _CONNECT_CHECK_S
                        self._connect_due()
                    self._watch_dirty()
        finally:
            self._shut()

    def stop(self) -> None:
        """End `run`; what is connected is cut."""
        self._running = False
        self.wake()

    def _handle(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        while self._done:
            peer, link, error = self._done.popleft()
            if peer.link is link:
                peer.connected(error)
        for key, mask in events:
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
                continue
            peer, link = key.data
            if peer.driven is link and mask & selectors.EVENT_READ:
                self._guard(peer, link.read)
            if peer.driven is link and mask & selectors.EVENT_WRITE:
                self._guard(peer, link.write)
            self._dirty.add(peer)

    @staticmethod
    def _guard(peer: Peer, action: Callable[[], None]) -> None:
        """Keep one peer's trouble from the others: its connection is dropped, then made again."""
        try:
            action()
        except Exception as error:
            # Also what paho raises on bytes that are no MQTT: a broker cannot end the loop.
            if not isinstance(error, OSError | ValueError | MusterError):
                _log.exception("%s: unexpected error", peer.core.device_id)
            peer.trouble(f"{type(error).__name__}: {error}")

    def _connect_due(self) -> None:
        for peer in self.peers:
            if peer.wants_connect():
                self._guard(peer, lambda peer=peer: self._connect(peer))  # type: ignore[misc]

    def _connect(self, peer: Peer) -> None:
        self._jobs.put((peer, peer.make_link()))

    def _connect_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            peer, link = job
            problem: OSError | None = None
            try:
                link.connect()
            except OSError as error:
                problem = error
            self._done.append((peer, link, problem))
            self.wake()

    def _watch_dirty(self) -> None:
        """Bring the selector in line with the sockets that there are now."""
        changed = []
        for peer in self._dirty:
            link = peer.driven
            wanted = None
            if link is not None and (descriptor := link.fileno()) >= 0:
                write = selectors.EVENT_WRITE if link.wants_write else 0
                wanted = (link, descriptor, selectors.EVENT_READ | write)
            if wanted != self._watched.get(peer):
                changed.append((peer, wanted))
        self._dirty.clear()
        # First all that goes: the number of a closed socket may be another's by now.
        for peer, _ in changed:
            have = self._watched.pop(peer, None)
            if have is not None:
                self._selector.unregister(have[1])
        for peer, wanted in changed:
            if wanted is not None:
                link, descriptor, mask = wanted
                self._selector.register(descriptor, mask, (peer, link))
                self._watched[peer] = wanted

    def _shut(self) -> None:
        for peer in self.peers:
            peer.cut()
        for _ in self._connectors:
            self._jobs.put(None)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
