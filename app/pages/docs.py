"""The page that shows the API: Swagger UI from an installed wheel, so that it works without the internet."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from app import openapi
from app.errors import NotFound

router = APIRouter(include_in_schema=False)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Keraforge API</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# A file of its own: the policy allows no script within the page.
START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  tryItOutEnabled: true,
});
"""
FILES = {
    "favicon.png": "image/png",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}


@router.get("/docs")
async def show_docs() -> HTMLResponse:
    """Answer the page."""
    return HTMLResponse(PAGE, headers=_HEADERS)


@router.get("/docs/{file}")
def get_file(file: str) -> Response:
    """Answer one of the page's files."""
    if file == "start.js":
        return Response(START, media_type="text/javascript")
    if file not in FILES:
        raise NotFound("The page has no such file.")
    return FileResponse(
        _static_folder() / file, media_type=FILES[file], headers={"Cache-Control": "private, max-age=86400"}
    )


@router.get("/openapi.json")
def get_openapi(request: Request) -> JSONResponse:
    """Answer the OpenAPI description."""
    return JSONResponse(openapi.description(request.app))


def _static_folder() -> Path:
    # Found, not imported: the package would bring its own application.
    found = find_spec("fastapi_offline")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "static"
