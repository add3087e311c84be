"""Commands about releases: make, fill, publish, revoke."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, State, WrongOption, parse_json, show, show_one, take
from muster_client.uploads import upload_artifact

Release = Annotated[str, typer.Argument(help="Id of the release.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
LISTED = ("id", "name", "version", "state", "profiles", "created_at")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="What may be installed on devices.")
    for name, command in (
        ("create", release_create),
        ("list", release_list),
        ("show", release_show),
        ("upload", release_upload),
        ("publish", release_publish),
        ("revoke", release_revoke),
        ("delete", release_delete),
    ):
        group.command(name)(command)
    app.add_typer(group, name="releases")


def release_create(
    name: str,
    version: str,
    component: Annotated[
        list[str] | None, typer.Option(help="NAME=VERSION; may be repeated.")
    ] = None,
    profile: Annotated[list[str] | None, typer.Option(help="It is for; may be repeated.")] = None,
    notes_file: Annotated[Path | None, typer.Option(help="Markdown.", dir_okay=False)] = None,
    title: Annotated[str, typer.Option(help="What a phone shows.")] = "",
    body: Annotated[str, typer.Option(help="What a phone shows below.")] = "",
    url: Annotated[str, typer.Option(help="What a phone opens.")] = "",
    data: Annotated[str, typer.Option(help="JSON object for the app.")] = "{}",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make a draft of a release."""
    notes = notes_file.read_text(encoding="utf-8") if notes_file else ""
    with muster(state) as api:
        made = api.create_release(
            name=name,
            version=version,
            components=_components(component or []),
            profiles=profile or [],
            notes=notes,
            title=title,
            body=body,
            url=url,
            data=parse_json(data, "--data"),
        )
    show_one(take(made, "id", "name", "version", "state", "missing"), as_json)


def release_list(
    search: Annotated[str, typer.Option(help="In name or version.")] = "",
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List releases, newest first."""
    with muster(state) as api:
        rows = api.list_releases(search=search, limit=limit)["items"]
    show([take(row, *LISTED) for row in rows], LISTED, as_json)


def release_show(release: Release, state: State = None, as_json: Json = False) -> None:
    """Show a release with its files."""
    with muster(state) as api:
        found: Any = api.get_release(release)
    if not as_json:
        found = {**found, "artifacts": [_file(item) for item in found["artifacts"]]}
    show_one(found, as_json)


def release_upload(
    release: Release,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    component: Annotated[str, typer.Option(help="That it is for; all without it.")] = "",
    profile: Annotated[str, typer.Option(help="The only one that gets it.")] = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Upload a file to a draft; the same again goes on where it stopped."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with muster(state) as api, Progress(*columns, disable=as_json) as shown:
        task = shown.add_task(file.name, total=file.stat().st_size)
        done = upload_artifact(
            api,
            release,
            file,
            component=component,
            profile=profile,
            progress=lambda received, _size: shown.update(task, completed=received),
        )
    show_one(take(done, "id", "name", "size", "sha256"), as_json)


def release_publish(release: Release, state: State = None, as_json: Json = False) -> None:
    """Let rollouts use it; it is fixed from then, but for its notes."""
    with muster(state) as api:
        found = api.publish_release(release)
    show_one(take(found, "id", "name", "version", "state"), as_json)


def release_revoke(
    release: Release,
    reason: Annotated[str, typer.Option(help="Why.")],
    yes: Yes = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Take a release back for good: no device is given it any more."""
    if not yes:
        typer.confirm("Revoke it for good?", abort=True)
    with muster(state) as api:
        found = api.revoke_release(release, reason=reason)
    show_one(take(found, "id", "name", "version", "state", "reason"), as_json)


def release_delete(
    release: Release, yes: Yes = False, state: State = None, as_json: Json = False
) -> None:
    """Delete a draft with its files."""
    if not yes:
        typer.confirm("Delete the draft and its files?", abort=True)
    with muster(state) as api:
        api.delete_release(release)
    show_one({"id": release, "deleted": True}, as_json)


def _components(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, mark, version = one.partition("=")
        if not mark or not name or not version:
            raise WrongOption(f"--component {one!r}: expected NAME=VERSION")
        found[name] = version
    return found


def _file(item: dict[str, Any]) -> str:
    return f"{item['name']} ({item['size']} bytes, sha256 {item['sha256']})"
