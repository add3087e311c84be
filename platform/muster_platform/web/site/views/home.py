"""The home page: one of the homes of a person's roles, with tabs where there are several."""

from flask import request, url_for
from flask_admin import AdminIndexView, expose
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.access.preferences import PreferenceService
from muster_platform.access.roles import permissions_of
from muster_platform.access.users import UserService
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.home import homes

PREFERENCE = "home"


class Home(gate.SiteView, AdminIndexView):
    """Where everybody begins."""

    @expose("/")
    def index(self) -> str:
        """Show the home that was asked for, the preferred one, or the first."""
        with gate.reading() as unit:
            mine = homes_of(unit)
            preferred = PreferenceService(unit).all().get(PREFERENCE, "")
            shown = homes.first(mine, request.args.get("home", ""), preferred)
            panels = homes.visible(shown, unit.actor) if shown is not None else []
            found = {panel.name: panel.read(unit) for panel in panels}
            return self.render(
                "site/home.html",
                homes=mine,
                home=shown,
                preferred=preferred,
                panels={panel.name: panel for panel in panels},
                data=found,
            )

    @expose("/home/", methods=("POST",))
    def choose(self) -> Response:
        """Keep which of the person's homes comes first."""
        name = request.form.get("home", "")
        back = url_for(".index")

        def keep(unit: Unit) -> None:
            if name not in {home.name for home in homes_of(unit)}:
                raise InvalidInput("that is no home of yours", where="home")
            PreferenceService(unit).choose(PREFERENCE, name)

        title = homes.BY_NAME[name].title if name in homes.BY_NAME else name
        return gate.act(keep, f"{title} comes first from now on.", back)

    @expose("/part/<piece>")
    def part(self, piece: str) -> str:
        """Draw one panel again."""
        panel = homes.PANELS.get(piece)
        if panel is None:
            raise NotFound("panel", piece)
        with gate.reading() as unit:
            panel.require_of(unit.actor)
            return self.render(panel.template, found=panel.read(unit))


def homes_of(unit: Unit) -> list[homes.Home]:
    """Give the homes of the person whose unit it is."""
    roles: dict[str, frozenset[Permission]] = {}
    if unit.actor.kind == "user":
        user = UserService(unit).get(unit.actor.id)
        roles = {binding.role.name: permissions_of(binding.role) for binding in user.bindings}
    return homes.homes_for(unit.actor, roles.items())
