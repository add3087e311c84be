"""Profiles: the types of devices."""

from typing import Any, ClassVar

from flask_admin.form import BaseForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Profile
from muster_platform.devices.profiles import ProfileService
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.model import ListQuery, ServiceModelView, whole
from muster_platform.web.site.views.cells import cell
from muster_protocol.limits import EXPECT_EVERY_S

CONTACT = {"always": "Always connected", "periodic": "Comes and goes"}


class ProfileForm(BaseForm):
    """What a profile says of its devices."""

    name = StringField(
        "Name",
        [DataRequired(), Length(max=64)],
        description="As devices say it in their first message. Never changes.",
    )
    title = StringField("Title", [Length(max=128)], description="For people.")
    contact = SelectField(
        "Contact",
        choices=CONTACT,
        description="Devices that come and go are sleeping, not offline, when they disconnect.",
    )
    expect_every_s = IntegerField(
        "Expected every (seconds)",
        [InputRequired()],
        default=EXPECT_EVERY_S,
        description="Silent for twice this: suspect. Four times: offline.",
    )
    qos_down = SelectField(
        "QoS of commands",
        coerce=int,
        choices={0: "0, at most once", 1: "1, at least once", 2: "2, exactly once"},
        default=1,
    )


class ProfileList(ServiceModelView):
    """All profiles."""

    create_text = "New profile"
    column_list = ("name", "title", "contact", "expect_every_s", "qos_down", "created_at")
    column_labels: ClassVar[dict[str, str]] = {
        "name": "Profile",
        "title": "Title",
        "contact": "Contact",
        "expect_every_s": "Expected every",
        "qos_down": "QoS",
        "created_at": "Created",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "contact": lambda _v, _c, row, _n: CONTACT.get(row.contact, row.contact),
        "expect_every_s": lambda _v, _c, row, _n: f"{row.expect_every_s} s",
        "created_at": cell("time", "created_at"),
    }
    form = ProfileForm
    empty_title = "No profiles yet"
    empty_text = "A profile is a type of device; every device has one. Make the first."

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may change profiles."""
        return gate.actor().may(Permission.PROFILES_WRITE)

    can_edit = can_create
    can_delete = can_create

    def get_pk_value(self, model: Profile) -> str:
        """Give the name."""
        return model.name

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Profile]:
        """Read all of them: there are few."""
        return whole(ProfileService(unit).list())

    def one(self, unit: Unit, pk: str) -> Profile:
        """Read one."""
        return ProfileService(unit).get(pk)

    def edit_form(self, obj: Any = None) -> BaseForm:
        """Give the form of a profile; its name never changes."""
        form = super().edit_form(obj)
        del form.name
        return form

    def create(self, unit: Unit, form: BaseForm) -> Profile:
        """Make a profile."""
        return ProfileService(unit).create(**form.data)

    def update(self, unit: Unit, form: BaseForm, row: Profile) -> None:
        """Change a profile."""
        ProfileService(unit).update(row.name, **form.data)

    def remove(self, unit: Unit, row: Profile) -> None:
        """Delete a profile that nothing uses."""
        ProfileService(unit).delete(row.name)
