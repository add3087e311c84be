"""People: made, bound to roles, disabled. Every change of rights bites on the next request."""

import re
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from muster_platform import versions
from muster_platform.access import audit, notices
from muster_platform.access.actor import Actor
from muster_platform.access.auth import bump_epoch, grant_of, revoke_all
from muster_platform.access.granting import require_held, require_person
from muster_platform.access.groups import group_by_id
from muster_platform.access.mail_links import revoke_links
from muster_platform.access.models import Binding, Role, User
from muster_platform.access.passwords import hash_password, one_time_password, verify_password
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

ADMINISTRATOR = "administrator"
EMAIL_CHARS = 254
NAME_CHARS = 128
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_BY_EMAIL: Order[User] = Order("users", (Key(User.__table__.c.email, str, lambda u: u.email),))


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which people; None does not narrow.

    Attributes:
        text: part of the address or name.
        role: name of a role that they have anywhere.
    """

    text: str | None = None
    role: str | None = None
    disabled: bool | None = None


class UserService:
    """What an administrator does with people, and what people do with their own password."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def create(self, email: str, name: str, password: str | None = None) -> tuple[User, str | None]:
        """Make a user without any rights yet.

        Args:
            password: None makes a one-time password, which must be changed after signing in.

        Returns:
            The user, and the one-time password where one was made: it is shown once.

        Raises:
            PermissionDenied: without users:write everywhere.
            InvalidInput: address, name or password do not fit.
            Conflict: the address is taken.
        """
        require_person(self._unit.actor, "make users")
        self._unit.actor.require(Permission.USERS_WRITE)
        address = _check_email(email)
        if self._session.scalar(select(User.id).where(User.email == address)):
            raise Conflict(f"there is a user {address} already", code="exists")
        one_time = one_time_password() if password is None else None
        user = User(
            id=uuid7(self._unit.now()),
            email=address,
            name=_check_name(name or address),
            password_hash=hash_password(password or one_time or "", context=(address, name)),
            must_change_password=one_time is not None,
            epoch=1,
            created_at=self._unit.now(),
            bindings=[],
        )
        self._session.add(user)
        self._session.flush()
        audit.record(self._unit, "user.create", "user", user.id, address, after={"name": user.name})
        return user, one_time

    def get(self, user_id: str) -> User:
        """Get one, with bindings.

        Raises:
            PermissionDenied: without users:read everywhere; everyone may read themselves.
            NotFound: no such user.
        """
        if self._unit.actor.id != user_id:
            self._unit.actor.require(Permission.USERS_READ)
        return self._load(user_id)

    def by_email(self, email: str) -> User:
        """Get one by the address, as `get`."""
        self._unit.actor.require(Permission.USERS_READ)
        found = self._session.scalar(select(User.id).where(User.email == email.strip().lower()))
        if found is None:
            raise NotFound("user", email)
        return self._load(found)

    def list(self) -> list[User]:
        """List all by address, with bindings.

        Raises:
            PermissionDenied: without users:read everywhere.
        """
        self._unit.actor.require(Permission.USERS_READ)
        statement = select(User).options(selectinload(User.bindings)).order_by(User.email)
        return list(self._session.scalars(statement))

    def page(self, wanted: UserFilter, page: PageRequest) -> Page[User]:
        """List some by address, with bindings.

        Raises:
            PermissionDenied: without users:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require(Permission.USERS_READ)
        statement = select(User).options(selectinload(User.bindings))
        if wanted.text:
            text = clean(wanted.text).strip().lower()
            statement = statement.where(
                or_(
                    User.email.contains(text, autoescape=True),
                    func.lower(User.name).contains(text, autoescape=True),
                )
            )
        if wanted.role is not None:
            statement = statement.where(User.bindings.any(Binding.role.has(name=wanted.role)))
        if wanted.disabled is not None:
            statement = statement.where(User.disabled_at.is_not(None) == wanted.disabled)
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _BY_EMAIL, page, most)

    def rename(self, user_id: str, name: str, *, if_version: int | None = None) -> User:
        """Change the name that is shown.

        Args:
            if_version: version that the editor has read.

        Raises:
            PermissionDenied: without users:write everywhere.
            NotFound: no such user.
            InvalidInput: the name does not fit.
            PreconditionFailed: it was changed meanwhile.
        """
        user = self._writable(user_id)
        versions.expect(self._session, user, if_version, user.email)
        before, after = user.name, _check_name(name)
        if before != after:
            user.name = after
            self._note("user.rename", user, {"name": before}, {"name": after})
        return user

    def disable(self, user_id: str) -> User:
        """Lock a user out at once: tokens, live streams, refresh.

        Raises:
            PermissionDenied, NotFound: as `rename`.
            Conflict: the last administrator.
        """
        user = self._writable(user_id)
        if user.disabled_at is None:
            self._keep_an_administrator(user)
            user.disabled_at = self._unit.now()
            revoke_all(self._unit, user.id)
            bump_epoch(self._unit, user)
            self._note("user.disable", user)
        return user

    def enable(self, user_id: str) -> User:
        """Let a user in again, with the rights it had.

        Raises:
            PermissionDenied: without users:write, or the user has rights that the actor lacks.
            NotFound: no such user.
        """
        require_person(self._unit.actor, "let users in")
        user = self._writable(user_id)
        require_rights_of(self._unit.actor, user)
        if user.disabled_at is not None:
            user.disabled_at = None
            bump_epoch(self._unit, user)
            self._note("user.enable", user)
        return user

    def set_password(self, user_id: str, password: str | None = None) -> str | None:
        """Give a user another password and end its sign-ins.

        Args:
            password: None makes a one-time password.

        Returns:
            The one-time password where one was made.

        Raises:
            PermissionDenied, NotFound: as `enable`: who sets a password could sign in with it.
            InvalidInput: the password does not fit.
        """
        require_person(self._unit.actor, "set passwords")
        user = self._writable(user_id)
        require_rights_of(self._unit.actor, user)
        one_time = one_time_password() if password is None else None
        self._replace_password(user, password or one_time or "", where="password")
        user.must_change_password = True
        self._note("user.set_password", user)
        return one_time

    def change_own_password(self, old: str, new: str) -> User:
        """Change the actor's own password; all its other sign-ins end.

        Tokens of the present one are old then: its refresh token gives new ones.

        Raises:
            NotFound: the actor is no user.
            InvalidInput: the old one is wrong, or the new one does not fit.
        """
        user = self._load(self._unit.actor.id)
        if not verify_password(old, user.password_hash):
            raise InvalidInput("the present password is wrong", where="old")
        if old == new:
            raise InvalidInput("the new password is the present one", where="new")
        self._replace_password(user, new, where="new", keep=self._unit.actor.session)
        user.must_change_password = False
        self._note("user.change_password", user)
        notices.password_changed(self._unit, user)
        return user

    def bind(self, user_id: str, role_name: str, group_id: int | None = None) -> Binding:
        """Give a user a role on a group and those inside it, or everywhere (None).

        Raises:
            PermissionDenied: without users:write everywhere, or the role holds a permission
                that the actor lacks there.
            NotFound: no such user, role or group.
            Conflict: it is bound so already.
        """
        require_person(self._unit.actor, "give roles")
        user = self._writable(user_id)
        role = self._session.scalar(select(Role).where(Role.name == role_name))
        if role is None:
            raise NotFound("role", role_name)
        group = None if group_id is None else group_by_id(self._session, group_id)
        if any(b.role_id == role.id and b.group_id == group_id for b in user.bindings):
            raise Conflict(f"{user.email} has the role {role_name} there already", code="exists")
        binding = Binding(
            id=uuid7(self._unit.now()),
            user_id=user.id,
            role=role,
            group=group,
            created_at=self._unit.now(),
        )
        _require_grant(self._unit.actor, binding)
        user.bindings.append(binding)
        self._session.flush()
        bump_epoch(self._unit, user)
        self._note("user.bind", user, after=_describe(binding))
        return binding

    def unbind(self, binding_id: str) -> None:
        """Take a role away.

        Raises:
            PermissionDenied: without users:write everywhere.
            NotFound: no such binding.
            Conflict: the last administrator's.
        """
        require_person(self._unit.actor, "take roles away")
        self._unit.actor.require(Permission.USERS_WRITE)
        binding = self._session.get(Binding, binding_id)
        if binding is None:
            raise NotFound("binding", binding_id)
        user = self._load(binding.user_id)
        if _is_administration(binding):
            self._keep_an_administrator(user)
        described = _describe(binding)
        user.bindings.remove(binding)
        self._session.flush()
        bump_epoch(self._unit, user)
        self._note("user.unbind", user, before=described)

    def sign_out_everywhere(self, user_id: str) -> User:
        """End all sign-ins of a user; people may do it to themselves.

        Raises:
            PermissionDenied: another user, without users:write everywhere.
            NotFound: no such user.
        """
        own = self._unit.actor.id == user_id
        user = self._load(user_id) if own else self._writable(user_id)
        revoke_all(self._unit, user.id)
        bump_epoch(self._unit, user)
        self._note("user.sign_out_everywhere", user)
        return user

    def _load(self, user_id: str) -> User:
        user = self._session.scalar(
            select(User).where(User.id == user_id).options(selectinload(User.bindings))
        )
        if user is None:
            raise NotFound("user", user_id)
        return user

    def _writable(self, user_id: str) -> User:
        self._unit.actor.require(Permission.USERS_WRITE)
        return self._load(user_id)

    def _replace_password(self, user: User, password: str, *, where: str, keep: str = "") -> None:
        user.password_hash = hash_password(password, where=where, context=(user.email, user.name))
        revoke_all(self._unit, user.id, keep=keep)
        revoke_links(self._unit, user.id)
        bump_epoch(self._unit, user)

    def _keep_an_administrator(self, leaving: User) -> None:
        others = self._session.scalar(
            select(func.count(User.id.distinct()))
            .join(Binding, Binding.user_id == User.id)
            .join(Role, Role.id == Binding.role_id)
            .where(
                Role.name == ADMINISTRATOR,
                Binding.group_id.is_(None),
                User.disabled_at.is_(None),
                User.id != leaving.id,
            )
        )
        if not others and any(_is_administration(binding) for binding in leaving.bindings):
            raise Conflict(
                f"{leaving.email} is the last administrator; make another one first",
                code="last_administrator",
            )

    def _note(self, action: str, user: User, before: object = None, after: object = None) -> None:
        versions.bump(self._session, user)
        audit.record(self._unit, action, "user", user.id, user.email, before=before, after=after)


def require_rights_of(actor: Actor, user: User) -> None:
    """Refuse an act by which the actor could become the user, unless it has all their rights.

    Raises:
        PermissionDenied: naming the first one that it lacks.
    """
    for binding in user.bindings:
        _require_grant(actor, binding)


def _require_grant(actor: Actor, binding: Binding) -> None:
    """Nobody gives what they lack."""
    grant = grant_of(binding)
    name = binding.group.name if binding.group else "everywhere"
    require_held(actor, grant.permissions, grant.group_path, name)


def _is_administration(binding: Binding) -> bool:
    return binding.group_id is None and binding.role.name == ADMINISTRATOR


def _describe(binding: Binding) -> dict[str, object]:
    group = binding.group
    return {"role": binding.role.name, "group": group.name if group else "everywhere"}


def _check_email(email: str) -> str:
    address = clean(email).strip().lower()
    if len(address) > EMAIL_CHARS or not _EMAIL.fullmatch(address):
        raise InvalidInput(f"not an e-mail address: {email[:EMAIL_CHARS]!r}", where="email")
    return address


def _check_name(name: str) -> str:
    text = clean(name).strip()
    if not text or len(text) > NAME_CHARS:
        raise InvalidInput(f"a name has 1 to {NAME_CHARS} characters", where="name")
    return text
