"""Asks the pure part of explanations with what the database says at this moment."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from muster_platform.access import restrictions
from muster_platform.access.auth import grant_of, restriction_of
from muster_platform.access.explain import Decision, Held, Obstacle, Place, Subject, decide
from muster_platform.access.groups import full_names
from muster_platform.access.models import Binding, Group, Role, User
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import permissions_of, recognised
from muster_platform.access.token_models import ApiToken, TokenBinding
from muster_platform.access.tokens import TokenService
from muster_platform.errors import NotFound
from muster_platform.unit import Unit


class WhyService:
    """Explains why somebody may or may not do something."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def why(
        self,
        permission: Permission,
        group: Group | None = None,
        *,
        user_id: str | None = None,
        token_id: str | None = None,
        thing: str = "",
    ) -> Decision:
        """Explain.

        Args:
            group: where it is to be done, as the caller has read it; None for everywhere.
            user_id: whose rights; None (and no token) for the actor's own.
            token_id: an API token's rights.
            thing: what it is to be done on, such as `device pump-1`.

        Raises:
            PermissionDenied: about others, without users:read everywhere.
            NotFound: no such user or token.
        """
        subject = self._subject(user_id, token_id)
        rows = self._session.scalars(select(Role).order_by(Role.name))
        roles = [(role.name, permissions_of(role)) for role in rows]
        return decide(subject, permission, self._place(group, thing), roles)

    def _subject(self, user_id: str | None, token_id: str | None) -> Subject:
        actor = self._unit.actor
        if user_id is None and token_id is None:
            user_id = actor.id if actor.kind == "user" else None
            token_id = actor.id if actor.kind == "token" else None
        if token_id is not None:
            own = actor.kind == "token" and token_id == actor.id
            token = self._session.get(ApiToken, token_id) if own else None
            return self._token(token or TokenService(self._unit).get(token_id))
        if user_id is None:
            return Subject(actor.kind, actor.id, actor.name)
        if user_id != actor.id:
            actor.require(Permission.USERS_READ)
        user = self._session.scalar(
            select(User)
            .where(User.id == user_id)
            .options(selectinload(User.bindings).options(joinedload(Binding.role)))
        )
        if user is None:
            raise NotFound("user", user_id)
        return self._user(user)

    def _user(self, user: User) -> Subject:
        stopped = []
        if user.disabled_at is not None:
            stopped.append(Obstacle("disabled", f"{user.email} is disabled"))
        restriction = restriction_of(self._session, user)
        if restriction:
            stopped.append(Obstacle(restriction, _RESTRICTED[restriction].format(user.email)))
        names = self._names(user.bindings)
        held = tuple(
            Held(
                binding.id,
                binding.role.name,
                grant_of(binding).permissions,
                binding.group.path if binding.group is not None else None,
                names[binding.group_id],
            )
            for binding in user.bindings
        )
        return Subject("user", user.id, user.email, held, tuple(stopped))

    def _token(self, token: ApiToken) -> Subject:
        stopped = []
        if token.revoked_at is not None:
            stopped.append(Obstacle("token_revoked", f"the token {token.name} was revoked"))
        elif token.expires_at <= self._unit.now():
            stopped.append(Obstacle("token_expired", f"the token {token.name} has expired"))
        names = self._names(token.bindings)
        held = tuple(
            Held(
                row.id,
                row.role.name if row.role is not None else "",
                permissions_of(row.role)
                if row.role is not None
                else recognised(row.permissions or ()),
                row.group.path if row.group is not None else None,
                names[row.group_id],
            )
            for row in token.bindings
        )
        owner = self._user(token.owner)
        return Subject("token", token.id, token.name, held, tuple(stopped), owner)

    def _names(self, rows: Sequence[Binding] | Sequence[TokenBinding]) -> dict[int | None, str]:
        groups = [row.group for row in rows if row.group is not None]
        names: dict[int | None, str] = {None: Place().name}
        names.update(full_names(self._session, groups).items())
        return names

    def _place(self, group: Group | None, thing: str) -> Place:
        if group is None:
            return Place()
        name = full_names(self._session, [group])[group.id]
        return Place(group.path, f"{thing} in {name}" if thing else name)


_RESTRICTED = {
    restrictions.PASSWORD_CHANGE: "{} has to choose a password of their own first",
    restrictions.SECOND_FACTOR: "{} has to set up a second factor first: a role asks for it",
}
