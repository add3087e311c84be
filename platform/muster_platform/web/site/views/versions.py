"""The versions in the fleet: every component that devices say they have."""

from flask_admin import expose

from muster_platform.devices.inventories import InventoryService
from muster_platform.web.site import gate


class Versions(gate.SiteView):
    """Components with their versions; each leads to its devices."""

    @expose("/")
    def index(self) -> str:
        """Show all components."""
        with gate.reading() as unit:
            return self.render("site/versions.html", found=InventoryService(unit).versions())
