"""Names as people type them: ``digits``, ``digits@2``, ``digits@champion``, and the newest job."""

import typer

import keraforge


def name_and_number(text: str) -> tuple[str, int | None]:
    """Return ``("digits", 2)`` for ``digits@2`` and ``("digits", None)`` for ``digits``."""
    name, mark, number = text.partition("@")
    if mark and not number.isdecimal():
        raise typer.BadParameter(f"expected NAME or NAME@NUMBER, got {text!r}")
    return name, int(number) if mark else None


def version_or_alias(text: str) -> tuple[str, int | None, str | None]:
    """Return the name, then a version's number or an alias, of ``digits@3`` or ``digits@champion``."""
    name, _, choice = text.partition("@")
    if choice.isdecimal():
        return name, int(choice), None
    return name, None, choice or None


def job_or_newest(client: "keraforge.Client", job: str | None) -> str:
    """Return ``job``, or the newest job where none was named."""
    if job is not None:
        return job
    newest = client.jobs.list(limit=1)
    if not newest:
        raise keraforge.KeraforgeError("There is no job yet. Submit one with `keraforge train`.")
    return newest[0].id
