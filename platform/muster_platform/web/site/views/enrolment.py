"""Enrolment tokens: with one, devices register themselves."""

from typing import Any, ClassVar

from flask_admin import expose
from flask_admin.form import BaseForm
from flask_admin.helpers import get_redirect_target
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from muster_platform.access.permissions import Permission
from muster_platform.devices.approval import ApprovalService
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.models import EnrolmentToken
from muster_platform.errors import NotFound
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.site import gate
from muster_platform.web.site.model import ListQuery, ServiceModelView, whole
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.cells import cell

DAY_MS = 86_400_000
MODES = {
    "pre_registered": "Registered devices only",
    "allow_new": "Registers new devices, too",
    "approve": "A person approves each device",
}


class TokenForm(BaseForm):
    """What a token lets devices do."""

    name = StringField("Name", [DataRequired(), Length(max=128)], description="For people.")
    profile = SelectField("Profile", [DataRequired()])
    group_id = SelectField("Group", [DataRequired()], description="Home of the devices.")
    mode = SelectField("Takes", choices=MODES)
    max_uses = IntegerField(
        "Most devices", [Optional(), NumberRange(min=1)], description="Empty: any number."
    )
    days = IntegerField(
        "Valid for (days)",
        [Optional(), NumberRange(min=1, max=3650)],
        default=30,
        description="Empty: until it is revoked.",
    )
    reenrol = BooleanField("A device that has a working secret may enrol again")


class EnrolmentList(ServiceModelView):
    """Enrolment tokens; their text is shown once, when they are made."""

    list_template = "site/registry/enrolment_list.html"
    create_text = "New token"
    delete_text = "Revoke"
    can_export = False
    column_list = ("name", "state", "profile", "group", "mode", "uses", "expires_at")
    column_labels: ClassVar[dict[str, str]] = {
        "name": "Token",
        "state": "State",
        "profile": "Profile",
        "group": "Group",
        "mode": "Takes",
        "uses": "Used",
        "expires_at": "Ends",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": cell("token_name"),
        "state": cell("token_state"),
        "profile": lambda _v, _c, row, _n: row.profile.name,
        "group": lambda _v, _c, row, _n: row.group.name,
        "mode": lambda _v, _c, row, _n: MODES.get(row.mode, row.mode),
        "uses": lambda _v, _c, row, _n: f"{row.uses} of {row.max_uses or 'any number'}",
        "expires_at": cell("time", "expires_at"),
    }
    form = TokenForm
    empty_title = "No enrolment tokens yet"
    empty_text = "With a token devices fetch their own secret: no secret is typed by hand."

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may make tokens anywhere."""
        return gate.actor().may_somewhere(Permission.DEVICES_ENROL)

    can_delete = can_create

    def waiting(self) -> int:
        """Count the devices that wait for this person's approval."""
        with gate.reading() as unit:
            return ApprovalService(unit).waiting()

    def fetch(self, unit: Unit, query: ListQuery) -> Page[EnrolmentToken]:
        """Read all of them: there are few."""
        return whole(EnrolmentService(unit).list())

    def one(self, unit: Unit, pk: str) -> EnrolmentToken:
        """Read one."""
        for token in EnrolmentService(unit).list():
            if token.id == pk:
                return token
        raise NotFound("enrolment token", pk)

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the empty form with the choices of this person."""
        form = super().create_form(obj)
        form.profile.choices = dict(choices.profiles())
        form.group_id.choices = dict(choices.groups(Permission.DEVICES_ENROL))
        return form

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Response | str:
        """Make a token and show its text this once."""
        gate.actor().require_somewhere(Permission.DEVICES_ENROL)
        form = self.create_form()
        if self.validate_form(form):
            made = self.create_model(form)
            if made:
                token, text = made
                return self.render(
                    "site/enrolment_token.html",
                    token=token,
                    text=text,
                    public_url=platform().settings.public_url,
                )
        return self.render(
            self.create_template,
            form=form,
            return_url=get_redirect_target() or self.get_url(".index_view"),
        )

    def create(self, unit: Unit, form: BaseForm) -> tuple[EnrolmentToken, str]:
        """Make a token."""
        days = form.days.data
        return EnrolmentService(unit).create_token(
            form.name.data,
            form.profile.data,
            int(form.group_id.data),
            mode=form.mode.data,
            max_uses=form.max_uses.data,
            expires_at=unit.now() + days * DAY_MS if days else None,
            reenrol=form.reenrol.data,
        )

    def remove(self, unit: Unit, row: EnrolmentToken) -> None:
        """Revoke a token: devices that enrolled with it keep their secrets."""
        EnrolmentService(unit).revoke(row.id)

    def delete_question(self, row: EnrolmentToken) -> str:
        """Ask before revoking."""
        return f"Revoke {row.name}? Devices that enrolled with it keep their secrets."
