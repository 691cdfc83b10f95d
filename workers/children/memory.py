"""What is told when memory ran out in TensorFlow: the machine's, or that of a GPU, which ends no process."""

import re

import tensorflow as tf

from workers.children.program import out_of_memory
from workers.protocol import Failure

_GPU = re.compile(r"device:GPU:(\d+)")
# How CUDA and its libraries say it, in errors that TensorFlow takes for internal ones.
_WORDS = ("CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def memory_failure(error: tf.errors.OpError) -> Failure | None:
    """Return what to tell of an error of TensorFlow, or None if it is not about memory."""
    said = error.message
    if not isinstance(error, tf.errors.ResourceExhaustedError):
        return _of_device(said) if any(word in said for word in _WORDS) else None
    # What XLA has compiled does not say where it ran: on a GPU, if there is one.
    on_gpu = _GPU.search(said) or ("device:CPU" not in said and tf.config.list_physical_devices("GPU"))
    return _of_device(said) if on_gpu else out_of_memory()


def _of_device(said: str) -> Failure:
    found = _GPU.search(said)
    device = f"GPU {found[1]} of the job" if found else "the GPU"
    return Failure(
        code="out_of_memory",
        message=f"The memory of {device} ran out.",
        hint="Use smaller batches, a smaller network, or training.mixed_precision, or several GPUs by "
        "training.devices. Other programs on the same GPU take memory too.",
    )
