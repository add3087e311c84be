"""Whom an API token speaks for: found by its hash, never more than its owner at this moment."""

import hashlib
import re
import secrets
import string
from dataclasses import replace

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.auth import actor_of
from muster_platform.access.granting import intersect
from muster_platform.access.roles import permissions_of, recognised
from muster_platform.access.token_models import ApiToken
from muster_platform.db.text import clean
from muster_platform.errors import NotAuthenticated
from muster_platform.unit import Unit

MARK = "mst_"
"""What every token begins with; scanners find it by `mst_[a-z0-9]{8}_[A-Za-z0-9]{43}`."""
PREFIX_CHARS = 8
SECRET_CHARS = 43
"""Random letters and digits: 256 bits."""
USED_EVERY_MS = 60_000
ADDRESS_CHARS = 64

_TEXT = re.compile(rf"{MARK}[a-z0-9]{{{PREFIX_CHARS}}}_[A-Za-z0-9]{{{SECRET_CHARS}}}")
_SMALL = string.ascii_lowercase + string.digits
_ALL = string.ascii_letters + string.digits


def new_text() -> tuple[str, str]:
    """Make a token's text: (prefix, text) with 256 random bits."""
    prefix = "".join(secrets.choice(_SMALL) for _ in range(PREFIX_CHARS))
    secret = "".join(secrets.choice(_ALL) for _ in range(SECRET_CHARS))
    return prefix, f"{MARK}{prefix}_{secret}"


def is_api_token(text: str) -> bool:
    """Say whether a bearer token claims to be one of these."""
    return text.startswith(MARK)


def hashed(text: str) -> str:
    """Give the hash by which a token is found."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def by_text(session: Session, text: str) -> ApiToken:
    """Find a token by its text.

    Raises:
        NotAuthenticated: no such token.
    """
    token = None
    if _TEXT.fullmatch(text):
        token = session.scalar(select(ApiToken).where(ApiToken.hash == hashed(text)))
    if token is None:
        raise NotAuthenticated("there is no such API token", code="token_unknown")
    return token


def actor_of_token(session: Session, token: ApiToken, now: int, request_id: str = "") -> Actor:
    """Build the actor that a token signs in.

    Raises:
        NotAuthenticated: revoked, expired, or its owner is disabled.
    """
    if token.revoked_at is None and token.expires_at <= now:
        raise NotAuthenticated("this API token has expired; make another one", code="token_expired")
    return rights_of_token(session, token, request_id)


def rights_of_token(session: Session, token: ApiToken, request_id: str = "") -> Actor:
    """Build the actor of a token: what its scopes and its owner both allow at this moment.

    An expired token signs nobody in, but what it began (a job) goes on until it is revoked.

    Raises:
        NotAuthenticated: revoked, or its owner is disabled.
    """
    if token.revoked_at is not None:
        raise NotAuthenticated("this API token was revoked; make another one", code="token_revoked")
    owner = actor_of(session, token.user_id)
    name = f"{token.name} (token of {owner.name})"
    grants = intersect(grants_of(token), owner.grants)
    return replace(
        owner, kind="token", id=token.id, name=name, grants=grants, request_id=request_id
    )


def grants_of(token: ApiToken) -> tuple[Grant, ...]:
    """Give what a token's scopes say, whatever its owner may."""
    return tuple(
        Grant(
            permissions_of(binding.role)
            if binding.role is not None
            else recognised(binding.permissions or ()),
            binding.group.path if binding.group is not None else None,
        )
        for binding in token.bindings
    )


def note_use(unit: Unit, token_id: str, address: str) -> None:
    """Note when and from where a token was used, at most once a minute."""
    now = unit.now()
    unit.session.execute(
        update(ApiToken)
        .where(
            ApiToken.id == token_id,
            or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - USED_EVERY_MS),
        )
        .values(last_used_at=now, last_used_address=clean(address)[:ADDRESS_CHARS])
    )
