"""The presets of text generators. Keras-free."""

from models.preset import Preset

CHAR_LSTM = Preset(
    name="char-lstm",
    family="text_generator",
    summary="The character model of many textbooks: learnt vectors of 64, one LSTM of 128.",
    network={"cell": "lstm", "embedding_size": 64, "units": [128]},
    training={"epochs": 20, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.003}},
)
CHAR_GRU = Preset(
    name="char-gru",
    family="text_generator",
    summary="The same with a GRU of 128, whose cell has three quarters of the weights.",
    network={"cell": "gru", "embedding_size": 64, "units": [128]},
    training={"epochs": 20, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.003}},
)

PRESETS = (CHAR_LSTM, CHAR_GRU)
