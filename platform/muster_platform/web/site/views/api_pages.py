"""The API and the device protocol, to be read without any other host."""

from flask import request
from flask_admin import expose

from muster_platform.errors import NotFound
from muster_platform.web.site import api_reference as reference
from muster_platform.web.site import gate

SEARCH_CHARS = 200


class ApiPages(gate.SiteView):
    """What the API can do, one page for each operation and type."""

    @expose("/")
    def index(self) -> str:
        """List the operations, all or those that hold the words."""
        search = request.args.get("q", "")[:SEARCH_CHARS]
        found = reference.by_tag(search)
        count = sum(map(len, found.values()))
        return self.render("site/api/index.html", found=found, search=search, count=count)

    @expose("/operations/<wanted>")
    def operation(self, wanted: str) -> str:
        """Show one operation."""
        item = reference.operations().get(wanted)
        if item is None:
            raise NotFound("operation", wanted)
        return self.render("site/api/operation.html", item=item, curl=item.curl(request.host_url))

    @expose("/types/<wanted>")
    def type(self, wanted: str) -> str:
        """Show one type."""
        found = reference.type_fields(wanted)
        if found is None:
            raise NotFound("type", wanted)
        told, fields = found
        return self.render(
            "site/api/type.html",
            name=wanted,
            told=told,
            fields=fields,
            values=reference.type_values(wanted),
            users=reference.users_of(wanted),
        )

    @expose("/channels")
    def channels(self) -> str:
        """Show the table of channels."""
        return self.render("site/api/channels.html", channels=reference.channels())
