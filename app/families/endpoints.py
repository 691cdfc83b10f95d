"""Addresses of families, and of the check of specs."""

from fastapi import APIRouter

from app.dependencies import PrincipalDep, ReadSession, SettingsDep
from app.documentation import BODY, problems
from app.families import service
from app.families.schemas import FamilyList, SpecsCheck, SpecsOutline
from app.transactions import TransactionRoute

router = APIRouter(tags=["families"], route_class=TransactionRoute)


@router.get("/families", responses=problems(), summary="List families and presets")
async def list_families() -> FamilyList:
    """Every family with the JSON Schema of its spec and its presets, and the schema of `training`."""
    return service.families()


@router.post("/specs/validate", responses=problems(*BODY, 409), summary="Check specs without training")
def validate_specs(
    body: SpecsCheck, session: ReadSession, principal: PrincipalDep, settings: SettingsDep
) -> SpecsOutline:
    """Fill in every default, and tell layers, shapes, parameters and memory."""
    return service.check(session, principal.owner, body, max_parameters=settings.max_parameters)
