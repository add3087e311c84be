"""Links in mails about alarms: a page that says what it is, and a button that acknowledges.

Nobody signs in here: the token in the address is what counts, no cookie. Programs that look into
mails open links, so opening one changes nothing. The policy of all pages (same-origin) keeps the
token from other sites; `no-referrer` would make browsers send the button with `Origin: null`, which
`check_origin` refuses.
"""

from flask import Blueprint, Response, make_response, render_template

from muster_platform.access.actor import system_actor
from muster_platform.alerts import links
from muster_platform.errors import MusterError, PermissionDenied
from muster_platform.web import csrf
from muster_platform.web.context import platform
from muster_platform.web.site.gate import sentence

blueprint = Blueprint("alarm_links", __name__, url_prefix="/admin/alarm-link")
_ACTOR = system_actor("web")


@blueprint.get("/<token>")
def show(token: str) -> Response:
    """Say what the link is about."""
    return _page(token, done=0)


@blueprint.post("/<token>")
def acknowledge(token: str) -> Response:
    """Acknowledge in the name of whoever the mail went to.

    Raises:
        CrossSite: a page of another site sent it.
    """
    csrf.check_origin()
    try:
        with platform().unit(_ACTOR) as unit:
            done = links.acknowledge(unit, token)
    except (links.LinkEnded, PermissionDenied) as error:
        return _refused(error)
    return _page(token, done=done)


def _page(token: str, *, done: int) -> Response:
    try:
        with platform().unit(_ACTOR, write=False) as unit:
            found = links.look(unit, token)
    except (links.LinkEnded, PermissionDenied) as error:
        return _refused(error)
    text = render_template(
        "site/alarm_link.html", found=found, done=done, shown=links.SHOWN, actor=None, problem=""
    )
    return make_response(text)


def _refused(error: MusterError) -> Response:
    status = 403 if isinstance(error, PermissionDenied) else 401
    text = render_template(
        "site/alarm_link.html", found=None, done=0, actor=None, problem=sentence(error)
    )
    return make_response(text, status)
