"""People: listed, invited, edited."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from muster_platform.access.invitations import InvitationService
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserFilter, UserService
from muster_platform.errors import PermissionDenied
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.forms import version_of

INVITE, ONE_TIME = "invite", "one_time"
STATES = [("active", "Active"), ("disabled", "Disabled")]


class NewUserForm(BaseForm):
    """A person to be let in."""

    email = StringField("E-mail address", [DataRequired(), Length(max=254)])
    name = StringField("Name", [Length(max=128)], description="As others see it.")
    way = RadioField(
        "First sign-in",
        choices={
            INVITE: "Mail an invitation: they choose a password by its link",
            ONE_TIME: "Show a one-time password, to be handed over",
        },
        default=INVITE,
    )
    role = SelectField("Role", description="More can be given on the person's page.")
    group_id = SelectField("On", description="A role holds on a group and those inside it.")


class EditUserForm(BaseForm):
    """What is changed of a person here; roles have forms of their own."""

    version = HiddenField()
    name = StringField("Name", [DataRequired(), Length(max=128)])


class UserList(ServiceModelView):
    """People, with their roles."""

    create_text = "Invite a person"
    create_template = "site/people/new_user.html"
    edit_template = "site/people/edit_user.html"
    column_list = ("email", "roles", "state", "last_sign_in_at", "created_at")
    column_labels: ClassVar[dict[str, str]] = {
        "email": "Person",
        "roles": "Roles",
        "state": "State",
        "last_sign_in_at": "Last sign-in",
        "created_at": "Created",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "email": cell("person_name"),
        "roles": cell("person_roles"),
        "state": cell("person_state"),
        "last_sign_in_at": cell("time", "last_sign_in_at"),
        "created_at": cell("time", "created_at"),
    }
    column_export_list = (
        *("id", "email", "name", "roles", "created_at", "disabled_at", "last_sign_in_at"),
    )
    column_searchable_list = ("email",)
    column_filters = (
        ListFilter("role", "Role", choices.roles),
        ListFilter("state", "State", lambda: STATES),
    )
    details_only = ("created_at",)

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may let others in."""
        return gate.actor().may(Permission.USERS_WRITE)

    can_edit = can_create

    def has_row_actions(self) -> bool:
        """Say no: a person's page has them."""
        return False

    def row_name(self, row: User) -> str:
        """Give the name."""
        return row.name

    def row_url(self, row: User) -> str:
        """Give the person's page."""
        return url_for("user.details_view", id=row.id)

    def search_placeholder(self) -> str:
        """Say what is searched."""
        return "Address or name"

    def fetch(self, unit: Unit, query: ListQuery) -> Page[User]:
        """Read one page."""
        state = query.filters.get("state")
        wanted = UserFilter(
            text=query.search or None,
            role=query.filters.get("role"),
            disabled=None if state is None else state == "disabled",
        )
        return UserService(unit).page(wanted, query.page)

    def one(self, unit: Unit, pk: str) -> User:
        """Read one."""
        return UserService(unit).get(pk)

    def get_export_value(self, model: User, name: str) -> Any:
        """Give one cell of the export."""
        if name == "roles":
            return "; ".join(
                f"{b.role.name} on {b.group.name if b.group is not None else 'everywhere'}"
                for b in model.bindings
            )
        return getattr(model, name)

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the form with the roles and groups of this person's choice."""
        form = NewUserForm(request.form if request.method == "POST" else None)
        form.role.choices = {"": "None yet", **dict(choices.roles())}
        form.group_id.choices = {"": "Everywhere", **dict(choices.groups())}
        return form

    def edit_form(self, obj: Any = None) -> BaseForm:
        """Give the form of a person."""
        return EditUserForm(request.form if request.method == "POST" else None, obj=obj)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Response | str:
        """Let a person in, and show the one-time password this once."""
        self._check_writer()
        form = self.create_form()
        if request.method == "POST":
            require_fresh()
        if self.validate_form(form):
            made = self.create_model(form)
            if made:
                user, password = made
                return self._made(user, password)
        back = self.get_url(".index_view")
        return self.render(self.create_template, form=form, return_url=back)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Response | str:
        """Edit a person."""
        self._check_writer()
        answer: Response | str = super().edit_view()
        return answer

    def create(self, unit: Unit, form: BaseForm) -> tuple[User, str | None]:
        """Make a person, with a first role where one was chosen."""
        email, name = form.email.data, form.name.data or ""
        if form.way.data == INVITE:
            user, password = InvitationService(unit).invite(email, name), None
        else:
            user, password = UserService(unit).create(email, name or email.partition("@")[0])
        if form.role.data:
            group = int(form.group_id.data) if form.group_id.data else None
            UserService(unit).bind(user.id, form.role.data, group)
        return user, password

    def update(self, unit: Unit, form: BaseForm, row: User) -> None:
        """Rename a person."""
        UserService(unit).rename(row.id, form.name.data, if_version=version_of(form))

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go on to the person's page."""
        return self.row_url(model)

    def _made(self, user: User, password: str | None) -> Response | str:
        if password is None:
            flash(f"An invitation was mailed to {user.email}.", "success")
            return redirect(self.row_url(user))
        return self.render("site/people/password.html", user=user, password=password)

    def _check_writer(self) -> None:
        if not gate.actor().may(Permission.USERS_WRITE):
            raise PermissionDenied(Permission.USERS_WRITE)
