"""The web process, with the bug of :mod:`chaos.planted` that ``CHAOS_PLANT`` names, if it names one."""

import os

from chaos import planted
from starlette.types import ASGIApp

from app import main


def create_app() -> ASGIApp:
    """Return the whole service as an ASGI application."""
    planted.plant(os.environ.get("CHAOS_PLANT", ""))
    return main.create_app()
