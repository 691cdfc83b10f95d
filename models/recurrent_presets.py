"""The presets of recurrent networks and of networks with attention. Keras-free."""

from models.preset import Preset

_ADAM = {"name": "adam", "learning_rate": 0.002}

LSTM_SEQUENCE = Preset(
    name="lstm-sequence",
    family="rnn",
    summary="Two LSTM layers of 64 over the steps of a sequence, or over the rows of an image.",
    network={"layers": [64, 64]},
    training={"epochs": 20, "batch_size": 64, "optimizer": _ADAM},
)
LSTM_TEXT = Preset(
    name="lstm-text",
    family="rnn",
    summary="Token vectors of 64, two LSTM layers of 64, a dense layer of 64: a textbook's text classifier.",
    network={"embedding_size": 64, "layers": [64, 64], "dense": [64]},
    training={"epochs": 10, "batch_size": 64, "optimizer": _ADAM},
)
GRU_TEXT = Preset(
    name="gru-text",
    family="rnn",
    summary="Token vectors of 64 and one GRU of 64, smaller and quicker than an LSTM.",
    network={"embedding_size": 64, "cell": "gru", "layers": [64], "dropout": 0.2},
    training={"epochs": 10, "batch_size": 64, "optimizer": _ADAM},
)
BILSTM_TEXT = Preset(
    name="bilstm-text",
    family="rnn",
    summary="Token vectors of 64 and one LSTM of 64 that reads both ways, the maximum over time.",
    network={
        "embedding_size": 64,
        "layers": [{"units": 64, "bidirectional": True}],
        "pooling": "max",
        "dropout": 0.2,
    },
    training={"epochs": 10, "batch_size": 64, "optimizer": _ADAM},
)

PRESETS = (LSTM_SEQUENCE, LSTM_TEXT, GRU_TEXT, BILSTM_TEXT)
