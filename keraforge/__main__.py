"""``python -m keraforge``: the same as the command ``keraforge``."""

from keraforge.cli.main import app

app()
