"""A worker for tests: everything is real but the children, which are scripted."""

import os
import sys

import workers.slots
from app.settings import Settings
from workers.child import Program
from workers.consumer import consumer_of, run
from workers.supervisor import Limits
from workers.worker import Worker

PROGRAMS = {
    # A preloaded module makes the fork server worth having; this one is as good as TensorFlow.
    "training": Program("scripted_child", preload=("json",)),
    "reading": Program("scripted_child"),
}
LIMITS = Limits(cancel_grace=1.0, drain_grace=0.5)

if __name__ == "__main__":
    # A test that proves a ring cannot have a worker that looks for work by itself.
    workers.slots.POLL_SECONDS = float(os.environ.get("POLL_SECONDS", "2"))
    sys.exit(run(consumer_of(Worker(Settings(), programs=PROGRAMS, limits=LIMITS))))
