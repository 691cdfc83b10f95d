"""What is told when memory runs out: that of the machine and that of a GPU are not the same."""

import pytest
import tensorflow as tf

from workers.children.memory import memory_failure

ON_GPU = (
    "OOM when allocating tensor with shape[64,4096] and type float on "
    "/job:localhost/replica:0/task:0/device:GPU:1 by allocator GPU_1_bfc"
)


def test_memory_of_the_machine_is_told_as_such() -> None:
    with pytest.raises(tf.errors.ResourceExhaustedError) as raised:
        tf.zeros([2**50])
    failure = memory_failure(raised.value)
    assert failure is not None
    assert (failure.code, failure.message) == ("out_of_memory", "There was not enough memory.")


def test_memory_of_a_gpu_is_told_with_its_number() -> None:
    failure = memory_failure(tf.errors.ResourceExhaustedError(None, None, ON_GPU))
    assert failure is not None
    assert (failure.code, failure.message) == ("out_of_memory", "The memory of GPU 1 of the job ran out.")
    assert "smaller batches" in (failure.hint or "")


@pytest.mark.parametrize("word", ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED"])
def test_libraries_of_a_gpu_say_it_in_words_of_their_own(word: str) -> None:
    failure = memory_failure(tf.errors.InternalError(None, None, f"Failed to create a handle: {word}"))
    assert failure is not None
    assert (failure.code, failure.message) == ("out_of_memory", "The memory of the GPU ran out.")


def test_other_errors_are_not_about_memory() -> None:
    assert memory_failure(tf.errors.InvalidArgumentError(None, None, "indices are out of range")) is None
