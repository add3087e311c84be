"""Deleted devices: brought back while their data is there, or purged."""

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.devices.restore import DeletedService
from muster_platform.paging import PageRequest
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate


class Deleted(gate.SiteView):
    """The list, and the two ways out of it."""

    @expose("/")
    def index(self) -> str:
        """Show deleted devices, the latest first."""
        search, cursor = request.args.get("search", ""), request.args.get("cursor") or None
        with gate.reading() as unit:
            page = DeletedService(unit).list(search, PageRequest(50, cursor))
            return self.render(
                "site/registry/deleted.html",
                devices=page.items,
                search=search,
                older_url=gate.older(page.next_cursor),
                kept_days=unit.settings.restore_s // 86_400,
            )

    @expose("/<int:device_key>/restore", methods=("POST",))
    def restore(self, device_key: int) -> Response:
        """Bring one back."""
        return gate.act(
            lambda unit: DeletedService(unit).restore(device_key),
            "The device is back, with its data. It needs a new secret.",
            url_for(".index"),
        )

    @expose("/<int:device_key>/purge", methods=("POST",))
    def purge(self, device_key: int) -> Response:
        """Delete the data of one now."""
        require_fresh()
        return gate.act(
            lambda unit: DeletedService(unit).purge(device_key),
            "Its data is being deleted.",
            url_for(".index"),
        )
