"""API tokens at the door: read from the database on every request, so that all changes bite.

A token has no session: it is good for the API only, never for pages or live streams.
"""

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.token_auth import (
    USED_EVERY_MS,
    actor_of_token,
    by_text,
    is_api_token,
    note_use,
)
from muster_platform.access.token_models import ApiToken
from muster_platform.bootstrap import Platform
from muster_platform.web.sessions import Claims

KIND = "token"


def signed_in(
    platform: Platform, text: str, address: str, request_id: str = ""
) -> tuple[Claims, Actor] | None:
    """Give whom an API token speaks for; None where the text is no API token at all.

    Returns:
        Claims as a session would have them (limits are counted by `family`), and the actor.

    Raises:
        NotAuthenticated: unknown, revoked or expired, or its owner is disabled.
    """
    if not is_api_token(text):
        return None
    with platform.unit(system_actor("web"), write=False) as unit:
        token = by_text(unit.session, text)
        actor = actor_of_token(unit.session, token, unit.now(), request_id)
        stale = token.last_used_at is None or unit.now() - token.last_used_at >= USED_EVERY_MS
    if stale:
        with platform.unit(system_actor("web")) as unit:
            note_use(unit, token.id, address)
    return _claims(token, actor), actor


def _claims(token: ApiToken, actor: Actor) -> Claims:
    return Claims(
        sub=token.user_id,
        type=KIND,
        jti=token.id,
        exp=token.expires_at // 1000,
        epoch=actor.epoch,
        family=token.id,
    )
