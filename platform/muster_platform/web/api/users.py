"""People and what they may do: users and their roles."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.models import Binding, User
from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserFilter, UserService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key, Listed, Name, PageQuery, Password
from muster_platform.web.api.routing import Routes

routes = Routes("Users")

Email = Annotated[str, Meta(min_length=3, max_length=254)]


class BindingAnswer(msgspec.Struct, kw_only=True):
    """A role that a user has, on a group and those inside it, or everywhere (null)."""

    id: str
    role: str
    group_id: int | None
    group_name: str | None


class UserAnswer(msgspec.Struct, kw_only=True):
    """A user. Times are ms since the epoch.

    Attributes:
        version: counts the edits; for If-Match.
    """

    id: str
    email: str
    name: str
    must_change_password: bool
    created_at: int
    disabled_at: int | None
    last_sign_in_at: int | None
    bindings: list[BindingAnswer]
    version: int


class UserMade(UserAnswer, kw_only=True):
    """A new user; the one-time password is shown now and never again."""

    one_time_password: str | None


class PasswordMade(msgspec.Struct, kw_only=True):
    """The one-time password, where one was made; it is shown now and never again."""

    one_time_password: str | None


class NewUser(Input, kw_only=True):
    """A user to be made; without a password a one-time password is made."""

    email: Email
    name: Annotated[str, Meta(max_length=128)] = ""
    password: Password | None = None


class UserChange(Input, kw_only=True):
    """What can be changed of a user."""

    name: Name


class NewPassword(Input, kw_only=True):
    """Another password for a user; null makes a one-time password."""

    password: Password | None = None


class NewBinding(Input, kw_only=True):
    """A role to give, on a group and those inside it, or everywhere (null)."""

    role: Name
    group_id: Key | None = None


class UsersQuery(PageQuery, kw_only=True):
    """Which users: by a part of address or name, by a role they have anywhere, disabled or not."""

    search: Annotated[str, Meta(max_length=128)] | None = None
    role: Name | None = None
    disabled: bool | None = None


@routes.add("GET", "/users", permission=Permission.USERS_READ)
def list_users(unit: Unit, query: UsersQuery) -> Listed[UserAnswer]:
    """List the users by e-mail address."""
    wanted = UserFilter(query.search, query.role, query.disabled)
    page = UserService(unit).page(wanted, query.page())
    return Listed(items=[user_answer(user) for user in page.items], next_cursor=page.next_cursor)


@routes.add(
    "POST",
    "/users",
    permission=Permission.USERS_WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    secrets=("one_time_password",),
)
def create_user(unit: Unit, body: NewUser) -> UserMade:
    """Make a user, without any rights yet."""
    user, password = UserService(unit).create(body.email, body.name, body.password)
    return UserMade(**_fields(user), one_time_password=password)


@routes.add("GET", "/users/{user_id}", permission=Permission.USERS_READ, etag="version")
def get_user(unit: Unit, user_id: str) -> UserAnswer:
    """Get a user; everyone may get themselves."""
    return user_answer(UserService(unit).get(user_id))


@routes.add("PATCH", "/users/{user_id}", permission=Permission.USERS_WRITE, etag="version")
def update_user(unit: Unit, user_id: str, body: UserChange, if_match: int | None) -> UserAnswer:
    """Change the name that is shown."""
    return user_answer(UserService(unit).rename(user_id, body.name, if_version=if_match))


@routes.add(
    "POST", "/users/{user_id}/disable", permission=Permission.USERS_WRITE, errors=(Conflict,)
)
def disable_user(unit: Unit, user_id: str) -> UserAnswer:
    """Lock a user out at once."""
    return user_answer(UserService(unit).disable(user_id))


@routes.add("POST", "/users/{user_id}/enable", permission=Permission.USERS_WRITE, fresh=True)
def enable_user(unit: Unit, user_id: str) -> UserAnswer:
    """Let a user in again."""
    return user_answer(UserService(unit).enable(user_id))


@routes.add("POST", "/users/{user_id}/password", permission=Permission.USERS_WRITE, fresh=True)
def set_password(unit: Unit, user_id: str, body: NewPassword) -> PasswordMade:
    """Give a user another password and end all its sign-ins."""
    return PasswordMade(one_time_password=UserService(unit).set_password(user_id, body.password))


@routes.add("POST", "/users/{user_id}/sign-out", permission=Permission.USERS_WRITE)
def sign_out_user(unit: Unit, user_id: str) -> None:
    """End all sign-ins of a user; everyone may do it to themselves."""
    UserService(unit).sign_out_everywhere(user_id)


@routes.add("GET", "/users/{user_id}/bindings", permission=Permission.USERS_READ)
def list_bindings(unit: Unit, user_id: str) -> Listed[BindingAnswer]:
    """List the roles of a user; everyone may list their own."""
    user = UserService(unit).get(user_id)
    return Listed(items=[_binding_answer(binding) for binding in user.bindings])


@routes.add(
    "POST",
    "/users/{user_id}/bindings",
    permission=Permission.USERS_WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    fresh=True,
)
def create_binding(unit: Unit, user_id: str, body: NewBinding) -> BindingAnswer:
    """Give a user a role; nobody can give permissions that they lack."""
    return _binding_answer(UserService(unit).bind(user_id, body.role, body.group_id))


@routes.add(
    "DELETE",
    "/bindings/{binding_id}",
    permission=Permission.USERS_WRITE,
    errors=(Conflict,),
    fresh=True,
)
def delete_binding(unit: Unit, binding_id: str) -> None:
    """Take a role away."""
    UserService(unit).unbind(binding_id)


def user_answer(user: User) -> UserAnswer:
    """Show a user."""
    return UserAnswer(**_fields(user))


def _fields(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "must_change_password": user.must_change_password,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
        "last_sign_in_at": user.last_sign_in_at,
        "version": user.version,
        "bindings": [_binding_answer(binding) for binding in user.bindings],
    }


def _binding_answer(binding: Binding) -> BindingAnswer:
    return BindingAnswer(
        id=binding.id,
        role=binding.role.name,
        group_id=binding.group.id if binding.group else None,
        group_name=binding.group.name if binding.group else None,
    )
