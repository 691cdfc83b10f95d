"""What a trained autoencoder can be asked: codes of rows, rows of codes, how unlike the others a row is."""

import keras
import numpy as np
import tensorflow as tf

from models.asking import Arrays, input_signature, row_inputs
from models.roles import PlayedRole, Tensors
from models.schema import InputSchema
from models.signature import TensorSignature
from models.specs.autoencoder import AutoencoderSpec
from models.tensor_names import CODES, ERROR, LATENT, RECONSTRUCTION, SAMPLE

_EXAMPLE_SEED = 0


def autoencoder_roles(
    spec: AutoencoderSpec, network: keras.Model, source: InputSchema
) -> tuple[PlayedRole, ...]:
    """Return the roles ``encode``, ``decode`` and ``reconstruct``, and ``sample`` of a variational one."""
    parts = _Parts(spec, network, source)
    inputs = input_signature(source)
    codes = _tensor(CODES, spec.latent)
    row = _tensor(RECONSTRUCTION, *source.shape)
    roles = (
        PlayedRole("encode", parts.encode, inputs, (codes,), parts.rows),
        PlayedRole("decode", parts.decode, (codes,), (row,), parts.codes),
        PlayedRole("reconstruct", parts.reconstruct, inputs, (row, _tensor(ERROR)), parts.rows),
    )
    if not spec.variational:
        return roles
    latent, sample = _tensor(LATENT, spec.latent), _tensor(SAMPLE, *source.shape)
    return (*roles, PlayedRole("sample", parts.sample, (latent,), (sample,), parts.latents))


class _Parts:
    """The functions of the roles; each takes and returns tensors by name."""

    def __init__(self, spec: AutoencoderSpec, network: keras.Model, source: InputSchema) -> None:
        self._spec, self._network, self._source = spec, network, source

    def encode(self, tensors: Tensors) -> Tensors:
        return {CODES: self._codes(self._scaled(tensors))}

    def decode(self, tensors: Tensors) -> Tensors:
        return {RECONSTRUCTION: self._unscaled(self._decoded(tensors[CODES]))}

    def reconstruct(self, tensors: Tensors) -> Tensors:
        scaled = self._scaled(tensors)
        decoded = self._decoded(self._codes(scaled))
        error = tf.reduce_mean(tf.square(scaled - decoded), list(range(1, len(scaled.shape))))
        return {RECONSTRUCTION: self._unscaled(decoded), ERROR: error}

    def sample(self, tensors: Tensors) -> Tensors:
        return {SAMPLE: self._unscaled(self._decoded(tensors[LATENT]))}

    def rows(self, rows: np.ndarray) -> Arrays:
        return row_inputs(rows, self._source)

    def codes(self, rows: np.ndarray) -> Arrays:
        codes: np.ndarray = self._codes(self._network.get_layer("scaler")(rows)).numpy()
        return {CODES: codes}

    def latents(self, rows: np.ndarray) -> Arrays:
        generator = np.random.default_rng(_EXAMPLE_SEED)
        return {LATENT: generator.standard_normal((len(rows), self._spec.latent), np.float32)}

    def _scaled(self, tensors: Tensors) -> tf.Tensor:
        parts = [tensors[tensor.name] for tensor in input_signature(self._source)]
        rows = tf.stack(parts, axis=1) if self._source.columns else parts[0]
        return self._network.get_layer("scaler")(rows)

    def _codes(self, scaled: tf.Tensor) -> tf.Tensor:
        codes = self._network.get_layer("encoder")(scaled, training=False)
        return codes[0] if self._spec.variational else codes

    def _decoded(self, codes: tf.Tensor) -> tf.Tensor:
        return self._network.get_layer("decoder")(codes, training=False)

    def _unscaled(self, decoded: tf.Tensor) -> tf.Tensor:
        return self._network.get_layer("unscaling")(decoded)


def _tensor(name: str, *shape: int) -> TensorSignature:
    return TensorSignature(name=name, dtype="float32", shape=shape)
