"""One person's page: roles, tokens, and what an administrator does with the account."""

from collections.abc import Callable
from typing import Any

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.auth import has_second_factor
from muster_platform.access.groups import full_names
from muster_platform.access.invitations import InvitationService
from muster_platform.access.permissions import Permission
from muster_platform.access.tokens import TokenFilter, TokenService
from muster_platform.access.users import UserService
from muster_platform.errors import InvalidInput
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.users import UserList

TOKENS_SHOWN = 20


class People(UserList):
    """The list of people with the pages of each."""

    details_template = "site/people/user.html"
    can_view_details = True

    @expose("/details/")
    def details_view(self) -> str:
        """Show a person."""
        user_id = request.args.get("id", "")
        with gate.reading() as unit:
            user = UserService(unit).get(user_id)
            wanted = TokenFilter(user_id=user.id, working=True)
            return self.render(
                self.details_template,
                user=user,
                places=full_names(unit.session, [b.group for b in user.bindings if b.group]),
                second_factor=has_second_factor(unit.session, user.id),
                tokens=TokenService(unit).list(wanted, PageRequest(TOKENS_SHOWN)).items,
                is_me=unit.actor.id == user.id,
                may_write=unit.actor.may(Permission.USERS_WRITE),
                roles=choices.roles(),
                groups=choices.groups(),
            )

    @expose("/<user_id>/roles", methods=("POST",))
    def bind(self, user_id: str) -> Response:
        """Give a role."""
        role, group = request.form.get("role", ""), request.form.get("group_id", "")
        return self._act(
            user_id,
            lambda unit: UserService(unit).bind(user_id, role, _group_id(group)),
            "The role was given; it holds from the next request on.",
        )

    @expose("/<user_id>/roles/<binding_id>/remove", methods=("POST",))
    def unbind(self, user_id: str, binding_id: str) -> Response:
        """Take a role away."""
        return self._act(
            user_id,
            lambda unit: UserService(unit).unbind(binding_id),
            "The role was taken away; it ended with that.",
        )

    @expose("/<user_id>/disable", methods=("POST",))
    def disable(self, user_id: str) -> Response:
        """Lock a person out."""
        return self._act(
            user_id,
            lambda unit: UserService(unit).disable(user_id),
            "The account is disabled: sessions, tokens and live pages ended.",
            fresh=False,
        )

    @expose("/<user_id>/enable", methods=("POST",))
    def enable(self, user_id: str) -> Response:
        """Let a person in again."""
        return self._act(
            user_id,
            lambda unit: UserService(unit).enable(user_id),
            "The account is enabled, with the roles it had.",
        )

    @expose("/<user_id>/sign-out", methods=("POST",))
    def sign_out(self, user_id: str) -> Response:
        """End all sign-ins of a person."""
        return self._act(
            user_id,
            lambda unit: UserService(unit).sign_out_everywhere(user_id),
            "All sign-ins were ended.",
        )

    @expose("/<user_id>/link", methods=("POST",))
    def link(self, user_id: str) -> Response:
        """Mail a link to choose a password."""
        return self._act(
            user_id,
            lambda unit: InvitationService(unit).send_again(user_id),
            "A link to choose a password was mailed.",
        )

    @expose("/<user_id>/password", methods=("POST",))
    def password(self, user_id: str) -> Response | str:
        """Give a one-time password, shown this once."""
        require_fresh()
        with gate.writing() as unit:
            password = UserService(unit).set_password(user_id)
            user = UserService(unit).get(user_id)
        return self.render("site/people/password.html", user=user, password=password)

    def _act(
        self, user_id: str, do: Callable[[Unit], Any], done: str, *, fresh: bool = True
    ) -> Response:
        if fresh:
            require_fresh()
        return gate.act(do, done, url_for(".details_view", id=user_id))


def _group_id(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput("choose a group of the list", where="group_id")
    return int(text)
