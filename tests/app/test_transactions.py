import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from app.database import Database
from app.tables import Dataset

AT_ONCE = 90


def test_writers_that_outnumber_all_threads_and_connections_do_not_starve_one_another(
    serve: Callable[..., Any], database: Database
) -> None:
    answers: list[int] = []
    with serve(database).client("datasets:write") as client:

        def create(number: int) -> None:
            answers.append(
                client.post("/api/v1/datasets", json={"name": f"d{number}", "kind": "images"}).status_code
            )

        writers = [threading.Thread(target=create, args=(number,)) for number in range(AT_ONCE)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    assert answers == [201] * AT_ONCE
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Dataset)) == AT_ONCE
