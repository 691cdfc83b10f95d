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

_PLAYERS = {"name": "adam", "learning_rate": 0.0002, "beta_1": 0.5}

DENSE_GAN = Preset(
    name="dense-gan",
    family="gan",
    summary="Four dense layers for either player, without biases: the first GAN of many textbooks.",
    network={
        "latent": 100,
        "generator": [128, 256, 512, 1024],
        "discriminator": [1024, 512, 256, 128],
        "bias": False,
    },
    training={"epochs": 50, "batch_size": 16, "optimizer": _PLAYERS},
)
DCGAN = Preset(
    name="dcgan",
    family="gan",
    summary="A convolutional GAN with batch normalisation in the generator and dropout in the discriminator.",
    network={
        "latent": 64,
        "filters": [64, 128],
        "batch_normalization": True,
        "dropout": 0.3,
        "label_smoothing": 0.1,
    },
    training={"epochs": 60, "batch_size": 64, "optimizer": _PLAYERS},
)
CONDITIONAL_DCGAN = Preset(
    name="conditional-dcgan",
    family="gan",
    summary="A convolutional GAN that makes images of the class that is asked for.",
    network={
        "latent": 64,
        "conditional": True,
        "filters": [64, 128],
        "batch_normalization": True,
        "dropout": 0.3,
        "loss": "hinge",
    },
    training={"epochs": 150, "batch_size": 64, "optimizer": _PLAYERS},
)

PRESETS = (DENSE_AUTOENCODER, CONV_AUTOENCODER, VAE, DENSE_GAN, DCGAN, CONDITIONAL_DCGAN)
