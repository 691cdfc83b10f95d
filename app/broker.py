"""How the web process and the workers reach each other: one Celery application on one broker.

A message says no more than that there is work for slots of some sort. It is acknowledged before it is
handled, no result is kept, and losing all of them costs a worker one poll of the database.
"""

from pathlib import Path
from typing import Any, Literal

from celery import Celery
from kombu import Queue

from app import folder_transport
from app.settings import Settings

SLOTS = ("training", "light")

Side = Literal["publisher", "consumer"]


def create_celery(settings: Settings, side: Side) -> Celery:
    """Return the Celery application of one side; it connects only when it is used."""
    folder_transport.register()
    # kombu warns of a URL without a host, which a folder has not.
    url = f"{folder_transport.SCHEME}://localhost" if is_embedded(settings) else settings.resolved_broker_url
    # Celery's own fixup for Django would load all of the worker into the web process.
    celery = Celery("keraforge", broker=url, set_as_current=side == "consumer", fixups=[])
    celery.conf.update(
        task_queues=[Queue(slot) for slot in SLOTS],
        task_default_queue=SLOTS[0],
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=0.5 if side == "publisher" else 5,
        broker_transport_options=_transport_options(settings, side),
    )
    return celery


def is_embedded(settings: Settings) -> bool:
    """Return whether the broker is a folder of this installation, which one worker alone reads."""
    return settings.resolved_broker_url.partition(":")[0] == folder_transport.SCHEME


def broker_folder(settings: Settings) -> Path:
    """Return the folder of the embedded broker."""
    return settings.data_dir / "broker"


def _transport_options(settings: Settings, side: Side) -> dict[str, Any]:
    if is_embedded(settings):
        return {"folder": str(broker_folder(settings))}
    if settings.resolved_broker_url.partition(":")[0] in {"amqp", "amqps"}:
        # Without confirmation, a broker that is gone takes every message and says nothing.
        bounded = {"read_timeout": 1, "write_timeout": 1} if side == "publisher" else {}
        return {"confirm_publish": True, **bounded}
    if side == "publisher":
        return {"socket_connect_timeout": 0.5, "socket_timeout": 1, "max_retries": 0}
    return {
        "socket_connect_timeout": 1,
        # It must exceed the second for which the transport waits in BRPOP.
        "socket_timeout": 5,
        "socket_keepalive": True,
        # What was taken would be written down until it is acknowledged; a Redis that has no room for that
        # would end the worker.
        "ack_emulation": False,
    }
