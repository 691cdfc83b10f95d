"""The presets of multi-layer perceptrons. Keras-free."""

from models.preset import Preset

PRESETS = (
    Preset(
        name="mlp-mnist",
        family="mlp",
        summary="The first network of many textbooks, for 28x28 images: dense layers of 128 and 64.",
        network={"dense": [128, 64]},
        training={
            "epochs": 20,
            "batch_size": 64,
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
        },
    ),
    Preset(
        name="tabular-small",
        family="mlp",
        summary="For tables of some hundred to some hundred thousand rows: two dense layers with dropout.",
        network={"dense": [64, 32], "activation": "relu", "dropout": 0.2, "l2": 0.0001},
        training={
            "epochs": 100,
            "batch_size": 32,
            "optimizer": {"name": "adam", "learning_rate": 0.003, "schedule": {"name": "cosine"}},
            "early_stopping": {"patience": 20},
        },
    ),
)
