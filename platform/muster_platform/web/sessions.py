"""Who a token speaks for, at this moment. Flask-free: the live process asks here too.

Every request compares two numbers that the token carries with what is true now: the user's epoch
(goes up with every change of rights) and whether the sign-in (`family`) was ended. Both are kept
in Redis for a moment; the database is behind it and is the truth.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any, cast

import jwt
import msgspec
import redis
from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.actor import system_actor as system
from muster_platform.access.auth import actor_of
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.restrictions import Restricted
from muster_platform.adapters.redis_signals import EPOCH_KEY, FAMILY_ENDED, FAMILY_KEY, FAMILY_LIVE
from muster_platform.bootstrap import Platform
from muster_platform.errors import NotAuthenticated

ALGORITHM = "HS256"
ACCESS = "access"
REFRESH = "refresh"

BELIEVED_S = 10
"""How long what was read from the database is believed. A change writes the new value over it,
so this is only the wait where Redis was away at the moment of the change."""

TOKENS_KEPT = 4_096
ACTORS_KEPT = 1_024
ACTOR_BELIEVED_MS = 10_000

AGAIN = "sign in again"


class Claims(msgspec.Struct, kw_only=True, frozen=True):
    """What a token of ours says.

    Attributes:
        sub: user id.
        epoch: the user's epoch when it was issued.
        family: the sign-in it comes from.
        exp: seconds since the epoch, UTC.
        csrf: what a form or header must repeat when the token comes in a cookie.
        auth_time: when the person last gave the password (and code), seconds since the epoch.
    """

    sub: str
    type: str
    jti: str
    exp: int
    epoch: int
    family: str
    csrf: str = ""
    auth_time: int = 0


class Kept:
    """A small thread-safe cache that forgets what was not used for longest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """Give what was kept, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Keep a value."""
        with self._lock:
            self._items[key] = value
            self._items.move_to_end(key)
            while len(self._items) > self._size:
                self._items.popitem(last=False)


class Sessions:
    """Reads tokens and turns them into actors."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tokens = Kept(TOKENS_KEPT)
        self._actors = Kept(ACTORS_KEPT)

    def actor(self, token: str, request_id: str = "") -> Actor:
        """Give the actor whom an access token speaks for.

        Raises:
            NotAuthenticated: forged, expired, of another kind, its sign-in ended, its user's
                rights changed since, or the user is disabled.
            Restricted: there is something the person must do first.
        """
        actor = self.actor_for(self.claims(token), request_id)
        if actor.restriction:
            raise Restricted(actor.restriction)
        return actor

    def claims(self, token: str, kind: str = ACCESS, *, allow_expired: bool = False) -> Claims:
        """Verify a token's signature, kind and time.

        The signature is checked once per token: what was verified stays verified.

        Raises:
            NotAuthenticated: saying which of them is wrong.
        """
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        claims = cast("Claims | None", self._tokens.get(key))
        if claims is None:
            claims = self._decode(token)
            self._tokens.put(key, claims)
        if claims.type != kind:
            raise NotAuthenticated(f"this is no {kind} token; {AGAIN}")
        if not allow_expired and claims.exp * 1000 <= self._platform.clock.now_ms():
            raise NotAuthenticated(
                "the token has expired; exchange the refresh token for a new one",
                code="token_expired",
            )
        return claims

    def actor_for(self, claims: Claims, request_id: str = "") -> Actor:
        """Give the actor of claims already verified.

        Raises:
            NotAuthenticated: the sign-in was ended, the rights changed, or the user is disabled.
        """
        epoch, live = self._present(claims)
        if not live:
            raise NotAuthenticated(f"this session was ended; {AGAIN}", code="session_ended")
        if epoch != claims.epoch:
            raise NotAuthenticated(
                "your rights or password changed; exchange the refresh token, or sign in again",
                code="rights_changed",
            )
        return replace(self._actor(claims), request_id=request_id, session=claims.family)

    def _decode(self, token: str) -> Claims:
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        try:
            plain = jwt.decode(
                token, self._platform.settings.jwt_secret, algorithms=[ALGORITHM], options=options
            )
            return msgspec.convert(plain, Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError) as error:
            raise NotAuthenticated(f"not a token of this installation; {AGAIN}") from error

    def _present(self, claims: Claims) -> tuple[int | None, bool]:
        """Give the user's epoch and whether the sign-in still holds: Redis, then database."""
        found = self._from_redis(claims)
        return found if found is not None else self._from_database(claims)

    def _from_redis(self, claims: Claims) -> tuple[int, bool] | None:
        client = self._platform.redis
        if client is None:
            return None
        try:
            values = cast(
                "list[bytes | None]",
                client.mget(EPOCH_KEY + claims.sub, FAMILY_KEY + claims.family),
            )
            epoch, live = values
            return None if epoch is None or live is None else (int(epoch), live == FAMILY_LIVE)
        except (redis.RedisError, ValueError):
            return None

    def _from_database(self, claims: Claims) -> tuple[int | None, bool]:
        with self._platform.unit(system("web"), write=False) as unit:
            epoch = unit.session.scalar(select(User.epoch).where(User.id == claims.sub))
            revoked = unit.session.scalar(
                select(RefreshToken.jti)
                .where(RefreshToken.family == claims.family, RefreshToken.revoked_at.is_not(None))
                .limit(1)
            )
        if epoch is not None:
            self._remember(claims, epoch, revoked is None)
        return epoch, revoked is None

    def _remember(self, claims: Claims, epoch: int, live: bool) -> None:
        client = self._platform.redis
        if client is None:
            return
        try:
            # Only where nothing stands yet: a change that was committed meanwhile wins.
            pipeline = client.pipeline(transaction=False)
            pipeline.set(EPOCH_KEY + claims.sub, epoch, ex=BELIEVED_S, nx=True)
            pipeline.set(
                FAMILY_KEY + claims.family,
                FAMILY_LIVE if live else FAMILY_ENDED,
                ex=BELIEVED_S,
                nx=True,
            )
            pipeline.execute()
        except redis.RedisError:
            return

    def _actor(self, claims: Claims) -> Actor:
        """Build the actor with its grants, or take the one built a moment ago."""
        now = self._platform.clock.now_ms()
        key = (claims.sub, claims.epoch)
        kept = self._actors.get(key)
        if kept is not None and now - kept[1] < ACTOR_BELIEVED_MS:
            return cast("Actor", kept[0])
        with self._platform.unit(system("web"), write=False) as unit:
            actor = actor_of(unit.session, claims.sub)
        if actor.epoch != claims.epoch:
            raise NotAuthenticated(f"your rights changed; {AGAIN}", code="rights_changed")
        self._actors.put(key, (actor, now))
        return actor
