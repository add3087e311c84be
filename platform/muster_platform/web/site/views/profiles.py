"""Profiles: the types of devices."""

from typing import Any, ClassVar

from flask import g, url_for
from flask_admin.form import BaseForm
from wtforms import HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Profile
from muster_platform.devices.profile_limits import LIMITS
from muster_platform.devices.profiles import ProfileService
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.model import ListQuery, ServiceModelView, whole
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.forms import version_of
from muster_protocol.limits import EXPECT_EVERY_S

CONTACT = {"always": "Always connected", "periodic": "Comes and goes"}
ELSE = "Empty: as the installation says."


class ProfileForm(BaseForm):
    """What a profile says of its devices."""

    version = HiddenField()

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
    telemetry_kept_days = IntegerField(
        "Telemetry is kept (days)", [Optional()], description=f"0: for ever. {ELSE}"
    )
    logs_kept_days = IntegerField(
        "Logs are kept (days)", [Optional()], description=f"0: for ever. {ELSE}"
    )
    message_bytes_max = IntegerField(
        "Largest message (bytes)",
        [InputRequired()],
        default=0,
        description="Of telemetry, logs and events; a larger one goes to quarantine. 0: what the "
        "installation takes.",
    )
    metrics_max = IntegerField(
        "Most metrics of a device",
        [InputRequired()],
        default=0,
        description="A message with a new name beyond this goes to quarantine. 0: any number.",
    )
    command_queue_s = IntegerField(
        "Commands wait at most (seconds)", [Optional()], description=f"To be sent. {ELSE}"
    )
    command_timeout_s = IntegerField(
        "Commands run at most (seconds)", [Optional()], description=f"Once delivered. {ELSE}"
    )
    command_step_timeout_s = IntegerField(
        "Commands are silent at most (seconds)",
        [Optional()],
        description=f"Between two reports. {ELSE}",
    )

    def limits(self) -> dict[str, Any]:
        """Give the limits as the service takes them."""
        return {limit.name: self.data[limit.name] for limit in LIMITS}

    def others(self) -> dict[str, Any]:
        """Give the other fields likewise."""
        left_out = {"version", *(limit.name for limit in LIMITS)}
        return {name: value for name, value in self.data.items() if name not in left_out}


class ProfileList(ServiceModelView):
    """All profiles."""

    create_text = "New profile"
    edit_template = "site/settings/profile_edit.html"
    column_list = ("name", "title", "devices", "contact", "expect_every_s", "kept", "created_at")
    column_labels: ClassVar[dict[str, str]] = {
        "name": "Profile",
        "title": "Title",
        "contact": "Contact",
        "expect_every_s": "Expected every",
        "devices": "Devices",
        "kept": "Data is kept",
        "created_at": "Created",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": cell("profile_name"),
        "contact": lambda _v, _c, row, _n: CONTACT.get(row.contact, row.contact),
        "expect_every_s": lambda _v, _c, row, _n: f"{row.expect_every_s} s",
        "devices": lambda view, _c, row, _n: str(view.devices_of(row)),
        "kept": lambda _v, _c, row, _n: _kept(row),
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

    def row_url(self, row: Profile) -> str:
        """Give the page of a profile's settings."""
        return url_for("settings.profile", profile_name=row.name)

    def devices_of(self, row: Profile) -> int:
        """Give how many devices a profile has."""
        if "profile_devices" not in g:
            with gate.reading() as unit:
                g.profile_devices = ProfileService(unit).count_devices()
        return int(g.profile_devices.get(row.id, 0))

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
        assert isinstance(form, ProfileForm)
        return ProfileService(unit).create(**form.others(), limits=form.limits())

    def update(self, unit: Unit, form: BaseForm, row: Profile) -> None:
        """Change a profile."""
        assert isinstance(form, ProfileForm)
        ProfileService(unit).update(
            row.name, **form.others(), limits=form.limits(), if_version=version_of(form)
        )

    def remove(self, unit: Unit, row: Profile) -> None:
        """Delete a profile that nothing uses."""
        ProfileService(unit).delete(row.name)


def _kept(profile: Profile) -> str:
    """Say how long a profile's data is kept."""
    named = (("telemetry", profile.telemetry_kept_days), ("logs", profile.logs_kept_days))
    said = [
        f"{name} {'for ever' if days == 0 else f'{days} d'}"
        for name, days in named
        if days is not None
    ]
    return ", ".join(said) or "as the installation says"
