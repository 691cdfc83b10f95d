"""What the tensors of roles are called, and the curves of a training. Keras-free."""

# What the one input of a predicting network is called, by the kind of its rows.
INPUT_NAMES = {"images": "image", "vectors": "vector", "sequences": "sequence", "text": "text"}
PROBABILITIES, VALUES, ATTENTION = "probabilities", "values", "attention"
CODES, RECONSTRUCTION, ERROR = "codes", "reconstruction", "error"
LATENT, SAMPLE, LABEL = "latent", "sample", "label"
# The logit of what is never to be drawn: no infinity, which a temperature would turn into NaN.
NEVER = -1e9

# Figures of the epochs of an autoencoder, of a variational one, and of two players.
PLAIN = ("loss",)
VARIATIONAL = ("loss", "reconstruction", "kl")
PLAYERS = ("generator_loss", "discriminator_loss", "sample_variance")
