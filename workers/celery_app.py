"""The worker's process: ``python -P -m workers.celery_app``.

``celery -A workers.celery_app worker`` starts the same one with Celery's own options; started so, the
working directory's modules go before the installed ones.
"""

import sys

from app.settings import Settings
from workers.consumer import consumer_of, run
from workers.worker import Worker

celery = consumer_of(Worker(Settings()))

if __name__ == "__main__":
    sys.exit(run(celery))
