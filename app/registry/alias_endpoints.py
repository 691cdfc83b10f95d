"""Addresses of aliases: look, point, roll back, delete."""

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from app.answers import IfMatch, tagged
from app.dependencies import DatabaseDep, EngineDep, PrincipalDep, ReadSession, WriteSession
from app.documentation import BODY, UNCHANGED, problems
from app.registry import aliases
from app.registry.gate import require_servable
from app.registry.schemas import AliasRead, AliasUpdate, RollbackRequest
from app.serving.snapshot import Target
from app.transactions import TransactionRoute

router = APIRouter(route_class=TransactionRoute)

ADDRESS = "/{name}/aliases/{alias}"


@router.get(ADDRESS, response_model=AliasRead, responses=problems(404) | UNCHANGED, summary="Show an alias")
def get_alias(
    name: str, alias: str, session: ReadSession, principal: PrincipalDep, request: Request
) -> Response:
    """Where it points, and its latest moves."""
    found = aliases.read(session, principal.owner, name, alias)
    return tagged(request, found, aliases.tag(found))


@router.put(
    ADDRESS,
    response_model=AliasRead,
    responses=problems(*BODY, 404, 409, 412, 503),
    summary="Point an alias",
)
def put_alias(
    *,
    name: str,
    alias: str,
    body: AliasUpdate,
    engine: EngineDep,
    database: DatabaseDep,
    principal: PrincipalDep,
    request: Request,
    if_match: IfMatch = None,
) -> Response:
    """Point an alias, such as `champion`, at a version that answers. Jobs leave it there from then on."""
    require_servable(engine, Target(principal.owner, name, body.version))
    # Not before: loading takes its time, in which others may write.
    with database.write() as session:
        found = aliases.point(
            session, principal.owner, name, alias, body, actor=principal.key_id, if_match=if_match
        )
    return tagged(request, found, aliases.tag(found))


@router.post(
    f"{ADDRESS}/rollback",
    response_model=AliasRead,
    responses=problems(*BODY, 404, 409, 503),
    summary="Roll an alias back",
)
def rollback_alias(
    *,
    name: str,
    alias: str,
    engine: EngineDep,
    database: DatabaseDep,
    principal: PrincipalDep,
    request: Request,
    body: Annotated[RollbackRequest | None, Body()] = None,
) -> Response:
    """Point an alias where it pointed before its last move; once more goes further back."""
    force = body is not None and body.force
    owner = principal.owner
    with database.read() as session:
        number = aliases.earlier(session, owner, name, alias)
    require_servable(engine, Target(owner, name, number))
    with database.write() as session:
        found = aliases.rollback(
            session, owner, name, alias, expected=number, actor=principal.key_id, force=force
        )
    return tagged(request, found, aliases.tag(found))


@router.delete(ADDRESS, status_code=204, responses=problems(404, 412), summary="Delete an alias")
def delete_alias(
    name: str, alias: str, session: WriteSession, principal: PrincipalDep, if_match: IfMatch = None
) -> None:
    """Delete an alias; its history is kept."""
    aliases.remove(session, principal.owner, name, alias, actor=principal.key_id, if_match=if_match)
