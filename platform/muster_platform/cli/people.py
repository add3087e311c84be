"""Commands about people that work on this machine only."""

import typer

user_app = typer.Typer(no_args_is_help=True, help="People who sign in, and their roles.")


def register(app: typer.Typer) -> None:
    """Add the commands; those of the same name that the client has work against servers too."""
    app.add_typer(user_app, name="user")
