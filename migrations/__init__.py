"""The history of the database's schema, as Alembic revisions that are installed with the service."""

# The newest revision, for processes that only compare it: they need not load Alembic.
HEAD = "0006"
