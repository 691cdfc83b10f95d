"""How much of a dataset is read; what is larger is refused before anything is allocated."""

MEMBERS = 64
DIRECTORY_BYTES = 64 * 1024
# Small members may compress without limit: sorted labels shrink a thousandfold.
RATIO = 100
RATIO_FREE_BYTES = 64 * 1024**2

MIN_ROWS = 10
MAX_SIDE = 4096
MAX_CLASSES = 1000
MAX_LABEL_CHARACTERS = 100
# Beyond this the sums inside a network overflow float32.
MAX_VALUE = 1e30

CHUNK_BYTES = 8 * 1024**2
