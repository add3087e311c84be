"""The tree of groups."""

from typing import Any, ClassVar

from flask import request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from muster_platform.access.groups import GroupService, full_names
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.access.review import ReviewFilter, ReviewService
from muster_platform.bootstrap import GROUP_HOOKS
from muster_platform.errors import NotFound
from muster_platform.paging import Page, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.model import ListQuery, ServiceModelView, whole
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.forms import version_of


class GroupForm(BaseForm):
    """A group: its name and where it hangs."""

    version = HiddenField()

    name = StringField("Name", [DataRequired(), Length(max=128)])
    parent_id = SelectField(
        "Inside",
        description="People with a role on a group have it on all groups inside it, too.",
    )


class GroupList(ServiceModelView):
    """Groups that the person may see."""

    create_text = "New group"
    details_template = "site/people/group.html"
    can_view_details = True
    column_list = ("name", "created_at")
    column_labels: ClassVar[dict[str, str]] = {"name": "Group", "created_at": "Created"}
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": cell("group_name"),
        "created_at": cell("time", "created_at"),
    }
    form = GroupForm

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may change groups anywhere."""
        return gate.actor().may_somewhere(Permission.GROUPS_WRITE)

    can_edit = can_create
    can_delete = can_create

    def row_url(self, row: Group) -> str:
        """Give the group's page."""
        return url_for("group.details_view", id=row.id)

    @expose("/details/")
    def details_view(self) -> str:
        """Show what is inside a group and who has rights on it."""
        with gate.reading() as unit:
            group = GroupService(unit).get(_key(request.args.get("id", "")))
            page = PageRequest(cursor=request.args.get("cursor") or None)
            sees_people = unit.actor.may(Permission.USERS_READ)
            wanted = ReviewFilter(group=group)
            people = ReviewService(unit).page(wanted, page) if sees_people else Page([])
            return self.render(
                self.details_template,
                group=group,
                full_name=full_names(unit.session, [group])[group.id],
                inside=[row for row in GroupService(unit).list() if row.parent_id == group.id],
                people=people.items if sees_people else None,
                next_url=gate.older(people.next_cursor),
                may_write=unit.actor.may(Permission.GROUPS_WRITE, group.path),
            )

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Group]:
        """Read all of them: a tree is small."""
        return whole(GroupService(unit).list())

    def one(self, unit: Unit, pk: str) -> Group:
        """Read one."""
        return GroupService(unit).get(_key(pk))

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the empty form with the groups that the person may change."""
        form = super().create_form(obj)
        form.parent_id.choices = dict(choices.groups(Permission.GROUPS_WRITE))
        return form

    def edit_form(self, obj: Any = None) -> BaseForm:
        """Give the form of a group; the root hangs nowhere."""
        form = super().edit_form(obj)
        if obj is not None and obj.parent_id is None:
            del form.parent_id
        else:
            # The present parent stays choosable for who may not change it.
            present = {} if obj is None else {str(obj.parent_id): "Where it is"}
            form.parent_id.choices = present | dict(choices.groups(Permission.GROUPS_WRITE))
        return form

    def on_form_prefill(self, form: BaseForm, id: Any) -> None:  # noqa: A002
        """Write the present values in."""
        if "parent_id" in form:
            form.parent_id.data = str(self.get_one(id).parent_id)

    def create(self, unit: Unit, form: BaseForm) -> Group:
        """Make a group."""
        return GroupService(unit).create(form.name.data, int(form.parent_id.data))

    def update(self, unit: Unit, form: BaseForm, row: Group) -> None:
        """Rename and move a group."""
        parent_id = int(form.parent_id.data) if "parent_id" in form else None
        GroupService(unit, GROUP_HOOKS).change(
            row.id,
            name=form.name.data,
            parent_id=None if parent_id == row.parent_id else parent_id,
            if_version=version_of(form),
        )

    def remove(self, unit: Unit, row: Group) -> None:
        """Delete an empty group."""
        GroupService(unit).delete(row.id)


def _key(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise NotFound("group", text[:64])
    return int(text)
