"""Which scope opens which route: every route of the service stands here, or the service does not start."""

from typing import Literal, get_args

Scope = Literal[
    "datasets:read",
    "datasets:write",
    "jobs:read",
    "jobs:write",
    "models:read",
    "models:write",
    "predict",
    "admin",
]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
ADMIN: Scope = "admin"

# Not scopes of keys: open to any valid key, and open to everybody.
ANY_KEY = "any key"
PUBLIC = "public"

# The only names of users' things that these carry are those of models; a setting closes them.
METRICS_ROUTES = ("GET /metrics", "GET /monitoring/prometheus/metrics")
# What answers without a key. The health addresses say nothing but yes or no. ``/login`` must be public
# because it is where a browser without a key comes in: it does nothing without a code of 256 random bits,
# which works once and for ten minutes.
PUBLIC_ROUTES = (
    *METRICS_ROUTES,
    "GET /healthz",
    "GET /readyz",
    "GET /login",
    "GET /v2/health/live",
    "GET /v2/health/ready",
)

# What can be asked of a job.
VERBS = ("stop", "pause", "resume", "retry", "cancel", "clone")
# What a version can be asked, if it has the role for it.
QUESTIONS = ("predict", "encode", "decode", "reconstruct", "anomalies", "samples", "generate")

SCOPES: dict[str, str] = {
    **dict.fromkeys(PUBLIC_ROUTES, PUBLIC),
    "GET /docs": ANY_KEY,
    "GET /docs/{file}": ANY_KEY,
    "GET /openapi.json": ANY_KEY,
    "GET /api/v1/families": ANY_KEY,
    # Half of submitting a job: whoever may do that may also ask beforehand.
    "POST /api/v1/specs/validate": "jobs:write",
    "POST /api/v1/datasets": "datasets:write",
    "GET /api/v1/datasets": "datasets:read",
    "GET /api/v1/datasets/{name}": "datasets:read",
    "DELETE /api/v1/datasets/{name}": "datasets:write",
    "POST /api/v1/datasets/{name}/versions": "datasets:write",
    "GET /api/v1/datasets/{name}/versions": "datasets:read",
    "GET /api/v1/datasets/{name}/versions/{number}": "datasets:read",
    "DELETE /api/v1/datasets/{name}/versions/{number}": "datasets:write",
    "GET /api/v1/datasets/{name}/versions/{number}/preview": "datasets:read",
    "GET /api/v1/datasets/{name}/versions/{number}/profile": "datasets:read",
    "POST /api/v1/jobs": "jobs:write",
    "GET /api/v1/jobs": "jobs:read",
    "GET /api/v1/jobs/{job_id}": "jobs:read",
    "PATCH /api/v1/jobs/{job_id}": "jobs:write",
    "DELETE /api/v1/jobs/{job_id}": "jobs:write",
    **dict.fromkeys((f"POST /api/v1/jobs/{{job_id}}/{verb}" for verb in VERBS), "jobs:write"),
    "GET /api/v1/jobs/{job_id}/events": "jobs:read",
    "GET /api/v1/jobs/{job_id}/metrics": "jobs:read",
    "GET /api/v1/jobs/{job_id}/logs": "jobs:read",
    "GET /api/v1/jobs/{job_id}/artifacts": "jobs:read",
    "GET /api/v1/jobs/{job_id}/artifacts/{path:path}": "jobs:read",
    "GET /api/v1/models": "models:read",
    "GET /api/v1/models/{name}": "models:read",
    "DELETE /api/v1/models/{name}": "models:write",
    "GET /api/v1/models/{name}/versions": "models:read",
    "GET /api/v1/models/{name}/versions/{number}": "models:read",
    "DELETE /api/v1/models/{name}/versions/{number}": "models:write",
    "GET /api/v1/models/{name}/versions/{number}/report": "models:read",
    "GET /api/v1/models/{name}/versions/{number}/artifacts": "models:read",
    "GET /api/v1/models/{name}/versions/{number}/artifacts/{path:path}": "models:read",
    # It makes a job, and changes nothing about the model.
    "POST /api/v1/models/{name}/versions/{number}/evaluations": "jobs:write",
    "GET /api/v1/models/{name}/versions/{number}/evaluations": "models:read",
    "GET /api/v1/models/{name}/versions/{number}/evaluations/{job_id}": "models:read",
    "GET /api/v1/models/{name}/aliases/{alias}": "models:read",
    "PUT /api/v1/models/{name}/aliases/{alias}": "models:write",
    "DELETE /api/v1/models/{name}/aliases/{alias}": "models:write",
    "POST /api/v1/models/{name}/aliases/{alias}/rollback": "models:write",
    **{
        f"POST /api/v1/models/{{name}}{which}/{question}": "predict"
        for question in QUESTIONS
        for which in ("", "/versions/{number}", "/aliases/{alias}")
    },
    # TensorFlow Serving's addresses; which of them a path is, its dialect says.
    "GET /v1/models/{rest:path}": "predict",
    "POST /v1/models/{rest:path}": "predict",
    # OpenAI's.
    "POST /v1/completions": "predict",
    "POST /openai/v1/completions": "predict",
    "GET /v1/models": "predict",
    "GET /openai/v1/models": "predict",
    "GET /openai/v1/models/{name}": "predict",
    # Those of the Open Inference Protocol.
    "GET /v2": ANY_KEY,
    "GET /v2/": ANY_KEY,
    "GET /v2/models": "predict",
    "GET /v2/models/{rest:path}": "predict",
    "POST /v2/models/{rest:path}": "predict",
    "POST /v2/repository/index": "predict",
    "POST /v2/repository/models/{name}/load": "models:write",
    "POST /v2/repository/models/{name}/unload": "models:write",
    # Which kinds of things are shown and restored, the key's scopes for these kinds say.
    "GET /api/v1/trash": ANY_KEY,
    "POST /api/v1/trash/{trash_id}/restore": ANY_KEY,
    "GET /api/v1/workers": "admin",
    "POST /api/v1/workers/{worker_id}/drain": "admin",
    "GET /api/v1/keys": "admin",
    "POST /api/v1/keys": "admin",
    "DELETE /api/v1/keys/{key_id}": "admin",
}


def scopes(*, public_metrics: bool) -> dict[str, str]:
    """Return :data:`SCOPES` as a setting changes them."""
    return SCOPES if public_metrics else SCOPES | dict.fromkeys(METRICS_ROUTES, ANY_KEY)
