"""Prediction with a version that writes text: which token is likely to come next."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

import orjson
from starlette.types import Receive, Scope, Send

from app.protocols.body import read_body
from app.protocols.inputs import JSON_TYPE, type_of
from app.protocols.instances import FIELD, invalid
from app.protocols.negotiation import require_json
from app.protocols.predictions import Prediction, best_first, require_finite
from app.protocols.query import whole_number
from app.protocols.replies import headers_of, lineage, reply
from app.protocols.texts import PLAIN_TYPE, texts_of
from app.serving.execution import Execution
from app.serving.generation import Language
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.serving.sampling import probabilities
from app.serving.stepping import Stepping
from models.schema import FIRST_TOKEN, TextSchema

ACCEPTED = frozenset({JSON_TYPE, PLAIN_TYPE})
SHOWN = 10
# One after the other: about a second of work for a small network.
MOST_TOKENS = 65_536


class NextToken:
    """Answers with the likeliest next tokens of each text, ``?top_k=`` of them."""

    def __init__(
        self, version: LoadedVersion, role: LoadedRole, schema: TextSchema, execution: Execution
    ) -> None:
        self._role = role
        self._language = Language(version, schema)
        self._tokens = version.vocabulary[FIRST_TOKEN:]
        self._execution = execution
        self._lineage = lineage(version)
        self._headers = headers_of(version, JSON_TYPE)

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        require_json(scope)
        top = whole_number(scope["query_string"], "top_k", len(self._tokens)) or SHOWN
        body = await read_body(receive)
        sort = type_of(scope, body, ACCEPTED)
        with self._execution.place() as place:
            prompts = await place.run(lambda: list(self._prompts(body, sort)))
            began = time.perf_counter()
            predictions = [await place.run(partial(self._next, prompt, top)) for prompt in prompts]
            spent = (0.0, time.perf_counter() - began, 0.0)
        self._role.statistics.executed(1, spent, sum(map(len, prompts)))
        self._role.statistics.answered(len(prompts), 0.0, spent)
        answer = {**self._lineage, "predictions": predictions}
        await reply(send, self._headers, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))

    def _prompts(self, body: bytes, media_type: str) -> Iterator[list[int]]:
        left = MOST_TOKENS
        for number, text in enumerate(texts_of(body, media_type, self._role.max_rows)):
            prompt = self._language.ids(text)
            left -= len(prompt)
            if left < 0:
                message = f"Expected at most {MOST_TOKENS:,} tokens in all texts together, got more."
                raise invalid(f"/{FIELD}/{number}", "too_long", message)
            if not prompt:
                message = f"Expected at least one {self._language.schema.tokens}, got a text without."
                raise invalid(f"/{FIELD}/{number}", "empty", message)
            yield prompt

    def _next(self, prompt: Sequence[int], top: int) -> Prediction:
        stepping = Stepping(self._role)
        for token in prompt:
            logits = stepping.take(token)
        found = probabilities(logits)
        require_finite({"probabilities": found})
        return best_first(found, self._tokens, top)
