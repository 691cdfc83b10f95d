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

ATTENTION_LSTM_TEXT = Preset(
    name="attention-lstm-text",
    family="attention",
    summary="Token vectors of 64, gated attention over them, an LSTM of 64: which words count is answered.",
    network={"embedding_size": 64, "attention": [{"name": "gated"}], "recurrent": [64], "pooling": "last"},
    training={"epochs": 10, "batch_size": 64, "optimizer": _ADAM},
)
TRANSFORMER_MINI = Preset(
    name="transformer-mini",
    family="attention",
    summary="A small transformer encoder: places in time, two layers of self-attention with four heads.",
    network={
        "embedding_size": 64,
        "positions": True,
        "attention": [{"name": "self", "heads": 4, "feed_forward": 128, "dropout": 0.1}] * 2,
        "pooling": "average",
        "dropout": 0.1,
    },
    training={"epochs": 15, "batch_size": 64, "optimizer": {"name": "adam", "learning_rate": 0.001}},
)

PRESETS = (LSTM_SEQUENCE, LSTM_TEXT, GRU_TEXT, BILSTM_TEXT, ATTENTION_LSTM_TEXT, TRANSFORMER_MINI)
