"""API tokens: one's own, and all of them for who may see people."""

from typing import Any, ClassVar

from flask import request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from muster_platform.access.groups import full_names
from muster_platform.access.permissions import Permission
from muster_platform.access.token_auth import grants_of
from muster_platform.access.token_models import ApiToken
from muster_platform.access.tokens import Scope, TokenFilter, TokenService
from muster_platform.errors import InvalidInput
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views import choices, matrix
from muster_platform.web.site.views.cells import cell

ROLE, PERMISSIONS = "role", "permissions"
STATES = [("working", "Working"), ("ended", "Ended")]


class ApiTokenForm(BaseForm):
    """What a token is called, how long it works and what it may do."""

    name = StringField(
        "Name", [DataRequired(), Length(max=128)], description="What the program is, for people."
    )
    days = IntegerField("Works for (days)", [InputRequired(), NumberRange(min=1)], default=90)
    group_id = SelectField("On", description="And on all groups inside it.")
    what = RadioField(
        "May do",
        choices={PERMISSIONS: "Only these permissions", ROLE: "What a role allows"},
        default=PERMISSIONS,
    )
    role = SelectField("Role")
    permissions = SelectMultipleField("Permissions", choices=matrix.NAMES)


class ApiTokenList(ServiceModelView):
    """Tokens that programs sign in with; their text is shown once, when they are made."""

    create_text = "New token"
    create_template = "site/people/token_form.html"
    details_template = "site/people/token.html"
    can_create = True
    can_view_details = True
    column_list = ("name", "owner", "state", "scopes", "last_used_at", "expires_at")
    column_labels: ClassVar[dict[str, str]] = {
        "name": "Token",
        "owner": "Owner",
        "state": "State",
        "scopes": "May do",
        "last_used_at": "Last used",
        "expires_at": "Ends",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": cell("api_token_name"),
        "owner": lambda _v, _c, row, _n: row.owner.email,
        "state": cell("api_token_state"),
        "scopes": cell("api_token_scopes"),
        "last_used_at": cell("time", "last_used_at"),
        "expires_at": cell("time", "expires_at"),
    }
    column_export_list = (
        *("id", "name", "prefix", "owner", "scopes", "created_at", "created_by", "expires_at"),
        *("last_used_at", "last_used_address", "revoked_at"),
    )
    column_searchable_list = ("name",)
    column_filters = (ListFilter("state", "State", lambda: STATES),)
    form = ApiTokenForm
    empty_title = "No API tokens yet"
    empty_text = "With a token a program calls the API in your name, with a part of your rights."

    def has_row_actions(self) -> bool:
        """Say no: a token's page has them."""
        return False

    def row_url(self, row: ApiToken) -> str:
        """Give the token's page."""
        return url_for("api_token.details_view", id=row.id)

    def search_placeholder(self) -> str:
        """Say what is searched."""
        return "Name, owner or beginning of the token"

    def fetch(self, unit: Unit, query: ListQuery) -> Page[ApiToken]:
        """Read one page: all for who may see people, else one's own."""
        state = query.filters.get("state")
        sees_all = unit.actor.may(Permission.USERS_READ)
        wanted = TokenFilter(
            user_id=None if sees_all else unit.actor.id,
            text=query.search or None,
            working=None if state is None else state == "working",
        )
        found = TokenService(unit).list(wanted, query.page)
        for row in found.items:
            row.has_expired = row.expires_at <= unit.now()  # type: ignore[attr-defined]
        return found

    def one(self, unit: Unit, pk: str) -> ApiToken:
        """Read one."""
        return TokenService(unit).get(pk)

    def get_export_value(self, model: ApiToken, name: str) -> Any:
        """Give one cell of the export."""
        if name == "owner":
            return model.owner.email
        if name == "scopes":
            return "; ".join(
                f"{row.role.name if row.role is not None else ' '.join(row.permissions or ())} on "
                f"{row.group.name if row.group is not None else 'everywhere'}"
                for row in model.bindings
            )
        return getattr(model, name)

    @expose("/details/")
    def details_view(self) -> str:
        """Show what a token may do, and when it was used."""
        with gate.reading() as unit:
            token = TokenService(unit).get(request.args.get("id", ""))
            groups = [row.group for row in token.bindings if row.group is not None]
            return self.render(
                self.details_template,
                token=token,
                scopes=list(zip(token.bindings, grants_of(token), strict=True)),
                places=full_names(unit.session, groups),
                has_expired=token.expires_at <= unit.now(),
                may_revoke=token.user_id == unit.actor.id or unit.actor.may(Permission.USERS_WRITE),
            )

    @expose("/<token_id>/revoke", methods=("POST",))
    def revoke(self, token_id: str) -> Response:
        """End a token."""
        return gate.act(
            lambda unit: TokenService(unit).revoke(token_id),
            "The token was revoked; it ended with that.",
            url_for(".details_view", id=token_id),
        )

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the form with what the person may hand on."""
        form = super().create_form(obj)
        form.group_id.choices = {"": "Everywhere", **dict(choices.groups())}
        form.role.choices = {"": "Choose a role", **dict(choices.roles())}
        return form

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Response | str:
        """Make a token and show its text this once."""
        form = self.create_form()
        if request.method == "POST":
            require_fresh()
        if self.validate_form(form):
            made = self.create_model(form)
            if made:
                token, text = made
                url = platform().settings.public_url
                return self.render(
                    "site/people/token_made.html", token=token, text=text, public_url=url
                )
        return self.render(
            self.create_template,
            form=form,
            matrix=matrix.table(form.permissions.data or (), gate.actor(), anywhere=True),
            columns=matrix.columns(),
            days_most=platform().settings.api_token_days,
            return_url=self.get_url(".index_view"),
        )

    def create(self, unit: Unit, form: BaseForm) -> tuple[ApiToken, str]:
        """Make a token."""
        group = int(form.group_id.data) if form.group_id.data else None
        if form.what.data == ROLE:
            if not form.role.data:
                raise InvalidInput("choose a role", where="role")
            scope = Scope(role=form.role.data, group_id=group)
        else:
            if not form.permissions.data:
                raise InvalidInput("choose at least one permission", where="permissions")
            scope = Scope(permissions=tuple(form.permissions.data), group_id=group)
        return TokenService(unit).create(form.name.data, [scope], form.days.data)
