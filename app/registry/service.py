"""What can be done with models and versions: look and delete."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound, shortened
from app.fields import given_back, original
from app.pagination import Page, PageQuery, cut, decode_cursor
from app.registry import artifacts, repository
from app.registry.schemas import Lineage, ModelRead, VersionRead, VersionSummary
from app.storage import Store
from app.tables import ModelVersion, RegisteredModel
from app.tables.base import now


def get(session: Session, owner: str, name: str, *, lock: bool = False) -> RegisteredModel:
    """Return the model; raises NotFound for an unknown one and for somebody else's."""
    model = repository.find(session, owner, name, lock=lock)
    if model is None:
        raise NotFound(f"There is no model {shortened(name)}. GET /api/v1/models lists them.")
    return model


def get_version(session: Session, owner: str, name: str, number: int) -> ModelVersion:
    """Return one version; raises NotFound."""
    version = repository.find_version(session, get(session, owner, name), number)
    if version is None:
        raise NotFound(
            f"The model {name} has no version {number}. GET /api/v1/models/{name}/versions lists them."
        )
    return version


def read(session: Session, owner: str, name: str) -> ModelRead:
    """Return what is told of one model."""
    return _described(session, [get(session, owner, name)])[0]


def page(session: Session, owner: str, query: PageQuery) -> Page[ModelRead]:
    """Return one page of models, by name."""
    after = str(decode_cursor("models", query.cursor)) if query.cursor else None
    rows = repository.page(session, owner, after=after, limit=query.limit + 1)
    shown, cursor = cut(rows, query.limit, "models", lambda model: model.name)
    return Page(items=_described(session, shown), next_cursor=cursor)


def page_versions(session: Session, owner: str, name: str, query: PageQuery) -> Page[VersionSummary]:
    """Return one page of a model's versions, the newest first."""
    model = get(session, owner, name)
    listing = f"models {model.id} versions"
    before = int(decode_cursor(listing, query.cursor)) if query.cursor else None
    rows = repository.versions(session, model, before=before, limit=query.limit + 1)
    shown, cursor = cut(rows, query.limit, listing, lambda version: version.number)
    return Page(items=summaries(session, shown), next_cursor=cursor)


def read_version(session: Session, owner: str, name: str, number: int, store: Store) -> VersionRead:
    """Return one version in full, with its report and its card."""
    version = get_version(session, owner, name, number)
    summary = summaries(session, [version])[0]
    return VersionRead.model_validate(
        summary.model_dump()
        | {
            "spec": version.spec,
            "signature": version.signature,
            "parity": version.parity,
            "report": artifacts.report(version, store) if artifacts.REPORT_FILE in version.files else None,
            "card": artifacts.card(version, store) if artifacts.CARD_FILE in version.files else None,
            "files": artifacts.listed(version, summary.links["artifacts"]).items,
        }
    )


def delete(session: Session, owner: str, name: str) -> None:
    """Delete a model with all its versions; its name is free again. One that is in use is refused."""
    model = get(session, owner, name, lock=True)
    _require_no_alias(session, model, None)
    versions = repository.versions(session, model)
    _require_no_job(session, versions)
    moment = now()
    for version in versions:
        version.deleted_at = moment
    model.name, model.deleted_at = given_back(model.name, model.id), moment


def delete_version(session: Session, owner: str, name: str, number: int) -> None:
    """Delete one version; its number is not given again. One that is in use is refused."""
    model = get(session, owner, name, lock=True)
    version = get_version(session, owner, name, number)
    _require_no_alias(session, model, version)
    _require_no_job(session, [version])
    version.deleted_at = now()


def _require_no_alias(session: Session, model: RegisteredModel, version: ModelVersion | None) -> None:
    pointing = [
        f"{alias.name} (version {alias.version.number})"
        for alias in repository.aliases(session, [model.id])
        if version is None or alias.version_id == version.id
    ]
    if pointing:
        raise Conflict(
            f"The alias {', '.join(pointing)} points here. Move or delete the alias first.", code="in_use"
        )


def _require_no_job(session: Session, versions: Sequence[ModelVersion]) -> None:
    used_by = repository.users(session, [each.id for each in versions])
    if used_by:
        raise Conflict(
            f"The job {used_by[0]} works with it. Let it end or cancel it, then delete.",
            code="in_use",
            extra={"used_by": used_by[:100]},
        )


def _described(session: Session, models: Sequence[RegisteredModel]) -> list[ModelRead]:
    ids = [model.id for model in models]
    latest = repository.latest(session, ids)
    aliases = repository.aliases(session, ids)
    shown = summaries(session, [version for version, _ in latest.values()])
    newest = dict(zip(latest, shown, strict=True))
    return [
        ModelRead(
            name=model.name,
            created_at=model.created_at,
            versions=latest[model.id][1] if model.id in latest else 0,
            latest=newest.get(model.id),
            aliases={alias.name: alias.version.number for alias in aliases if alias.model_id == model.id},
            links={
                "self": f"/api/v1/models/{model.name}",
                "versions": f"/api/v1/models/{model.name}/versions",
                "predict": f"/api/v1/models/{model.name}/predict",
            },
        )
        for model in models
    ]


def summaries(session: Session, versions: Sequence[ModelVersion]) -> list[VersionSummary]:
    """Return what lists tell of each version."""
    datasets = repository.dataset_versions(session, versions)
    aliases = repository.aliases(session, {version.model_id for version in versions})
    found = []
    for version in versions:
        dataset = datasets.get(version.dataset_version_id or "")
        own = f"/api/v1/models/{version.model.name}/versions/{version.number}"
        found.append(
            VersionSummary(
                model=version.model.name,
                version=version.number,
                family=version.family,
                parameters=version.parameters,
                metrics=version.metrics,
                aliases=[alias.name for alias in aliases if alias.version_id == version.id],
                lineage=Lineage(
                    job=version.job_id,
                    dataset=dataset and f"{original(dataset.dataset.name)}@{dataset.number}",
                    dataset_digest=dataset and dataset.digest,
                    seed=version.spec.get("training", {}).get("seed"),
                    parent=version.spec.get("start_from", {}).get("version"),
                ),
                created_at=version.created_at,
                links={
                    "self": own,
                    "predict": f"{own}/predict",
                    "report": f"{own}/report",
                    "artifacts": f"{own}/artifacts",
                    "evaluations": f"{own}/evaluations",
                    "job": f"/api/v1/jobs/{version.job_id}",
                },
            )
        )
    return found
