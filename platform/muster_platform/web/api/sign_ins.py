"""Invitations, and what an administrator sees of people's sign-ins."""

from typing import Annotated

from msgspec import Meta

from muster_platform.access.invitations import InvitationService
from muster_platform.access.permissions import Permission
from muster_platform.access.second_factor import SecondFactorService
from muster_platform.access.sign_in_sessions import SessionService
from muster_platform.access.sign_ins import SignInService
from muster_platform.access.users import UserService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.account import (
    Ended,
    SecondFactorAnswer,
    SessionAnswer,
    TriesQuery,
    TryAnswer,
    second_factor,
    sessions,
    tries,
)
from muster_platform.web.api.common import Input, Key, Listed, Name, Reason
from muster_platform.web.api.routing import Routes
from muster_platform.web.api.users import UserAnswer, user_answer

routes = Routes("Sign-ins of people")


class NewInvitation(Input, kw_only=True):
    """Whom to invite; a role may be given at once, on a group or everywhere (null)."""

    email: Annotated[str, Meta(min_length=3, max_length=254)]
    name: Annotated[str, Meta(max_length=128)] = ""
    role: Name | None = None
    group_id: Key | None = None


class Reset(Input, kw_only=True):
    """Why."""

    reason: Reason | None = None


@routes.add(
    "POST",
    "/invitations",
    permission=Permission.USERS_WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    fresh=True,
)
def invite_user(unit: Unit, body: NewInvitation) -> UserAnswer:
    """Make a user and mail a link to choose the password."""
    user = InvitationService(unit).invite(body.email, body.name)
    if body.role is not None:
        UserService(unit).bind(user.id, body.role, body.group_id)
    return user_answer(user)


@routes.add("POST", "/users/{user_id}/link", permission=Permission.USERS_WRITE, errors=(Conflict,))
def send_user_link(unit: Unit, user_id: str) -> UserAnswer:
    """Mail a link to choose a password: the invitation again, or a reset."""
    return user_answer(InvitationService(unit).send_again(user_id))


@routes.add("GET", "/users/{user_id}/sessions", permission=Permission.USERS_READ)
def list_user_sessions(unit: Unit, user_id: str) -> Listed[SessionAnswer]:
    """List a user's sign-ins that hold, the last used first."""
    return sessions(unit, user_id)


@routes.add(
    "DELETE",
    "/users/{user_id}/sessions/{session_id}",
    permission=Permission.USERS_WRITE,
    fresh=True,
)
def end_user_session(unit: Unit, user_id: str, session_id: str) -> None:
    """End one sign-in of a user, at once."""
    SessionService(unit).end(user_id, session_id)


@routes.add(
    "POST", "/users/{user_id}/sessions/end-all", permission=Permission.USERS_WRITE, fresh=True
)
def end_user_sessions(unit: Unit, user_id: str) -> Ended:
    """End a user's sign-ins, at once; one's own but for this one."""
    return Ended(ended=SessionService(unit).end_others(user_id))


@routes.add("GET", "/users/{user_id}/second-factor", permission=Permission.USERS_READ)
def get_user_second_factor(unit: Unit, user_id: str) -> SecondFactorAnswer:
    """Say whether a user has a second factor, and whether a role asks for one."""
    return second_factor(unit, user_id)


@routes.add(
    "POST",
    "/users/{user_id}/second-factor/reset",
    permission=Permission.USERS_WRITE,
    errors=(Conflict,),
    fresh=True,
)
def reset_user_second_factor(unit: Unit, user_id: str, body: Reset) -> None:
    """Take a user's second factor away, who lost phone and codes; they are told by mail."""
    SecondFactorService(unit).reset(user_id, body.reason)


@routes.add("GET", "/users/{user_id}/sign-ins", permission=Permission.USERS_READ)
def list_user_sign_ins(unit: Unit, user_id: str, query: TriesQuery) -> Listed[TryAnswer]:
    """List the last sign-ins to a user's account, failed ones too."""
    UserService(unit).get(user_id)
    return tries(SignInService(unit).recent(query.limit, user_id))


@routes.add("GET", "/sign-ins", permission=Permission.USERS_READ)
def list_sign_ins(unit: Unit, query: TriesQuery) -> Listed[TryAnswer]:
    """List the last sign-ins to all accounts, failed ones too, by account and minute."""
    return tries(SignInService(unit).recent(query.limit))
