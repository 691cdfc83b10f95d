"""Options of training that a family or a dataset has no use for are refused. Keras-free."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from models.outline import outline
from models.schema import InputSchema
from models.signature import Task
from models.specs.augmentations import Mixing
from models.specs.autoencoder import AutoencoderSpec
from models.specs.gan import GanSpec
from models.specs.network import NetworkSpec
from models.specs.optimizers import Optimizer, PlateauSchedule
from models.specs.problems import SpecProblem, escaped, nearest
from models.specs.training import TrainingSpec
from models.tasks import task_of

_SUPERVISED: frozenset[Task] = frozenset({"classification", "regression", "forecasting"})


def unsuited(network: NetworkSpec, training: TrainingSpec, source: InputSchema) -> Iterator[SpecProblem]:
    """Yield what was asked for and can have no effect on a network of this family for these rows."""
    task = task_of(network, source)
    return chain(
        _by_kind(training, source),
        _by_classes(training, source, task),
        _by_figures(training, task),
        _by_schedule(network, training, task),
        _by_layers(network, training, source, task),
        _by_compiling(training),
        _by_devices(network, training, task),
    )


def weighs_rows(network: NetworkSpec, source: InputSchema) -> bool:
    """Return whether rows can count more or less in the loss of a network of this family."""
    return task_of(network, source) in _SUPERVISED


def overlooked(network: NetworkSpec, source: InputSchema) -> Iterator[str]:
    """Yield what the rows have and a network of this family does not look at."""
    if source.weighted and not weighs_rows(network, source):
        yield (
            "The rows have weights, which count where classes or values are predicted; here all rows count "
            f"alike, for this is {task_of(network, source)}."
        )


def _by_kind(training: TrainingSpec, source: InputSchema) -> Iterator[SpecProblem]:
    if training.augmentation and source.kind != "images":
        message = f"Augmentation changes images; the rows are {source.kind}."
        yield SpecProblem("/training/augmentation", "wrong_kind", message)


def _by_classes(training: TrainingSpec, source: InputSchema, task: Task) -> Iterator[SpecProblem]:
    weights = training.class_weight
    if weights is not None and task != "classification":
        message = f"Classes are weighted in classification; this is {task}."
        yield SpecProblem("/training/class_weight", "wrong_task", message)
    if training.label_smoothing and task != "classification":
        message = f"Labels are smoothed in classification; this is {task}."
        yield SpecProblem("/training/label_smoothing", "wrong_task", message)
    yield from _of_mixing(training, task)
    if isinstance(weights, dict):
        places = {label: f"/training/class_weight/{escaped(label)}" for label in sorted(weights)}
        yield from _unknown(places, source)
        if source.labels and not any(weights.get(label, 1) for label in source.labels):
            message = "The weights of all classes are 0: nothing would be learnt."
            yield SpecProblem("/training/class_weight", "nothing_left", message)
    if training.normal_labels is not None:
        yield from _of_normal(training.normal_labels, source, task)


def _unknown(places: Mapping[str, str], source: InputSchema) -> Iterator[SpecProblem]:
    """Yield the labels, each with its place, that a dataset of known labels has not."""
    for label in [label for label in places if source.labels and label not in source.labels]:
        message = f"The dataset has no label {label!r:.64}.{nearest(label, source.labels)}"
        yield SpecProblem(places[label], "unknown_label", message)


def _of_normal(labels: Sequence[str], source: InputSchema, task: Task) -> Iterator[SpecProblem]:
    if task != "reconstruction":
        message = f"An autoencoder finds rows that are not normal; this is {task}."
        yield SpecProblem("/training/normal_labels", "wrong_task", message)
    elif source.classes is None:
        message = "Labels of normal rows were named, and the rows of the dataset have none."
        yield SpecProblem("/training/normal_labels", "needs_classes", message)
    elif set(labels) == set(source.labels):
        message = "All labels are named as normal, so there is nothing to be found: leave it null."
        yield SpecProblem("/training/normal_labels", "all_labels", message)
    else:
        places = {label: f"/training/normal_labels/{place}" for place, label in enumerate(labels)}
        yield from _unknown(places, source)


def _of_mixing(training: TrainingSpec, task: Task) -> Iterator[SpecProblem]:
    mixing = [place for place, spec in enumerate(training.augmentation) if isinstance(spec, Mixing)]
    for place in mixing if task != "classification" else mixing[1:]:
        name = training.augmentation[place].name
        if task != "classification":
            message = f"{name} mixes images and their labels, in classification; this is {task}."
            yield SpecProblem(f"/training/augmentation/{place}", "wrong_task", message)
        else:
            message = f"{name}: images are mixed once; one of mixup and cutmix can be chosen."
            yield SpecProblem(f"/training/augmentation/{place}", "twice", message)


def _by_figures(training: TrainingSpec, task: Task) -> Iterator[SpecProblem]:
    if training.cross_validation and task not in ("classification", "regression"):
        message = f"Cross-validation measures how well classes or values are predicted; this is {task}."
        yield SpecProblem("/training/cross_validation", "wrong_task", message)
    stopping = training.early_stopping
    if stopping and task == "sampling":
        message = "Two players that learn against each other have no figure that tells when to stop."
        yield SpecProblem("/training/early_stopping", "wrong_task", message)
    elif stopping and stopping.monitor == "val_accuracy" and task not in ("classification", "generation"):
        message = f"There is no accuracy in {task}: watch val_loss."
        yield SpecProblem("/training/early_stopping/monitor", "wrong_task", message)


def _by_layers(
    network: NetworkSpec, training: TrainingSpec, source: InputSchema, task: Task
) -> Iterator[SpecProblem]:
    if not training.freeze:
        return
    if task == "sampling":
        message = "Of two players that learn against each other none can stand still."
        yield SpecProblem("/training/freeze", "wrong_task", message)
        return
    layers = outline(network, source, training.batch_size).layers
    names = [layer.name for layer in layers if layer.parameters]
    for place, prefix in enumerate(training.freeze):
        if not any(name.startswith(prefix) for name in names):
            message = f"No layer with weights begins with {prefix!r:.64}.{nearest(prefix, names)}"
            yield SpecProblem(f"/training/freeze/{place}", "unknown_layer", message)
    if all(name.startswith(training.freeze) for name in names):
        yield SpecProblem(
            "/training/freeze", "nothing_left", "All layers are frozen: nothing would be learnt."
        )


def _by_compiling(training: TrainingSpec) -> Iterator[SpecProblem]:
    reasons = {
        "determinism is strict": training.determinism == "strict",
        "images are augmented": training.augmentation,
        "several devices train": training.devices * training.slots > 1,
    }
    for reason in [reason for reason, holds in reasons.items() if training.xla == "on" and holds]:
        message = f"XLA cannot be had where {reason}: leave it `auto`."
        yield SpecProblem("/training/xla", "no_effect", message)


def _by_devices(network: NetworkSpec, training: TrainingSpec, task: Task) -> Iterator[SpecProblem]:
    """Yield what speaks against several devices, of one slot or of several."""
    for name, number in (("devices", training.devices), ("slots", training.slots)):
        place = f"/training/{name}"
        if number > 1 and task == "sampling":
            message = "Two players that learn against each other train on one device."
            yield SpecProblem(place, "wrong_task", message)
        if number > 1 and isinstance(network, AutoencoderSpec) and network.variational:
            yield SpecProblem(place, "wrong_task", "A variational autoencoder trains on one device.")
        if training.batch_size < number:
            message = f"A batch has {training.batch_size} rows: too few for {number} {name} to share."
            yield SpecProblem(place, "too_few_rows", message)
    if training.slots > 1 and training.devices > 1:
        message = "Each of several slots has one device: send `slots` alone."
        yield SpecProblem("/training/devices", "no_effect", message)
    if training.slots > 1 and training.cross_validation:
        message = "Networks are cross-validated in one slot."
        yield SpecProblem("/training/slots", "wrong_task", message)


def _by_schedule(network: NetworkSpec, training: TrainingSpec, task: Task) -> Iterator[SpecProblem]:
    """Yield what is wrong with schedules that watch a validation figure."""
    optimizers: dict[str, Optimizer | None] = {"/training/optimizer": training.optimizer}
    if isinstance(network, GanSpec):
        optimizers["/network/generator_optimizer"] = network.generator_optimizer
        optimizers["/network/discriminator_optimizer"] = network.discriminator_optimizer
    for place, optimizer in optimizers.items():
        if optimizer and isinstance(optimizer.schedule, PlateauSchedule):
            yield from _of_plateau(f"{place}/schedule", optimizer.schedule, training, task)


def _of_plateau(
    place: str, schedule: PlateauSchedule, training: TrainingSpec, task: Task
) -> Iterator[SpecProblem]:
    if task == "sampling":
        message = "Two players that learn against each other have no figure that tells of a plateau."
        yield SpecProblem(place, "wrong_task", message)
    elif schedule.monitor == "val_accuracy" and task not in ("classification", "generation"):
        message = f"There is no accuracy in {task}: watch val_loss."
        yield SpecProblem(f"{place}/monitor", "wrong_task", message)
    elif not training.validation:
        message = "A plateau is seen in validation rows, and `validation` is 0: send a share."
        yield SpecProblem(place, "needs_validation", message)
