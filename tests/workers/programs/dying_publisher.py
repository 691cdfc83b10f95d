"""Publishes what a child has left, and is killed at one step of it: STEP JOB OUTPUT RESULT."""

import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.database import Database
from app.settings import Settings
from app.storage import Store
from app.tables import ModelVersion
from workers.conclusion import Conclusion
from workers.journal import Journal
from workers.protocol import TrainingOrder
from workers.supervisor import Ending
from workers.workshop import Workshop


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_rename(number):
    left = number

    def watch(name, _):
        nonlocal left
        if name == "os.rename":
            left -= 1
            if left == 0:
                die()

    sys.addaudithook(watch)


def arm(step, database):
    match step:
        case "first file":
            die_before_rename(1)
        case "last file":
            die_before_rename(2)
        case "transaction":
            event.listen(ModelVersion, "after_insert", die)
        case "commit":
            event.listen(database.engine, "commit", die)
        case "end":
            event.listen(Session, "after_commit", lambda session: session.in_nested_transaction() or die())


def main(step, job, output, result):
    settings = Settings()
    database = Database(settings.resolved_database_url)
    workshop = Workshop(settings, database, Store(settings.data_dir), draining=lambda: False)
    order = TrainingOrder.model_construct(kind="training", job=job, attempt=1)
    arm(step, database)
    Conclusion(workshop, order, Journal(database, job, 1)).write(
        Ending(result=json.loads(result)), Path(output), None
    )


main(*sys.argv[1:])
