"""What can be done with evaluations of a version: submit one, look at those that there are."""

from sqlalchemy.orm import Session

from app.datasets.references import named_version
from app.errors import NotFound
from app.evaluations import repository, resolving
from app.evaluations.schemas import EvaluationCreate, EvaluationRead, EvaluationSummary
from app.fields import original
from app.jobs.events import enter_phase
from app.jobs.queueing import queue
from app.jobs.resolving import refusal
from app.pagination import Page, PageQuery, cut, decode_cursor
from app.registry import artifacts
from app.registry import service as registry
from app.storage import Store
from app.tables import Job, ModelVersion
from models.presets import SpecError


def submit(session: Session, owner: str, name: str, number: int, body: EvaluationCreate) -> Job:
    """Queue an evaluation; raises Invalid where the dataset's rows cannot be put to the version.

    Where the dataset is still being read, the job waits for it, and is checked when it is ready.
    """
    # Locked, both: what an evaluation needs is not deleted before it is in the queue.
    registry.get(session, owner, name, lock=True)
    version = registry.get_version(session, owner, name, number)
    dataset = named_version(session, owner, body.dataset, lock=True)
    whole = None
    try:
        if dataset.state == "ready":
            whole = resolving.resolved(version, dataset)
        else:
            resolving.check_without_rows(version, dataset)
    except SpecError as error:
        raise refusal(error) from None
    job = queue(
        session,
        "evaluation",
        owner,
        model=name,
        model_version_id=version.id,
        dataset_version_id=dataset.id,
        request=body.model_dump(mode="json", exclude_unset=True),
        resolved=whole,
        priority=body.priority,
        tags=body.tags,
        notes=body.notes,
    )
    if whole is None:
        enter_phase(session, job, "waiting_for_dataset")
    return job


def page(session: Session, owner: str, name: str, number: int, query: PageQuery) -> Page[EvaluationSummary]:
    """Return one page of a version's evaluations, the newest first."""
    version = registry.get_version(session, owner, name, number)
    listing = f"evaluations {version.id}"
    before = str(decode_cursor(listing, query.cursor)) if query.cursor else None
    rows = repository.page(session, version, before=before, limit=query.limit + 1)
    shown, cursor = cut(rows, query.limit, listing, lambda job: job.id)
    return Page(items=[_summary(version, job) for job in shown], next_cursor=cursor)


def read(
    session: Session, owner: str, name: str, number: int, job_id: str, *, store: Store
) -> EvaluationRead:
    """Return one evaluation with its report; raises NotFound."""
    version = registry.get_version(session, owner, name, number)
    job = repository.find(session, version, job_id)
    if job is None:
        raise NotFound(f"{name}@{number} has no such evaluation. Its list names all that there are.")
    summary, left = _summary(version, job), artifacts.left_by(job)
    report = artifacts.report(left, store) if left is not None and job.state == "succeeded" else None
    files = artifacts.listed(left, summary.links["artifacts"]).items
    return EvaluationRead.model_validate(summary.model_dump() | {"report": report, "files": files})


def address(version: ModelVersion, job: Job) -> str:
    """Return where an evaluation of a version stands."""
    return f"/api/v1/models/{version.model.name}/versions/{version.number}/evaluations/{job.id}"


def _summary(version: ModelVersion, job: Job) -> EvaluationSummary:
    dataset, own = job.dataset_version, address(version, job)
    assert dataset is not None, "an evaluation names its dataset"
    return EvaluationSummary(
        job=job.id,
        state=job.state,
        model=version.model.name,
        version=version.number,
        dataset=f"{original(dataset.dataset.name)}@{dataset.number}",
        metrics=(job.result or {}).get("metrics"),
        error=job.error,
        created_at=job.created_at,
        finished_at=job.finished_at,
        links={
            "self": own,
            "job": f"/api/v1/jobs/{job.id}",
            "artifacts": f"/api/v1/jobs/{job.id}/artifacts",
            "version": own.partition("/evaluations/")[0],
        },
    )
