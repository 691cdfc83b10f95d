"""The addresses under ``/trash``."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.dependencies import PrincipalDep, ReadSession, SettingsDep, WriteSession
from app.documentation import problems
from app.pagination import Page, PageQuery
from app.transactions import TransactionRoute
from app.trash import service
from app.trash.schemas import TrashRead

router = APIRouter(prefix="/trash", tags=["trash"], route_class=TransactionRoute)


@router.get("", responses=problems(400), summary="List what was deleted")
def list_trash(
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
    principal: PrincipalDep,
    settings: SettingsDep,
) -> Page[TrashRead]:
    """Datasets, models, their versions, and jobs that can still be restored, of what the key may read."""
    return service.page(session, principal, query, settings.trash_days)


@router.post("/{trash_id}/restore", status_code=204, responses=problems(404, 409), summary="Restore it")
def restore(trash_id: str, session: WriteSession, principal: PrincipalDep) -> None:
    """Take it out of the trash, under its old name; a dataset or a model with its versions."""
    service.restore(session, principal, trash_id)
