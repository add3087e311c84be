"""One's own account: password, rights."""

from collections import defaultdict

from flask import request, url_for
from flask_admin import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from muster_platform.access.actor import Actor
from muster_platform.access.models import Group
from muster_platform.access.users import UserService
from muster_platform.unit import Unit
from muster_platform.web.site import gate


class Account(gate.SiteView):
    """What people change of themselves."""

    @expose("/")
    def index(self) -> str:
        """Show password form and rights."""
        with gate.reading() as unit:
            return self.render("site/account.html", rights=rights(unit, gate.actor()))

    @expose("/password", methods=("POST",))
    def password(self) -> Response:
        """Change the password; all other sessions end."""
        old, new = request.form.get("old", ""), request.form.get("new", "")
        return gate.act(
            lambda unit: UserService(unit).change_own_password(old, new),
            "The password was changed.",
            url_for(".index"),
        )


def rights(unit: Unit, actor: Actor) -> list[tuple[str, list[str]]]:
    """Give (where, permissions) for each place that the actor has rights on."""
    paths = [grant.group_path for grant in actor.grants if grant.group_path is not None]
    rows = unit.session.execute(select(Group.path, Group.name).where(Group.path.in_(paths)))
    names = {row.path: row.name for row in rows}
    found: dict[str, set[str]] = defaultdict(set)
    for grant in actor.grants:
        where = "Everywhere" if grant.group_path is None else names.get(grant.group_path, "?")
        found[where] |= set(map(str, grant.permissions))
    return [(where, sorted(names_)) for where, names_ in sorted(found.items())]
