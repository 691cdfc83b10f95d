"""What is asked of sequences that have neither classes nor values: the step that comes next. Keras-free."""

from models.schema import InputSchema
from models.specs.problems import SpecError, SpecProblem


def is_forecast(source: InputSchema) -> bool:
    """Return whether rows tell of nothing but what comes next."""
    return source.kind == "sequences" and source.classes is None and source.targets is None


def asked(source: InputSchema) -> InputSchema:
    """Return what a network takes and answers: of a forecast, all steps but the last, and that one's values.

    Raises ``SpecError`` where there is but one step.
    """
    if not is_forecast(source):
        return source
    steps, features = source.shape
    if steps < 2:
        message = (
            f"The sequences have neither classes nor values, so their last step is to be foretold from those "
            f"before; rows of {list(source.shape)} have none before."
        )
        raise SpecError([SpecProblem("/network/family", "needs_steps", message)])
    return source.model_copy(update={"shape": (steps - 1, features), "targets": features})
