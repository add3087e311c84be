"""The ASGI application: one WebSocket address, one health address."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.restrictions import Restricted
from muster_platform.bootstrap import Platform
from muster_platform.errors import InvalidInput, MusterError, NotAuthenticated
from muster_platform.live import identity, rules
from muster_platform.live.connection import TAIL, Connection
from muster_platform.live.feed import Feed
from muster_platform.live.hub import SIGNED_OUT, TRY_AGAIN, Hub
from muster_platform.logs.tail import Tail, open_tail
from muster_platform.outbox import EpochChanged, SessionEnded
from muster_platform.parts.beating import Beating
from muster_platform.parts.service import Beat
from muster_platform.web.sessions import Sessions

PATH = "/live"
COOKIE = "access_token_cookie"
FORBIDDEN = 4403
BAD_MESSAGE = 4400
RECHECK_S = 10.0
CLOSE_LIMIT_S = 5.0
MESSAGE_CHARS = 16_384
REASON_CHARS = 100
"""Of a close reason: with its code it must fit 125 bytes (RFC 6455, section 5.5)."""
CONNECTIONS = 5_000

log = logging.getLogger(__name__)


class LiveServer:
    """What the requests of one process share."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.hub = Hub()
        self.feed = Feed(platform.settings.redis_url, self.hub)
        self.sessions = Sessions(platform)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Run the feed and the re-check of rights while the server runs."""
        tasks = [asyncio.create_task(self.feed.run()), asyncio.create_task(self._recheck())]
        beating = Beating(self.platform.units, self._beats)
        beating.start()
        try:
            yield
        finally:
            beating.stop()
            await asyncio.to_thread(beating.join, 1.0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.platform.close()

    def _beats(self) -> list[Beat]:
        count = len(self.hub.connections)
        heard = "ok" if self.feed.is_up else "warn"
        detail = f"{count} browsers listen" if self.feed.is_up else "Redis is away: browsers poll"
        return [Beat(name="live", state=heard, detail=detail, figures={"browsers": count})]

    async def health(self, _request: Request) -> Response:
        """Say that the process answers, and how many listen."""
        return JSONResponse({"feed": self.feed.is_up, "connections": len(self.hub.connections)})

    async def serve(self, socket: WebSocket) -> None:
        """Serve one browser from handshake to end."""
        if not identity.allowed_origin(
            socket.headers.get("origin"), socket.headers.get("host", ""), self.platform.settings
        ):
            await socket.close(FORBIDDEN, "this page may not listen here")
            return
        await socket.accept()
        actor = await self._actor(socket)
        if actor is None:
            await socket.close(SIGNED_OUT, "sign in again")
        elif not self.feed.is_up or len(self.hub.connections) >= CONNECTIONS:
            await socket.close(TRY_AGAIN, "changes cannot be pushed now")
        else:
            await self._converse(socket, Connection(socket, actor))

    async def _actor(self, socket: WebSocket) -> Actor | None:
        token = socket.cookies.get(COOKIE, "")
        try:
            return await asyncio.to_thread(self.sessions.actor, token)
        except (NotAuthenticated, Restricted):
            return None

    async def _converse(self, socket: WebSocket, connection: Connection) -> None:
        self.hub.add(connection)
        tasks = [
            asyncio.create_task(part)
            for part in (
                connection.write(),
                self._read(socket, connection),
                connection.closed(),
            )
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.remove(connection)
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                self._note(result)
        # Only now: granian sends no close while a receive is pending.
        if connection.closing is not None:
            with contextlib.suppress(RuntimeError, OSError, TimeoutError):
                await asyncio.wait_for(socket.close(*connection.closing), CLOSE_LIMIT_S)

    def _note(self, result: Any) -> None:
        usual = (asyncio.CancelledError, WebSocketDisconnect, TimeoutError, RuntimeError, OSError)
        if isinstance(result, BaseException) and not isinstance(result, usual):
            log.error("a connection failed", exc_info=result)

    async def _read(self, socket: WebSocket, connection: Connection) -> None:
        while True:
            text = await socket.receive_text()
            try:
                await self._take(connection, read_message(text))
            except InvalidInput as error:
                connection.close(BAD_MESSAGE, error.detail[:REASON_CHARS])

    async def _take(self, connection: Connection, message: dict[str, Any]) -> None:
        if message.get("op") == "tail":
            await self._follow(connection, message.get("filter"))
        if message.get("op") != "subscribe":
            return
        topics = message.get("topics")
        if not isinstance(topics, list):
            raise InvalidInput("`topics` must be a list of topics", where="topics")
        for wanted in map(rules.parse, topics):
            if len(connection.wanted) >= rules.TOPICS_PER_CONNECTION:
                raise InvalidInput("too many topics in one connection", where="topics")
            await self._subscribe(connection, wanted)
        connection.tell(type="subscribed")

    async def _subscribe(self, connection: Connection, wanted: rules.Wanted) -> None:
        try:
            await asyncio.to_thread(self._check, connection.actor, wanted)
        except MusterError as error:
            connection.tell(type="denied", topic=str(wanted), reason=error.detail)
        else:
            self.hub.subscribe(connection, wanted)

    async def _follow(self, connection: Connection, wanted: object) -> None:
        if wanted is not None and not isinstance(wanted, dict):
            raise InvalidInput("`filter` must be an object, or null to follow no more")
        try:
            tail = await asyncio.to_thread(self._open_tail, connection.actor, wanted)
        except MusterError as error:
            self.hub.follow(connection, None)
            connection.tell(type="denied", topic=TAIL, reason=error.detail)
        else:
            self.hub.follow(connection, tail)
            connection.tell(type="subscribed")

    def _open_tail(self, actor: Actor, wanted: dict[str, Any] | None) -> Tail | None:
        if wanted is None:
            return None
        with self.platform.unit(actor, write=False) as unit:
            return open_tail(unit, wanted)

    def _check(self, actor: Actor, wanted: rules.Wanted) -> None:
        with self.platform.unit(actor, write=False) as unit:
            identity.check(unit, wanted)

    async def _recheck(self) -> None:
        """Look at everybody's rights in turn, in case a signal was lost."""
        system = system_actor("live")
        while True:
            await asyncio.sleep(RECHECK_S)
            actors = [connection.actor for connection in self.hub.connections]
            users = {actor.id for actor in actors}
            if not users:
                continue
            try:
                epochs = await asyncio.to_thread(
                    identity.current_epochs, self.platform, system, users
                )
                families = {actor.session for actor in actors}
                ended = await asyncio.to_thread(
                    identity.ended_sessions, self.platform, system, families
                )
            except Exception as error:
                log.warning("rights could not be checked again: %s", error)
                continue
            for user_id in users:
                self.hub.rights_changed(EpochChanged(user_id, epochs.get(user_id, -1)))
            for family in ended:
                self.hub.session_ended(SessionEnded("", family))


def read_message(text: str) -> dict[str, Any]:
    """Read what a browser says.

    Raises:
        InvalidInput: too long, or not one JSON object.
    """
    if len(text) > MESSAGE_CHARS:
        raise InvalidInput(f"a message may have at most {MESSAGE_CHARS} characters")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidInput("a message must be one JSON object") from error


def create_app(platform: Platform) -> Starlette:
    """Make the ASGI application of a platform."""
    server = LiveServer(platform)
    app = Starlette(
        routes=[
            WebSocketRoute(PATH, server.serve),
            Route("/health/live", server.health),
        ],
        lifespan=server.lifespan,
    )
    app.state.server = server
    return app
