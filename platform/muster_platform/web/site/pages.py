"""All pages of the site, in one place."""

from typing import Any

from flask import Flask, redirect, url_for
from flask_admin import Admin
from flask_admin.theme import Theme
from werkzeug.wrappers import Response

from muster_platform.access.mail_models import Mail
from muster_platform.access.models import AuditEntry, Group, Role, User
from muster_platform.access.token_models import ApiToken
from muster_platform.devices.models import Device, EnrolmentToken, Profile
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound
from muster_platform.web.headers import csp_nonce
from muster_platform.web.site import alarm_links, session
from muster_platform.web.site.views.access import Review, WhyMay
from muster_platform.web.site.views.account import Account
from muster_platform.web.site.views.alarms import Alarms
from muster_platform.web.site.views.api_pages import ApiPages
from muster_platform.web.site.views.api_tokens import ApiTokenList
from muster_platform.web.site.views.approvals import Approvals
from muster_platform.web.site.views.audit import AuditList
from muster_platform.web.site.views.bulk import Bulk
from muster_platform.web.site.views.deleted import Deleted
from muster_platform.web.site.views.device_acts import DeviceActs
from muster_platform.web.site.views.device_list import DeviceList
from muster_platform.web.site.views.device_page import DevicePage
from muster_platform.web.site.views.enrolment import EnrolmentList
from muster_platform.web.site.views.executions import Executions
from muster_platform.web.site.views.fingerprints import Fingerprints
from muster_platform.web.site.views.groups import GroupList
from muster_platform.web.site.views.home import Home
from muster_platform.web.site.views.imports import Imports
from muster_platform.web.site.views.jobs import Jobs
from muster_platform.web.site.views.logs import Logs
from muster_platform.web.site.views.mails import MailList
from muster_platform.web.site.views.on_call import OnCall
from muster_platform.web.site.views.person import People
from muster_platform.web.site.views.profiles import ProfileList
from muster_platform.web.site.views.quarantine import QuarantineList
from muster_platform.web.site.views.releases import Releases
from muster_platform.web.site.views.roles import RoleList
from muster_platform.web.site.views.rollouts import Rollouts
from muster_platform.web.site.views.rules import Rules
from muster_platform.web.site.views.search import Search
from muster_platform.web.site.views.second_factor import SecondFactorPages
from muster_platform.web.site.views.settings import SettingsPages
from muster_platform.web.site.views.sign_ins import SignIns
from muster_platform.web.site.views.tasks import Tasks
from muster_platform.web.site.views.versions import Versions

THEME = Theme(folder="muster", base_template="admin/base.html")
"""No folder of that name is Flask-Admin's: every template is ours, or missing with an error."""


def views() -> list[Any]:
    """Make every view but the home; endpoints are what templates name."""
    return [
        DeviceList(Device, "Devices", endpoint="device", url="device"),
        DevicePage("Device", endpoint="devices", url="devices"),
        DeviceActs("Device", endpoint="device_acts", url="device-acts"),
        Imports("Import devices", endpoint="imports", url="import"),
        Deleted("Deleted devices", endpoint="deleted", url="deleted"),
        Approvals("Waiting for approval", endpoint="approvals", url="approvals"),
        Bulk("Bulk changes", endpoint="bulk", url="bulk"),
        GroupList(Group, "Groups", endpoint="group", url="groups"),
        ProfileList(Profile, "Profiles", endpoint="profile", url="profiles"),
        EnrolmentList(EnrolmentToken, "Enrolment", endpoint="enrolment", url="enrolment"),
        SettingsPages("Settings", endpoint="settings", url="settings"),
        Releases("Releases", endpoint="releases", url="releases"),
        Jobs("Jobs", endpoint="jobs", url="jobs"),
        Rollouts("Rollouts", endpoint="rollouts", url="rollouts"),
        Executions("Executions", endpoint="executions", url="executions"),
        Logs("Logs", endpoint="logs", url="logs"),
        Alarms("Alarms", endpoint="alarms", url="alarms"),
        Rules("Rules", endpoint="rules", url="rules"),
        OnCall("On call", endpoint="on_call", url="on-call"),
        Fingerprints("Fingerprints", endpoint="fingerprints", url="fingerprints"),
        QuarantineList(Quarantined, "Quarantine", endpoint="quarantine", url="quarantine"),
        People(User, "People", endpoint="user", url="people"),
        RoleList(Role, "Roles", endpoint="role", url="roles"),
        ApiTokenList(ApiToken, "API tokens", endpoint="api_token", url="api-tokens"),
        Review("Access review", endpoint="review", url="access-review"),
        WhyMay("Why may…?", endpoint="why", url="why"),
        AuditList(AuditEntry, "Audit", endpoint="audit", url="audit"),
        Versions("Versions", endpoint="versions", url="versions"),
        Search("Search", endpoint="search", url="search"),
        Account("Account", endpoint="account", url="account"),
        SecondFactorPages("Account", endpoint="second_factor", url="account/second-factor"),
        SignIns("Sign-ins", endpoint="sign_ins", url="sign-ins"),
        MailList(Mail, "Mails", endpoint="mail", url="mails"),
        Tasks("Tasks", endpoint="tasks", url="tasks"),
        ApiPages("API", endpoint="api_pages", url="api"),
    ]


def register(app: Flask) -> None:
    """Add all pages to the application."""
    admin = Admin(
        app,
        name="Muster",
        index_view=Home(name="Home", endpoint="admin", url="/admin"),
        theme=THEME,
        csp_nonce_generator=csp_nonce,
    )
    for view in views():
        admin.add_view(view)
    # Nobody needs Flask-Admin's own scripts: what is not served cannot be used against the policy.
    app.view_functions["admin.static"] = nothing_there
    app.register_blueprint(session.blueprint)
    app.register_blueprint(alarm_links.blueprint)
    app.add_url_rule("/", "root", root)


def nothing_there(filename: str) -> Response:
    """Say that there is no such file."""
    raise NotFound("file", filename)


def root() -> Response:
    """Go to the home page."""
    return redirect(url_for("admin.index"))
