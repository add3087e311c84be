"""What is said after a form: our words for Flask-Admin's."""

THEIRS: dict[str, str] = {
    "Record was successfully created.": "",
    "Record was successfully saved.": "",
    "Record was successfully deleted.": "",
    "Record does not exist.": "It is not there any more.",
    "Failed to create record.": "Nothing was created yet: look at the marked fields.",
    "Failed to save record.": "Nothing was saved yet: look at the marked fields.",
}
"""Flask-Admin's sentence -> ours; "" where the view says it itself, with the name."""

SINGULAR: dict[str, str] = {"People": "Person", "Enrolment": "Enrolment token"}


def shown(message: str) -> str:
    """Give what people read; "" for a message that is not shown."""
    return THEIRS.get(message, message)


def thing(title: str) -> str:
    """Name one of the things that a list of that title holds."""
    return SINGULAR.get(title) or title.removesuffix("s")
