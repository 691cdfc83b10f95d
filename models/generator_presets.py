"""The presets of autoencoders and of adversarial networks. Keras-free."""

from models.preset import Preset

DENSE_AUTOENCODER = Preset(
    name="dense-autoencoder",
    family="autoencoder",
    summary="One layer of 32 codes with dropout, the first autoencoder of many textbooks.",
    network={
        "dense": [],
        "latent": 32,
        "latent_activation": "relu",
        "latent_dropout": 0.5,
        "output": "sigmoid",
    },
    training={"epochs": 50, "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.002}},
)
CONV_AUTOENCODER = Preset(
    name="conv-autoencoder",
    family="autoencoder",
    summary="Two convolution stages down to 16 codes and two up again; a little noise while training.",
    network={"convolutions": [32, 64], "dense": [], "latent": 16, "noise": 0.1, "loss": "bce"},
    training={"epochs": 30, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.002}},
)
VAE = Preset(
    name="vae",
    family="autoencoder",
    summary="A variational autoencoder with 8 codes: one dense layer of 256 on either side of them.",
    network={
        "dense": [256],
        "latent": 8,
        "variational": True,
        "loss": "bce",
        "kl_warmup_epochs": 5.0,
    },
    training={"epochs": 60, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.002}},
)

PRESETS = (DENSE_AUTOENCODER, CONV_AUTOENCODER, VAE)
