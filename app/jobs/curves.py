"""Curves of a job's figures, thinned out on request."""

from collections.abc import Collection, Sequence
from itertools import groupby

from sqlalchemy.orm import Session

from app.jobs import repository
from app.jobs.schemas import MetricsRead, Point, Series
from app.tables import MetricPoint


def read(session: Session, job_id: str, keys: Collection[str], max_points: int | None) -> MetricsRead:
    """Return a job's curves, each with at most ``max_points`` points."""
    rows = repository.metric_points(session, job_id, keys)
    return MetricsRead(
        series=[
            Series(
                key=key,
                points=[
                    Point.model_validate(row, from_attributes=True)
                    for row in thinned(list(group), max_points)
                ],
            )
            for key, group in groupby(rows, key=lambda row: row.key)
        ]
    )


def thinned(points: Sequence[MetricPoint], most: int | None) -> Sequence[MetricPoint]:
    """Return at most ``most`` (2 or more) points, evenly spread, with the first and the last among them."""
    if most is None or len(points) <= most:
        return points
    step = (len(points) - 1) / (most - 1)
    return [points[round(index * step)] for index in range(most)]
