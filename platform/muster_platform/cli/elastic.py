"""Commands about Elasticsearch: elastic setup, status."""

import typer

from muster_platform.adapters.elastic import connect
from muster_platform.cli.common import Json, State, settings, show, show_one
from muster_platform.errors import Unavailable
from muster_platform.logs.elastic.indices import days, has_templates, put_templates

elastic_app = typer.Typer(no_args_is_help=True, help="Look after the log store in Elasticsearch.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    elastic_app.command("setup")(elastic_setup)
    elastic_app.command("status")(elastic_status)
    app.add_typer(elastic_app, name="elastic")


def elastic_setup(state: State = None, as_json: Json = False) -> None:
    """Put the templates of our indices; done again it changes nothing. Data stays as it is."""
    chosen = settings(state)
    engine = connect(chosen)
    prefix = chosen.elasticsearch_index
    try:
        names = put_templates(
            engine, prefix, chosen.elasticsearch_shards, chosen.elasticsearch_replicas
        )
    finally:
        engine.close()
    show([{"template": name, "for": f"{prefix}-*"} for name in names], ("template", "for"), as_json)


def elastic_status(state: State = None, as_json: Json = False) -> None:
    """Show health, templates and the days that there are."""
    chosen = settings(state)
    engine = connect(chosen)
    try:
        health = engine.call("GET", "/_cluster/health")
        if health is None:
            raise Unavailable("what answers there is no Elasticsearch")
        kept = list(days(engine, chosen.elasticsearch_index))
        show_one(
            {
                "health": health["status"],
                "nodes": health["number_of_nodes"],
                "templates": has_templates(engine, chosen.elasticsearch_index),
                "first_day": kept[0] if kept else None,
                "last_day": kept[-1] if kept else None,
                "days": len(kept),
            },
            as_json,
        )
    finally:
        engine.close()
