"""One's own account: second factor, sign-ins that last, and what there was of tries."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.restrictions import SECOND_FACTOR
from muster_platform.access.second_factor import SecondFactorService
from muster_platform.access.sign_in_models import SignInSession, SignInTry
from muster_platform.access.sign_in_sessions import SessionService
from muster_platform.access.sign_ins import RECENT_MAX, SignInService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web import signing_in
from muster_platform.web.api.common import Input, Listed
from muster_platform.web.api.routing import Routes

routes = Routes("Account")


class SessionAnswer(msgspec.Struct, kw_only=True):
    """A sign-in that lasts. Times are ms since the epoch.

    Attributes:
        authenticated_at: when the password was last given.
        second_factor: whether a code was given.
        current: whether it is the one that asks.
    """

    id: str
    started_at: int
    used_at: int
    authenticated_at: int
    address: str
    user_agent: str
    second_factor: bool
    current: bool


class TryAnswer(msgspec.Struct, kw_only=True):
    """A sign-in, or tries that failed within a minute.

    Attributes:
        email: of the account; "" where none has what was typed.
        outcome: signed_in, wrong_password, wrong_code, disabled, unknown_account, asked_reset.
        tries: how many this line stands for.
    """

    at: int
    email: str
    address: str
    user_agent: str
    outcome: str
    second_factor: bool
    tries: int


class SecondFactorAnswer(msgspec.Struct, kw_only=True):
    """How an account stands.

    Attributes:
        since: when it was set up; null without one.
        required: whether a role asks for one.
    """

    since: int | None
    recovery_codes_left: int
    required: bool


class SecondFactorOffer(msgspec.Struct, kw_only=True):
    """What an authenticator app is given, once.

    Attributes:
        address: otpauth://, for a QR code.
    """

    secret: str
    address: str


class RecoveryCodes(msgspec.Struct, kw_only=True):
    """Codes that each work once instead of the app; shown now and never again."""

    recovery_codes: list[str]


class FirstCode(Input, kw_only=True):
    """A first code of the app."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class Ended(msgspec.Struct, kw_only=True):
    """How many sign-ins were ended."""

    ended: int


class TriesQuery(Input, kw_only=True):
    """How many, newest first."""

    limit: Annotated[int, Meta(ge=1, le=RECENT_MAX)] = 50


@routes.add("GET", "/me/sessions")
def list_own_sessions(unit: Unit) -> Listed[SessionAnswer]:
    """List one's sign-ins that hold, the last used first."""
    return sessions(unit, unit.actor.id)


@routes.add("DELETE", "/me/sessions/{session_id}")
def end_own_session(unit: Unit, session_id: str) -> None:
    """End one of one's sign-ins, at once."""
    SessionService(unit).end(unit.actor.id, session_id)


@routes.add("POST", "/me/sessions/end-others")
def end_other_sessions(unit: Unit) -> Ended:
    """End all of one's sign-ins but this one."""
    return Ended(ended=SessionService(unit).end_others(unit.actor.id))


@routes.add("GET", "/me/sign-ins")
def list_own_sign_ins(unit: Unit, query: TriesQuery) -> Listed[TryAnswer]:
    """List the last sign-ins to one's account, failed ones too."""
    return tries(SignInService(unit).recent(query.limit, unit.actor.id))


@routes.add("GET", "/me/second-factor", open_to=(SECOND_FACTOR,))
def get_own_second_factor(unit: Unit) -> SecondFactorAnswer:
    """Say whether there is a second factor, and whether one is asked for."""
    return second_factor(unit, None)


@routes.add(
    "POST",
    "/me/second-factor",
    errors=(Conflict,),
    fresh=True,
    open_to=(SECOND_FACTOR,),
)
def begin_second_factor(unit: Unit) -> SecondFactorOffer:
    """Begin to set one up; it counts once a code of the app confirmed it."""
    offer = SecondFactorService(unit).begin()
    return SecondFactorOffer(secret=offer.secret, address=offer.address)


@routes.add(
    "POST",
    "/me/second-factor/confirm",
    errors=(Conflict,),
    open_to=(SECOND_FACTOR,),
)
def confirm_second_factor(unit: Unit, body: FirstCode) -> RecoveryCodes:
    """Set it up by a first code of the app; exchange the refresh token afterwards."""
    with signing_in.counted_code(unit.actor.id):
        return RecoveryCodes(recovery_codes=SecondFactorService(unit).confirm(body.code))


@routes.add("DELETE", "/me/second-factor", errors=(Conflict,), fresh=True)
def remove_second_factor(unit: Unit) -> None:
    """Take one's own second factor away; exchange the refresh token afterwards."""
    SecondFactorService(unit).remove()


@routes.add("POST", "/me/recovery-codes", errors=(Conflict,), fresh=True)
def renew_recovery_codes(unit: Unit) -> RecoveryCodes:
    """Make new recovery codes; the old ones end."""
    return RecoveryCodes(recovery_codes=SecondFactorService(unit).renew_recovery_codes())


def sessions(unit: Unit, user_id: str) -> Listed[SessionAnswer]:
    """Show the sign-ins of a user that hold."""
    rows = SessionService(unit).list(user_id)
    return Listed(items=[SessionAnswer(**_session(row, unit.actor.session)) for row in rows])


def tries(rows: list[SignInTry]) -> Listed[TryAnswer]:
    """Show tries to sign in."""
    names = TryAnswer.__struct_fields__
    return Listed(items=[TryAnswer(**{name: getattr(row, name) for name in names}) for row in rows])


def second_factor(unit: Unit, user_id: str | None) -> SecondFactorAnswer:
    """Show how a user stands."""
    standing = SecondFactorService(unit).standing(user_id)
    return SecondFactorAnswer(
        since=standing.since,
        recovery_codes_left=standing.recovery_codes_left,
        required=standing.required,
    )


def _session(row: SignInSession, present: str) -> dict[str, Any]:
    return {
        "id": row.family,
        "started_at": row.started_at,
        "used_at": row.used_at,
        "authenticated_at": row.authenticated_at,
        "address": row.address,
        "user_agent": row.user_agent,
        "second_factor": row.second_factor,
        "current": row.family == present,
    }
