"""amqtt's broker with everything that a stranger on the network could reach replaced by ours."""

import asyncio
from typing import Any

import msgspec
from amqtt.broker import Broker, Server
from amqtt.contexts import BrokerConfig
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from muster_broker.accounts.contract import DisconnectOrder
from muster_broker.embedded import door, wire
from muster_broker.embedded.errors import Malformed, Refused
from muster_broker.embedded.gate import Decision, Gate
from muster_broker.embedded.handler import ConnectionHandler, Route
from muster_broker.embedded.links import (
    ChunkReader,
    Outlet,
    TcpReader,
    TcpWriter,
    WsReader,
    WsWriter,
)
from muster_broker.embedded.listeners import Listeners
from muster_broker.embedded.logs import LOGGER, Throttle
from muster_broker.embedded.options import BrokerOptions
from muster_broker.embedded.retained import RetainedStore
from muster_broker.embedded.session import DeviceSession, Message
from muster_broker.embedded.stats import Stats
from muster_broker.embedded.trie import FilterError, Subscriptions, check_filter
from muster_protocol import acl
from muster_protocol.ids import is_platform_client
from muster_protocol.topics import DISCONNECT_TOPIC

_ORDER = msgspec.json.Decoder(DisconnectOrder)


class MusterBroker(Broker):
    """Lets clients in, keeps their sessions, and moves messages between them.

    Attributes:
        online: connection by client id; devices_online counts those of devices.
        known: session by client id, connected or not.
        pending: connections that have not been let in yet.
        store: retained messages.
        stats: counters.
    """

    def __init__(
        self, options: BrokerOptions, gate: Gate, listeners: Listeners, stats: Stats
    ) -> None:
        super().__init__(BrokerConfig(plugins={}))
        self.options = options
        self.stats = stats
        self.online: dict[str, ConnectionHandler] = {}
        self.known: dict[str, DeviceSession] = {}
        self.devices_online = 0
        self.pending = 0
        self._silent: dict[Any, None] = {}
        self.subscriptions_by_topic: Subscriptions[DeviceSession] = Subscriptions()
        self.store = RetainedStore(
            options.retained_messages, options.retained_bytes, options.retained_per_device
        )
        self._gate = gate
        self._listeners = listeners
        self._throttle = Throttle()

    # -- amqtt's life cycle ---------------------------------------------------

    async def _start_listeners(self) -> None:
        for name, server in await self._listeners.open(self.stream_connected, self.ws_connected):
            self._servers[name] = Server(name, server)

    async def _broadcast_loop(self) -> None:
        """Do nothing until the shutdown: messages are moved where they arrive."""
        await self._broadcast_shutdown_waiter

    async def _session_monitor(self) -> None:
        """Drop persistent sessions that nobody came back to."""
        while True:
            await asyncio.sleep(min(60.0, self.options.session_expiry_s))
            oldest = self._loop.time() - self.options.session_expiry_s
            for session in list(self.known.values()):
                if session.left_at is not None and session.left_at < oldest:
                    self.forget_session(session)

    async def shutdown(self) -> None:
        """Close all connections, without wills: it is the broker that goes, not the devices."""
        for server in self._servers.values():
            server.instance.close()
        for handler in list(self.online.values()):
            handler.end("shutdown", with_will=False)
        await super().shutdown()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve a TCP connection."""
        await self._client_connected(
            listener_name, TcpReader(reader), TcpWriter(writer, self.options.congested_bytes)
        )

    async def ws_connected(self, websocket: Any, listener_name: str) -> None:
        """Serve a WebSocket connection."""
        writer = WsWriter(websocket, self.options.congested_bytes)
        await self._client_connected(listener_name, WsReader(websocket), writer)
        await writer.finished()

    # -- letting in -----------------------------------------------------------

    async def _client_connected(
        self,
        listener_name: str,  # noqa: ARG002
        reader: Any,
        writer: Any,
    ) -> None:
        self._make_room_at_the_door()
        self.pending += 1
        admitted = None
        try:
            admitted = await self._let_in(reader, writer)
        except Malformed as error:
            self.count_refusal("malformed", None, f"{_peer(writer)}: {error}")
        except TimeoutError:
            self.count_refusal("connect_timeout", None, f"{_peer(writer)} sent no CONNECT")
        except Exception:
            LOGGER.exception("internal error at the door")
        finally:
            self.pending -= 1
        if admitted is None:
            writer.shut()
            return
        handler, rest = admitted
        await handler.run(rest)

    def _make_room_at_the_door(self) -> None:
        """Cut the connection that has been silent for longest, when too many are.

        So a flood of silent ones shortens their own time and keeps nobody out.
        """
        while len(self._silent) >= self.options.max_pending:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            self.count_refusal("too_many_pending", None, f"{_peer(oldest)} made room")
            oldest.abort()

    async def _let_in(
        self, reader: ChunkReader, writer: Outlet
    ) -> tuple[ConnectionHandler, bytes] | None:
        self._silent[writer] = None
        try:
            async with asyncio.timeout(self.options.connect_timeout_s):
                opening = await door.read_opening(reader, self.options.max_packet_bytes)
        finally:
            self._silent.pop(writer, None)
        if opening is None:
            return None
        request, rest = opening
        if isinstance(request, wire.OtherProtocol):
            detail = f"{_peer(writer)} speaks {request.name} level {request.level}, not MQTT 3.1.1"
            self.count_refusal("protocol_version", None, detail)
            writer.write(request.answer)
            return None
        decision = await self._decide(request)
        if decision.code:
            detail = f"{_peer(writer)} {decision.detail}".rstrip()
            self.count_refusal(decision.reason, request.client_id, detail)
            writer.write(wire.connack(decision.code))
            return None
        return self._admit(request, reader, writer), rest

    async def _decide(self, request: wire.Connect) -> Decision:
        """Decide about a CONNECT before any stored session or will is touched."""
        refusal = door.check_identity(request)
        if refusal is not None:
            return refusal
        decision = await self._gate.decide(request.client_id, request.password or "")
        if decision.code:
            return decision
        return (
            door.check_will(request, self.options.max_topic_bytes)
            or self._check_room(request.client_id)
            or decision
        )

    def _check_room(self, client_id: str) -> Decision | None:
        if client_id in self.online or is_platform_client(client_id):
            return None
        if self.devices_online >= self.options.max_connections:
            return Decision(wire.UNAVAILABLE, "too_many_connections")
        if client_id not in self.known and len(self.known) >= self.options.max_sessions:
            return Decision(wire.UNAVAILABLE, "too_many_sessions")
        return None

    def _admit(
        self, request: wire.Connect, reader: ChunkReader, writer: Outlet
    ) -> ConnectionHandler:
        client_id = request.client_id
        before = self.online.get(client_id)
        if before is not None:
            before.end("taken_over")
        session = self.known.get(client_id)
        if session is not None and (request.clean_session or session.clean_session):
            self.forget_session(session)
            session = None
        resumed = session is not None
        if session is None:
            limits = self.options.queue_for(client_id)
            session = DeviceSession(client_id, request.clean_session, limits, self.stats)
            self.known[client_id] = session
        handler = ConnectionHandler(self, session, reader, writer, request)
        self.online[client_id] = handler
        self.devices_online += not is_platform_client(client_id)
        self.stats.connects += 1
        handler.send(wire.connack(wire.ACCEPTED, resumed))
        LOGGER.info("connected %s from %s resumed=%s", client_id, _peer(writer), resumed)
        return handler

    def left(self, handler: ConnectionHandler, *, with_will: bool) -> None:
        """Take note that a connection has ended."""
        session = handler.client
        LOGGER.info("gone %s: %s", session.client_id, handler.ended)
        if self.online.get(session.client_id) is handler:
            del self.online[session.client_id]
            self.devices_online -= not is_platform_client(session.client_id)
        session.leave(self._loop.time())
        if session.clean_session:
            self.forget_session(session)
        if with_will and handler.will is not None:
            topic, payload, qos, retain = handler.will
            field = wire.topic_field(topic)
            route = Route(topic, field, acl.may_retain(topic))
            self.publish(session, route, Message(topic, field, payload, qos), retain)

    def forget_session(self, session: DeviceSession) -> None:
        """Drop a session with its subscriptions and queues."""
        if self.known.get(session.client_id) is session:
            del self.known[session.client_id]
        for topic_filter in session.filters:
            self.subscriptions_by_topic.remove(topic_filter, session)
        session.filters.clear()
        session.clear_queues()

    def count_refusal(self, reason: str, client_id: str | None, detail: str) -> None:
        """Count a refusal and log it, unless there are very many."""
        self.stats.refused[reason] += 1
        held_back = self._throttle.allow(reason)
        if held_back is not None:
            more = f" ({held_back} more like it before)" if held_back else ""
            LOGGER.warning("refused %s client=%r %s%s", reason, client_id, detail, more)

    # -- moving messages ------------------------------------------------------

    def find_route(self, client_id: str, topic: str, field: bytes) -> Route:
        """Check a topic that a client publishes to.

        Raises:
            Malformed: a PUBLISH may not carry it.
            Refused: the client may not publish there.
        """
        if not door.is_topic(topic, self.options.max_topic_bytes):
            raise Malformed("a PUBLISH has no topic, a wildcard in it, or a topic too long")
        if not acl.may_publish(client_id, topic):
            raise Refused("foreign_publish", f"may not publish to {topic!r}")
        return Route(topic, field, acl.may_retain(topic))

    def publish(self, source: DeviceSession, route: Route, message: Message, retain: bool) -> None:
        """Hand a message to all who subscribed, and keep it where the channel table says so."""
        self.stats.messages_in += 1
        if route.topic.startswith("$"):
            self._obey(source, message)
            return
        if retain and route.keep:
            trusted = is_platform_client(source.client_id)
            self._keep(message, 2**30 if trusted else self.options.retained_device_bytes)
        version = self.subscriptions_by_topic.version
        if route.version != version:
            route.targets = list(self.subscriptions_by_topic.match(route.topic).items())
            route.version = version
        for session, granted_qos in route.targets:
            session.offer(message, granted_qos)

    def _keep(self, message: Message, most_bytes: int = 2**30) -> None:
        if len(message.payload) > most_bytes:  # no few devices may fill the store for all
            self.stats.dropped["retained_large"] += 1
        elif not self.store.put(message.topic, message.payload, message.qos):
            self.stats.dropped["retained_full"] += 1

    def _obey(self, source: DeviceSession, message: Message) -> None:
        """Do what a client of the platform says on a control topic; nobody hears it."""
        if message.topic != DISCONNECT_TOPIC:
            LOGGER.warning("%s published to %r: ignored", source.client_id, message.topic)
            return
        try:
            order = _ORDER.decode(message.payload)
        except msgspec.DecodeError as error:
            LOGGER.warning("%s sent a bad order on %s: %s", source.client_id, message.topic, error)
            return
        self.kick(order.device_id, forget=order.forget)

    def kick(self, device_id: str, *, forget: bool) -> None:
        """Disconnect a device and forget its credentials.

        Args:
            forget: also drop its session and its retained messages, and publish no will.
        """
        self._gate.purge(device_id)
        LOGGER.info("kicked %r forget=%s", device_id, forget)
        handler = self.online.get(device_id)
        if handler is not None:
            handler.end("kicked", with_will=not forget)
        if forget:
            session = self.known.get(device_id)
            if session is not None:
                self.forget_session(session)
            self.store.forget_device(device_id)

    def subscribe(self, session: DeviceSession, topic_filter: str, qos: int) -> int:
        """Subscribe a session.

        Returns:
            The granted QoS, or wire.FAILURE.
        """
        limits = self.options.queue_for(session.client_id)
        try:
            check_filter(topic_filter, self.options.max_topic_bytes)
        except FilterError as error:
            self.count_refusal("bad_filter", session.client_id, str(error))
            return wire.FAILURE
        if not acl.may_subscribe(session.client_id, topic_filter):
            self.count_refusal("foreign_subscribe", session.client_id, repr(topic_filter))
            return wire.FAILURE
        if topic_filter not in session.filters and len(session.filters) >= limits.subscriptions:
            self.count_refusal("too_many_subscriptions", session.client_id, repr(topic_filter))
            return wire.FAILURE
        session.filters[topic_filter] = qos
        self.subscriptions_by_topic.add(topic_filter, session, qos)
        return qos

    def replay_retained(self, session: DeviceSession, topic_filter: str, qos: int) -> None:
        """Line up the retained messages of a filter that was just subscribed."""
        for kept in self.store.match(topic_filter):
            if acl.may_receive(session.client_id, kept.topic):
                field = wire.topic_field(kept.topic)
                session.replay(Message(kept.topic, field, kept.payload, kept.qos), qos)

    def unsubscribe(self, session: DeviceSession, topic_filter: str) -> None:
        """Unsubscribe a session; nothing happens where it had not subscribed."""
        if session.filters.pop(topic_filter, None) is not None:
            self.subscriptions_by_topic.remove(topic_filter, session)

    def announce(self, topic: str, payload: bytes) -> None:
        """Publish a retained message of the broker's own."""
        field = wire.topic_field(topic)
        message = Message(topic, field, payload, 0)
        self._keep(message)
        for session, qos in self.subscriptions_by_topic.match(topic).items():
            session.offer(message, qos)

    # -- amqtt's interface for what it calls itself ---------------------------

    @property
    def sessions(self) -> dict[str, tuple[Session, BrokerProtocolHandler]]:
        """Sessions that are connected, as amqtt has them."""
        return {name: (handler.client, handler) for name, handler in self.online.items()}

    async def _broadcast_message(
        self,
        session: Session | None,  # noqa: ARG002
        topic: str | None,
        data: bytes | bytearray | None,
        force_qos: int | None = None,
    ) -> None:
        if topic and data is not None:
            message = Message(topic, wire.topic_field(topic), bytes(data), force_qos or 0)
            for target, qos in self.subscriptions_by_topic.match(topic).items():
                target.offer(message, qos)

    async def retain_message(
        self,
        source_session: Session | None,  # noqa: ARG002
        topic_name: str | None,
        data: bytes | bytearray | None,
        qos: int | None = None,
    ) -> None:
        """Keep a message of the broker's own."""
        if topic_name:
            self.store.put(topic_name, bytes(data or b""), qos or 0)


def _peer(writer: Any) -> str:
    peer = writer.get_peer_info()
    return f"{peer[0]}:{peer[1]}" if peer else "an unknown address"
