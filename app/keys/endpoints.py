"""The addresses under ``/keys``."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.dependencies import DatabaseDep, PrincipalDep, ReadSession, WriteSession
from app.documentation import problems
from app.keys import service
from app.keys.keyring import Keyring
from app.keys.schemas import KeyCreate, KeyCreated, KeyRead
from app.pagination import Page, PageQuery
from app.transactions import TransactionRoute

router = APIRouter(prefix="/keys", tags=["keys"], route_class=TransactionRoute)


@router.get("", responses=problems(400), summary="List keys")
def list_keys(
    query: Annotated[PageQuery, Query()], principal: PrincipalDep, session: ReadSession
) -> Page[KeyRead]:
    """List all keys, revoked ones too, the newest first. Their texts are not kept."""
    keys, next_cursor = service.page(session, principal.owner, query.limit, query.cursor)
    return Page(items=[KeyRead.model_validate(key) for key in keys], next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems(), summary="Create a key")
def create_key(body: KeyCreate, principal: PrincipalDep, session: WriteSession) -> KeyCreated:
    """Create a key; its text is in this answer and nowhere else, ever again."""
    key, text = service.create(session, body.name, body.scopes, body.expires_at, owner=principal.owner)
    return KeyCreated(**KeyRead.model_validate(key).model_dump(), key=text)


@router.delete("/{key_id}", status_code=204, responses=problems(404, 409), summary="Revoke a key")
def revoke_key(key_id: str, principal: PrincipalDep, database: DatabaseDep, request: Request) -> Response:
    """Revoke a key and the browser sessions that it opened: at once here, within a second elsewhere."""
    keyring: Keyring = request.app.state.keyring
    # Not a WriteSession: what is forgotten before the commit could be looked up again.
    with database.write() as session:
        service.revoke(session, principal.owner, key_id)
    keyring.forget(key_id)
    return Response(status_code=204)
