"""Options of training that a family or a dataset has no use for are refused. Keras-free."""

from collections.abc import Iterator

from models.schema import InputSchema
from models.specs.network import NetworkSpec
from models.specs.problems import SpecProblem, escaped, nearest
from models.specs.training import TrainingSpec
from models.tasks import task_of


def unsuited(network: NetworkSpec, training: TrainingSpec, source: InputSchema) -> Iterator[SpecProblem]:
    """Yield what was asked for and can have no effect on a network of this family for these rows."""
    task = task_of(network, source)
    if training.augmentation and source.kind != "images":
        message = f"Augmentation changes images; the rows are {source.kind}."
        yield SpecProblem("/training/augmentation", "wrong_kind", message)
    if training.class_weight is not None and task != "classification":
        message = f"Classes are weighted in classification; this is {task}."
        yield SpecProblem("/training/class_weight", "wrong_task", message)
    stopping = training.early_stopping
    if stopping and stopping.monitor == "val_accuracy" and task not in ("classification", "generation"):
        message = f"There is no accuracy in {task}: watch val_loss."
        yield SpecProblem("/training/early_stopping/monitor", "wrong_task", message)
    if stopping and task == "sampling":
        message = "Two players that learn against each other have no figure that tells when to stop."
        yield SpecProblem("/training/early_stopping", "wrong_task", message)
    if isinstance(training.class_weight, dict) and source.labels:
        for label in sorted(training.class_weight.keys() - set(source.labels)):
            message = f"The dataset has no label {label!r:.64}.{nearest(label, source.labels)}"
            yield SpecProblem(f"/training/class_weight/{escaped(label)}", "unknown_label", message)
