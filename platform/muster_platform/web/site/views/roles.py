"""Roles: listed, made, edited by a table of permissions, with who has them."""

from typing import Any, ClassVar

from flask import request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from muster_platform.access.granting import require_person
from muster_platform.access.models import Role
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import RoleService, permissions_of
from muster_platform.errors import PermissionDenied
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate
from muster_platform.web.site.model import ListQuery, ServiceModelView, whole
from muster_platform.web.site.views import choices, matrix
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.forms import version_of


class RoleForm(BaseForm):
    """A role: how it is called and what it allows."""

    version = HiddenField()
    name = StringField(
        "Name",
        [DataRequired(), Length(max=63)],
        description="For programs: small letters, digits and _. Never changes.",
    )
    title = StringField("Title", [Length(max=128)], description="For people.")
    description = TextAreaField("Description", [Length(max=1_000)])
    require_second_factor = BooleanField("Who has it must use a second factor")
    permissions = SelectMultipleField("Permissions", choices=matrix.NAMES)


class RoleList(ServiceModelView):
    """Built-in roles and those of one's own making."""

    create_text = "New role"
    create_template = edit_template = "site/people/role_form.html"
    details_template = "site/people/role.html"
    can_view_details = True
    column_list = ("name", "description", "permissions", "people", "require_second_factor")
    column_labels: ClassVar[dict[str, str]] = {
        "name": "Role",
        "description": "Description",
        "permissions": "Permissions",
        "people": "People",
        "require_second_factor": "Second factor",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": cell("role_name"),
        "permissions": lambda _v, _c, row, _n: len(row.permissions),
        "people": lambda _v, _c, row, _n: row.people,
        "require_second_factor": lambda _v, _c, row, _n: (
            "needed" if row.require_second_factor else "optional"
        ),
    }
    column_export_list = (
        *("name", "title", "description", "builtin", "permissions", "people"),
        "require_second_factor",
    )
    details_only = ("description",)
    form = RoleForm

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may make roles."""
        return gate.actor().may(Permission.ROLES_WRITE)

    can_edit = can_create
    can_delete = can_create

    def has_row_actions(self) -> bool:
        """Say no: a role's page has them."""
        return False

    def get_pk_value(self, model: Role) -> str:
        """Give the name."""
        return model.name

    def row_name(self, row: Role) -> str:
        """Give the title, or the name."""
        return choices.role_label(row)

    def row_url(self, row: Role) -> str:
        """Give the page of a role."""
        return str(self.get_url(".details_view", id=row.name))

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Role]:
        """Read all of them: there are few."""
        service = RoleService(unit)
        counts, rows = service.counts(), service.list()
        for row in rows:
            row.people = counts.get(row.id, 0)  # type: ignore[attr-defined]
        return whole(rows)

    def one(self, unit: Unit, pk: str) -> Role:
        """Read one."""
        return RoleService(unit).get(pk)

    def get_export_value(self, model: Role, name: str) -> Any:
        """Give one cell of the export."""
        if name == "permissions":
            return " ".join(sorted(row.permission for row in model.permissions))
        return getattr(model, name)

    @expose("/details/")
    def details_view(self) -> str:
        """Show what a role allows and who has it."""
        with gate.reading() as unit:
            service = RoleService(unit)
            role = service.get(request.args.get("id", ""))
            may_see = unit.actor.may(Permission.USERS_READ)
            held = permissions_of(role)
            return self.render(
                self.details_template,
                role=role,
                matrix=matrix.table(set(map(str, held)), unit.actor),
                columns=matrix.columns(),
                holders=service.holders(role) if may_see else None,
                missing=sorted(p for p in held if not unit.actor.may(p)),
            )

    @expose("/<role_name>/second-factor", methods=("POST",))
    def second_factor(self, role_name: str) -> Response:
        """Ask for a second factor of whoever has a built-in role, or no more."""
        self._check_writer()
        needed = bool(request.form.get("needed"))
        return gate.act(
            lambda unit: RoleService(unit).update(role_name, require_second_factor=needed),
            "A second factor is needed from the next request on." if needed else "It is optional.",
            url_for(".details_view", id=role_name),
        )

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Response | str:
        """Make a role; `copy` names one to begin with."""
        self._check_writer()
        answer: Response | str = super().create_view()
        return answer

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Response | str:
        """Edit a role."""
        self._check_writer()
        answer: Response | str = super().edit_view()
        return answer

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Response:
        """Delete a role."""
        self._check_writer()
        answer: Response = super().delete_view()
        return answer

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the form, filled from the role that is copied."""
        form = super().create_form(obj)
        name = request.args.get("copy", "")
        if name and request.method == "GET":
            source = self.get_one(name)
            form.description.data = source.description
            form.permissions.data = [row.permission for row in source.permissions]
        return form

    def edit_form(self, obj: Any = None) -> BaseForm:
        """Give the form of a role; its name never changes."""
        form = super().edit_form(obj)
        del form.name
        if request.method == "GET":
            form.permissions.data = [row.permission for row in obj.permissions]
        return form

    def create(self, unit: Unit, form: BaseForm) -> Role:
        """Make a role."""
        return RoleService(unit).create(
            form.name.data,
            form.permissions.data,
            form.title.data or "",
            form.description.data or "",
            require_second_factor=form.require_second_factor.data,
        )

    def update(self, unit: Unit, form: BaseForm, row: Role) -> None:
        """Change a role."""
        RoleService(unit).update(
            row.name,
            permissions=form.permissions.data,
            title=form.title.data or "",
            description=form.description.data or "",
            require_second_factor=form.require_second_factor.data,
            if_version=version_of(form),
        )

    def remove(self, unit: Unit, row: Role) -> None:
        """Delete a role that nobody has."""
        RoleService(unit).delete(row.name)

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go on to the role's page."""
        return self.row_url(model)

    def render(self, template: str, **kwargs: Any) -> str:
        """Give forms their table of permissions."""
        form = kwargs.get("form")
        if form is not None and "permissions" in form:
            chosen = set(form.permissions.data or ())
            kwargs["matrix"] = matrix.table(chosen, gate.actor())
            kwargs["columns"] = matrix.columns()
        return super().render(template, **kwargs)

    def _check_writer(self) -> None:
        person = gate.actor()
        require_person(person, "make or change roles")
        if not person.may(Permission.ROLES_WRITE):
            raise PermissionDenied(Permission.ROLES_WRITE)
        if request.method == "POST":
            require_fresh()
