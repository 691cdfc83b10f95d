import asyncio
import json

import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/digits/predict"
ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)


async def test_no_request_fails_while_versions_are_published(client, registry):
    expected = {number: registry.expected(number, ROWS) for number in range(1, 5)}
    registry.publish(seed=1)
    body = json.dumps({"instances": ROWS.tolist()}).encode()
    seen = set()

    async def hammer():
        while 4 not in seen:
            response = await client.post(PATH, content=body)
            assert response.status_code == 200, response.text
            number = response.json()["version"]
            found = [row["probabilities"] for row in response.json()["predictions"]]
            np.testing.assert_allclose(found, expected[number], atol=1e-6)
            seen.add(number)
            # The transport never waits for anything, so that nothing else would get its turn.
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(hammer())
        for number in range(1, 5):
            if number > 1:
                await asyncio.to_thread(registry.publish, seed=number)
            async with asyncio.timeout(20):
                while number not in seen:
                    await asyncio.sleep(0.01)
