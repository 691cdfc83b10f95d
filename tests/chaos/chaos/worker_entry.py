"""A worker whose children are scripted: ``python -P worker_entry.py``; everything else is real.

``CHAOS_PLANT`` names a bug of :mod:`chaos.planted` that this worker is to have.
"""

import os
import sys

from chaos import planted

from app.settings import Settings
from workers.child import Program
from workers.consumer import consumer_of, run
from workers.worker import Worker

CHILD = "chaos.child"
PROGRAMS = {
    "training": Program(CHILD, preload=("numpy", "models.keeper", "workers.children.program")),
    "reading": Program(CHILD),
}

if __name__ == "__main__":
    planted.plant(os.environ.get("CHAOS_PLANT", ""))
    sys.exit(run(consumer_of(Worker(Settings(), programs=PROGRAMS))))
