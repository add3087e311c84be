"""Flask-Admin's model view over a service.

Lists, filters, forms and exports are Flask-Admin's; reading and changing are the service's, with
the person's rights.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from flask import Response, flash, g, request
from flask_admin.form import BaseForm
from flask_admin.model import BaseModelView

from muster_platform.errors import InvalidInput, NotFound
from muster_platform.paging import Page, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import exports, flashes, gate
from muster_platform.web.site.filters import FilterField, ListFilter

COUNT_MAX = 10_000
"""Lists say how many match up to here: counting all of a large fleet costs more than its page."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list was asked for.

    Attributes:
        sort: a column, None for the list's own order.
        filters: {filter key: value}.
    """

    sort: str | None = None
    descending: bool = False
    search: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    page: PageRequest = field(default_factory=PageRequest)


class ServiceModelView(gate.SiteView, BaseModelView):
    """Base of the site's model views.

    A subclass names columns, filters and form as for any Flask-Admin view and gives `fetch`,
    `one`, `create`, `update`, `remove` over its service.
    """

    can_create = False
    can_edit = False
    can_delete = False
    can_export = True
    named_filter_urls = True
    page_size = 50
    export_types: ClassVar[list[str]] = ["csv"]
    form: Any = BaseForm
    create_text = "Create"
    delete_text = "Delete"
    empty_title = "Nothing here yet"
    empty_text = ""
    details_only: ClassVar[tuple[str, ...]] = ()
    """Columns that a phone's list leaves out; the row's page has them."""
    column_export_list: Any = None
    column_formatters_export: ClassVar[dict[str, Any]] = {}

    # What subclasses give

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Any]:
        """Read one page of the list."""
        raise LookupError(f"{type(self).__name__} has no list")

    def count(self, unit: Unit, query: ListQuery) -> int | None:
        """Count what matches, or None where nobody needs to know."""
        return None

    def one(self, unit: Unit, pk: str) -> Any:
        """Read one; NotFound where it is not there."""
        raise NotFound(self.name, pk)

    def create(self, unit: Unit, form: BaseForm) -> Any:
        """Make one from a valid form."""
        raise InvalidInput("nothing can be created here")

    def update(self, unit: Unit, form: BaseForm, row: Any) -> None:
        """Change one from a valid form."""
        raise InvalidInput("nothing can be changed here")

    def remove(self, unit: Unit, row: Any) -> None:
        """Delete one."""
        raise InvalidInput("nothing can be deleted here")

    def row_name(self, row: Any) -> str:
        """Name a row for people."""
        return str(getattr(row, "name", self.get_pk_value(row)))

    def row_url(self, row: Any) -> str:
        """Give the page of a row, "" where it has none."""
        return ""

    def delete_question(self, row: Any) -> str:
        """Ask before deleting."""
        return f"Delete {self.row_name(row)}? This cannot be undone."

    def bulk_acts(self) -> list[tuple[str, str]]:
        """Give what the person may do to many rows at once: (act, text)."""
        return []

    def bulk_filter(self, query: ListQuery) -> dict[str, Any]:
        """Give what the list is filtered by, for an act on all that match."""
        return {}

    # What templates ask for

    def count_text(self, count: int) -> str:
        """Write how many match: a number, or that there are more than anyone counts."""
        return f"{count:,}" if count <= COUNT_MAX else f"{COUNT_MAX:,}+"

    def bulk_filter_json(self) -> str:
        """Give the present filter for the form of bulk acts."""
        return json.dumps(self.bulk_filter(self._asked()))

    def has_row_actions(self) -> bool:
        """Say whether rows have a menu."""
        return bool(self.can_edit or self.can_delete)

    def filter_fields(self, active: Any) -> list[FilterField]:
        """Give the filters with their choices and present values."""
        values = {index: value for index, _name, value in active or ()}
        return [
            FilterField(
                f"flt{index}_{self.get_filter_arg(index, item)}",
                item.name,
                item.empty,
                item.choices() if item.choices else None,
                values.get(index, ""),
                item.suggestions() if item.suggestions else (),
            )
            for index, item in enumerate(self._filters or ())
        ]

    def next_url(self) -> str:
        """Give the address of the next page, "" on the last one."""
        return gate.older(g.get("list_cursor"))

    def first_url(self) -> str:
        """Give the address of the first page."""
        return gate.query(request.path, cursor=None)

    def export_url(self) -> str:
        """Give the address of the export of what the list shows."""
        return gate.query(self.get_url(".export", export_type="csv"), cursor=None)

    # Flask-Admin's side

    def get_pk_value(self, model: Any) -> Any:
        """Give the key of a row."""
        return model.id

    def scaffold_list_columns(self) -> list[str]:
        """Give no columns of its own accord."""
        return []

    def scaffold_sortable_columns(self) -> dict[str, str]:
        """Give no sortable columns of its own accord."""
        return {}

    def init_search(self) -> bool:
        """Say whether the list can be searched."""
        return bool(self.column_searchable_list)

    def scaffold_form(self) -> Any:
        """Give the view's form."""
        return self.form

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> Any:
        """Give the form of inline edits."""
        return self.form

    def get_list(
        self,
        page: int,
        sort_field: str | None,
        sort_desc: Any,
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[int | None, list[Any]]:
        """Read one page through the service."""
        cursor = request.args.get("cursor") or None
        query = self._query(sort_field, sort_desc, search, filters)
        query = replace(query, page=PageRequest(page_size or self.page_size, cursor))
        with gate.reading() as unit:
            found = self.fetch(unit, query)
            g.list_cursor = found.next_cursor
            return self.count(unit, query), found.items

    def _query(self, sort: str | None, desc: Any, search: str | None, filters: Any) -> ListQuery:
        chosen = {}
        for index, _name, value in filters or ():
            item: ListFilter = self._filters[index]
            chosen[item.key] = item.clean(value)
        return ListQuery(sort, bool(desc), (search or "").strip(), chosen)

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's name
        """Read one through the service.

        Raises:
            NotFound: it is not there for this person.
        """
        with gate.reading() as unit:
            return self.one(unit, str(id))

    def create_model(self, form: BaseForm) -> Any:
        """Make one; a refusal is shown beside its field and nothing typed is lost."""
        try:
            with gate.writing() as unit:
                row = self.create(unit, form)
        except gate.TELLABLE as error:
            tell(form, error)
            return False
        if row is not None and row is not True:
            self._say(row, "created")
        return row

    def update_model(self, form: BaseForm, model: Any) -> bool:
        """Change one, likewise."""
        try:
            with gate.writing() as unit:
                self.update(unit, form, model)
        except gate.TELLABLE as error:
            tell(form, error)
            return False
        self._say(model, "saved")
        return True

    def delete_model(self, model: Any) -> bool:
        """Delete one, likewise."""
        try:
            with gate.writing() as unit:
                self.remove(unit, model)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return False
        self._say(model, "deleted")
        return True

    def _say(self, row: Any, what: str) -> None:
        # What is shown once (a token's text) comes beside the row.
        row = row[0] if isinstance(row, tuple) else row
        flash(f"{flashes.thing(self.name)} {self.row_name(row)} was {what}.", "success")

    def get_column_name(self, field: str) -> str:
        """Give the heading of a column, in lists and exports: `heard_at` is "Heard at"."""
        labels = self.column_labels or {}
        return str(labels.get(field) or field.replace("_", " ").capitalize())

    def _export_csv(self, return_url: Any) -> Response:
        """Export all that the filters choose, page by page, up to the installation's limit."""
        names = [title for _column, title in self._export_columns]
        cells = (
            [self.get_export_value(row, column) for column, _title in self._export_columns]
            for row in self.begun_rows()
        )
        return exports.csv(self.get_export_name("csv").removesuffix(".csv"), names, cells)

    def _asked(self) -> ListQuery:
        """Read what the present request asks the list for."""
        args = self._get_list_extra_args()
        column = self._get_column_by_idx(args.sort)
        return self._query(column[0] if column else None, args.sort_desc, args.search, args.filters)

    def begun_rows(self) -> Iterator[Any]:
        """Give the rows of an export, the first one read already."""
        query = self._asked()
        return exports.rows(lambda unit, page: self.fetch(unit, replace(query, page=page)))


def tell(form: BaseForm, error: Any) -> None:
    """Put a refusal beside the field it is about, or above the form."""
    name = str(getattr(error, "where", "")).removeprefix("$.").split(".")[0].split("[")[0]
    if name and name in form:
        form[name].errors = [*form[name].errors, gate.sentence(error)]
    else:
        flash(gate.sentence(error), "error")


def whole(rows: Iterable[Any]) -> Page[Any]:
    """Make a page of a list that is short by nature."""
    return Page(list(rows))
