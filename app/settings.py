"""Every setting of the service, read once from the environment (prefix ``KERAFORGE_``) or a ``.env`` file."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BROKERS = ("redis", "rediss", "amqp", "amqps")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def default_data_dir() -> Path:
    """Return where data lives when nobody says otherwise: ``$XDG_DATA_HOME/keraforge``."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "keraforge"


class Settings(BaseSettings):
    """The settings of one installation; flags of ``keraforge up`` override them."""

    model_config = SettingsConfigDict(env_prefix="KERAFORGE_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of everything that is kept: database, files, key.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    web_processes: int = Field(1, ge=1, le=64, description="Web processes that share the port.")
    web_process: int = Field(
        0, ge=0, le=64, description="Which of them a process is; `keraforge up` tells each of several."
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty means a SQLite file in the data folder.")
    broker_url: str = Field(
        "", description="Celery broker, redis:// or amqp://; empty means a folder in the data folder."
    )
    files_url: str = Field(
        "",
        description="Address of files that several machines share, s3://bucket/folder for example; empty "
        "means the data folder.",
    )
    cache_bytes: int = Field(
        10 * 1024**3, ge=0, description="Room for files that were fetched from there, in bytes."
    )
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        [], description="Host names, with commas between, that requests may carry besides our own."
    )
    anonymous_scopes: Annotated[list[Literal["predict"]], NoDecode] = Field(
        [], description="Scopes granted without a key; only on a loopback address."
    )
    public_metrics: bool = Field(
        True, description="Tell the metrics, which name models, to everybody who can reach the port."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    json_body_bytes: int = Field(
        1024**2, ge=1024, description="Largest JSON body of an ordinary request, in bytes."
    )
    predict_body_bytes: int = Field(
        32 * 1024**2, ge=1024, description="Largest body of a prediction request, in bytes."
    )
    loaded_bytes: int = Field(
        2 * 1024**3, ge=1024**2, description="Memory for versions that answer predictions, in bytes."
    )
    loading_seconds: float = Field(
        5.0, gt=0, le=3600, description="Longest wait of a request for a version that is not in memory yet."
    )
    queue_seconds: float = Field(
        5.0, gt=0, le=3600, description="Longest work that may wait before a prediction; else it is refused."
    )
    request_seconds: float = Field(
        30.0, gt=0, le=3600, description="Longest time of a prediction that does not run at once."
    )
    upload_bytes: int = Field(4 * 1024**3, ge=1024, description="Largest upload, in bytes.")
    stalled_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Longest time for the head of a request, and between two pieces of its body, in seconds.",
    )
    connections: int = Field(
        # What the usual limit of 1,024 open files leaves, after those of the process itself.
        900,
        ge=1,
        le=100_000,
        description="Connections that one web process keeps open at once.",
    )
    image_pixels: int = Field(25_000_000, ge=1, description="Largest image, in pixels, that is decoded.")
    max_parameters: int = Field(150_000_000, ge=1, description="Largest network, in parameters.")
    training_slots: int = Field(
        1,
        ge=0,
        le=64,
        description="Training jobs that run at once in a worker without GPUs; one with GPUs runs one on "
        "each, and none if this is 0.",
    )
    devices: str = Field(
        "auto",
        pattern=r"^(auto|none|[\w-]+(,[\w-]+)*)$",
        description="GPUs that jobs are trained on: auto (what nvidia-smi lists), none, or their numbers or "
        "identifiers with commas between.",
    )
    gang_host: str = Field(
        "",
        pattern=r"^[\w.-]*$",
        description="Address at which other workers reach this one, to train one job together; empty: it "
        "takes no part. What they say is neither encrypted nor authenticated: on private networks only.",
    )
    light_slots: int = Field(1, ge=1, le=64, description="Other jobs that run at once in one worker.")
    trainer_threads: int = Field(
        0, ge=0, le=256, description="Threads of one trainer; 0 shares the cores among the training slots."
    )
    warm_start: bool = Field(True, description="Keep TensorFlow loaded, so that jobs begin within a second.")
    lease_seconds: float = Field(
        30.0, gt=0, le=3600, description="After so long without a word of its worker a job counts as lost."
    )
    heartbeat_seconds: float = Field(
        5.0, gt=0, le=600, description="How often a worker says that it still runs its jobs."
    )
    reconcile_seconds: float = Field(5.0, gt=0, le=600, description="How often a worker looks for lost jobs.")
    restarts: int = Field(
        3, ge=0, le=100, description="How often a job is begun again that was lost and had got no further."
    )
    job_seconds: float = Field(
        0.0, ge=0, description="Longest time of one attempt of a job, in seconds; 0: as long as it takes."
    )
    free_bytes: int = Field(
        256 * 1024**2,
        ge=0,
        description="Room that stays free on the data folder's disk, in bytes: with less, no job begins, and "
        "no upload is taken.",
    )
    trash_days: int = Field(
        30, ge=0, le=36_500, description="How long what was deleted can be restored, in days."
    )
    log_days: int = Field(30, ge=1, le=36_500, description="How long log lines of jobs are kept, in days.")

    @field_validator("allowed_hosts", "anonymous_scopes", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value and value.partition("://")[0] not in BROKERS:
            raise ValueError(f"Expected an address that begins with {'://, '.join(BROKERS)}:// or nothing")
        return value

    @field_validator("files_url")
    @classmethod
    def _address(cls, value: str) -> str:
        scheme, separator, place = value.partition("://")
        if value and not (scheme and separator and place.strip("/")):
            raise ValueError("Expected an address such as s3://bucket/folder, or nothing")
        if scheme == "memory":
            raise ValueError("Files in memory are gone with their process, and no other process sees them")
        return value

    @model_validator(mode="after")
    def _anonymous_only_on_loopback(self) -> "Settings":
        if self.anonymous_scopes and self.host not in LOOPBACK_HOSTS:
            raise ValueError(
                "KERAFORGE_ANONYMOUS_SCOPES works only on a loopback address; "
                f"KERAFORGE_HOST is {self.host!r}. Remove the setting or listen on 127.0.0.1."
            )
        return self

    @model_validator(mode="after")
    def _lease_outlasts_heartbeats(self) -> "Settings":
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ValueError(
                "KERAFORGE_LEASE_SECONDS must be at least twice KERAFORGE_HEARTBEAT_SECONDS, or one late "
                f"heartbeat loses a job; got {self.lease_seconds:g} and {self.heartbeat_seconds:g}."
            )
        return self

    @property
    def resolved_database_url(self) -> str:
        """The database URL in use."""
        return self.database_url or f"sqlite:///{self.data_dir / 'keraforge.db'}"

    @property
    def resolved_broker_url(self) -> str:
        """The broker URL in use; ``folder://`` is the transport of :mod:`app.folder_transport`."""
        return self.broker_url or "folder://"

    @property
    def key_file(self) -> Path:
        """The file, mode 0600, that holds the first key in clear."""
        return self.data_dir / "api-key"

    @property
    def checkpoints_dir(self) -> Path:
        """The folder of this machine's checkpoints, one folder for each job."""
        return self.data_dir / "checkpoints"

    @property
    def orders_dir(self) -> Path:
        """The folder of the orders that this machine's workers carry out, one for each attempt."""
        return self.data_dir / "orders"

    @property
    def metrics_dir(self) -> Path:
        """The folder where several web processes leave their measurements for each other."""
        return self.data_dir / "metrics"

    @property
    def url_file(self) -> Path:
        """The file that names the address in use."""
        return self.data_dir / "url"
