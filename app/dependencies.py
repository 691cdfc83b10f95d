"""What endpoints ask FastAPI for: transactions, the caller, and the service's collaborators."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.database import Database
from app.keys.principal import Principal
from app.serving.engine import Engine
from app.settings import Settings
from app.storage import Store
from app.transactions import Transaction


# The small ones are coroutines only because FastAPI sends plain functions to a thread.
async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _reading(database: Annotated[Database, Depends(_database)]) -> Transaction:
    return Transaction(database.read)


async def _writing(database: Annotated[Database, Depends(_database)]) -> Transaction:
    return Transaction(database.write)


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _principal(request: Request) -> Principal:
    principal: Principal = request.scope["state"]["principal"]
    return principal


DatabaseDep = Annotated[Database, Depends(_database)]
SettingsDep = Annotated[Settings, Depends(_settings)]
EngineDep = Annotated[Engine, Depends(_engine)]
StoreDep = Annotated[Store, Depends(_store)]
PrincipalDep = Annotated[Principal, Depends(_principal)]

# An endpoint on a TransactionRoute gets the session itself. It ends before the response is sent: what is
# answered has been committed, and a commit that fails is not answered with success.
ReadSession = Annotated[Session, Depends(_reading)]
WriteSession = Annotated[Session, Depends(_writing)]
