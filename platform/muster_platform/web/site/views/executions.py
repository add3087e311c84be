"""Single executions: why they wait, cancel, retry."""

from flask import redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.jobs.executions import ExecutionService
from muster_platform.web.site import gate


class Executions(gate.SiteView):
    """Has no list of its own: executions stand on their device's and their job's page."""

    @expose("/")
    def index(self) -> Response:
        """Go to the jobs."""
        return redirect(url_for("jobs.index"))

    @expose("/<execution_id>/why")
    def why(self, execution_id: str) -> str:
        """Say what holds it back, or how it ended; as part of a page when fetched."""
        with gate.reading() as unit:
            service = ExecutionService(unit)
            execution = service.get(execution_id)
            why, events = service.why(execution_id), service.events(execution_id)
        template = "site/why.html" if gate.is_fetch() else "site/why_page.html"
        return self.render(template, execution=execution, why=why, events=events)

    @expose("/<execution_id>/cancel", methods=("POST",))
    def cancel(self, execution_id: str) -> Response:
        """Cancel it."""
        return gate.act(
            lambda unit: ExecutionService(unit).cancel(execution_id),
            "Cancel was requested.",
            gate.safe_next(request.form.get("next")),
        )

    @expose("/<execution_id>/retry", methods=("POST",))
    def retry(self, execution_id: str) -> Response:
        """Try again."""
        return gate.act(
            lambda unit: ExecutionService(unit).retry(execution_id),
            "A new attempt was queued.",
            gate.safe_next(request.form.get("next")),
        )
