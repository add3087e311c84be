"""What people do to a device's place in the registry: who speaks for it, what is captured."""

from flask import redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.raw import RawService
from muster_platform.web.site import gate


class DeviceActs(gate.SiteView):
    """Forms of the device page."""

    @expose("/")
    def index(self) -> Response:
        """Go to the list."""
        return redirect(url_for("device.index_view"))

    @expose("/<device_id>/attach", methods=("POST",))
    def attach(self, device_id: str) -> Response:
        """Give a device a gateway: the form stands on its own page, or on the gateway's."""
        gateway = request.form.get("gateway", "").strip()
        back = request.form.get("back", "")
        child = request.form.get("child", "").strip() or device_id
        return gate.act(
            lambda unit: GatewayService(unit).attach(child, gateway, hooks=DEVICE_HOOKS),
            f"{gateway} speaks for {child} from now on.",
            gate.safe_next(back, "device.index_view"),
        )

    @expose("/<device_id>/detach", methods=("POST",))
    def detach(self, device_id: str) -> Response:
        """Make a child a device of its own."""
        return gate.act(
            lambda unit: GatewayService(unit).detach(device_id, hooks=DEVICE_HOOKS),
            f"{device_id} is a device of its own now; make a secret for it.",
            url_for("devices.page", device_id=device_id, tab="access"),
        )

    @expose("/<device_id>/capture", methods=("POST",))
    def capture(self, device_id: str) -> Response:
        """Begin or end to keep every message as it comes."""
        text = request.form.get("seconds", "0")
        seconds = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else -1
        done = (
            "Every message is kept as it comes for a while; reload to see them."
            if seconds
            else "Messages are no longer captured."
        )
        return gate.act(
            lambda unit: RawService(unit).capture(device_id, seconds),
            done,
            url_for("devices.page", device_id=device_id, tab="raw"),
        )
