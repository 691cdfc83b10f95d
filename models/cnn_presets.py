"""The presets of convolutional networks. Keras-free."""

from typing import Any

from models.preset import Preset


def _block(filters: int, **fields: Any) -> dict[str, Any]:
    return {"filters": filters, "kernel": 3} | fields


def _valid(filters: int, **fields: Any) -> dict[str, Any]:
    return _block(filters, padding="valid", **fields)


def _normalized(filters: int, **fields: Any) -> dict[str, Any]:
    return _block(filters, batch_normalization=True, **fields)


CNN_SMALL = Preset(
    name="cnn-small",
    family="cnn",
    summary="A small, quick CNN for 8x8 images: two convolutions with pooling and one dense layer.",
    network={
        "blocks": [_block(24, pooling="max"), _block(48, pooling="max")],
        "dense": [64],
        "dropout": 0.25,
    },
    training={"epochs": 20, "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.003}},
    drawn_for=(8, 8),
)
CNN_BASIC = Preset(
    name="cnn-basic",
    family="cnn",
    summary="The first CNN of many textbooks, for 28x28 images: 32-pool-64-pool-64, one dense layer of 64.",
    network={"blocks": [_valid(32, pooling="max"), _valid(64, pooling="max"), _valid(64)], "dense": [64]},
    training={"epochs": 5, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.001}},
    drawn_for=(28, 28),
)
CNN_SHALLOW = Preset(
    name="cnn-shallow",
    family="cnn",
    summary="One convolution of 32 filters with pooling and a dense layer of 128, for 28x28 images.",
    network={"blocks": [_valid(32, pooling="max")], "dense": [128]},
    training={"epochs": 5, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.001}},
    drawn_for=(28, 28),
)
CNN_MNIST = Preset(
    name="cnn-mnist",
    family="cnn",
    summary="Two convolutions with pooling and a dense layer of 128 for 28x28 digits, trained by SGD.",
    network={"blocks": [_valid(32, pooling="max"), _valid(64, pooling="max")], "dense": [128]},
    training={
        "epochs": 10,
        "batch_size": 128,
        "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    },
    drawn_for=(28, 28),
)
CNN_MODERN = Preset(
    name="cnn-modern",
    family="cnn",
    summary="Pairs of convolutions with batch normalisation and dropout, global pooling, augmented images.",
    network={
        "blocks": [
            _normalized(32),
            _normalized(32, pooling="max", dropout=0.1),
            _normalized(64),
            _normalized(64, pooling="max", dropout=0.2),
            _normalized(128),
        ],
        "global_pooling": "average",
        "dropout": 0.3,
    },
    training={
        "epochs": 30,
        "batch_size": 64,
        "optimizer": {
            "name": "adam",
            "learning_rate": 0.002,
            "schedule": {"name": "cosine", "warmup_epochs": 1.0},
        },
        "augmentation": [
            {"name": "rotation", "factor": 0.03},
            {"name": "translation", "factor": 0.08},
            {"name": "zoom", "factor": 0.1},
        ],
    },
    drawn_for=(8, 8),
)

RESNET_MINI = Preset(
    name="resnet-mini",
    family="cnn",
    summary="A residual network of eight layers for small images: three stages of 16, 32 and 64 filters.",
    network={
        "blocks": [
            _normalized(16),
            _normalized(16, residual=True),
            _normalized(32, residual=True, stride=2),
            _normalized(64, residual=True, stride=2),
        ],
        "global_pooling": "average",
    },
    training={
        "epochs": 30,
        "batch_size": 64,
        "optimizer": {
            "name": "adam",
            "learning_rate": 0.003,
            "schedule": {"name": "cosine", "warmup_epochs": 1.0},
        },
        "augmentation": [{"name": "translation", "factor": 0.08}],
    },
    drawn_for=(8, 8),
)
CONV1D_SERIES = Preset(
    name="conv1d-series",
    family="cnn",
    summary="Three normalised convolutions along time and their average: a strong first try for series.",
    network={
        "blocks": [
            _normalized(32, kernel=7),
            _normalized(64, kernel=5),
            _normalized(32),
        ],
        "global_pooling": "average",
    },
    training={
        "epochs": 30,
        "batch_size": 32,
        "optimizer": {"name": "adam", "learning_rate": 0.002, "schedule": {"name": "cosine"}},
    },
)

PRESETS = (CNN_SMALL, CNN_BASIC, CNN_SHALLOW, CNN_MNIST, CNN_MODERN, RESNET_MINI, CONV1D_SERIES)
