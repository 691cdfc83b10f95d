"""How much of a dataset is read; what is larger is refused before anything is allocated."""

MEMBERS = 64
DIRECTORY_BYTES = 64 * 1024
# Small members may compress without limit: sorted labels shrink a thousandfold.
RATIO = 100
RATIO_FREE_BYTES = 64 * 1024**2
# Archives of one file for each row.
FOLDER_MEMBERS = 200_000
FOLDER_DIRECTORY_BYTES = 64 * 1024**2
MEMBER_BYTES = 64 * 1024**2

MIN_ROWS = 10
MAX_SIDE = 4096
MAX_PIXELS = 25_000_000
# Of pictures for which no size was asked.
DEFAULT_SIDE = 256
MAX_CLASSES = 1000
MAX_LABEL_CHARACTERS = 100
MAX_TARGETS = 1000
# Beyond this the sums inside a network overflow float32.
MAX_VALUE = 1e30
MAX_FEATURES = 1_000_000
MAX_STEPS = 100_000

MAX_COLUMNS = 4096
MAX_TABLE_ROWS = 50_000_000
MAX_FIELD_BYTES = 64 * 1024
# Of one column; rarer categories are read as unknown.
MAX_CATEGORIES = 1000
# A column of whole numbers with more different values holds quantities rather than names of classes.
FEW_INTEGERS = 20

MAX_TEXT_BYTES = 512 * 1024**2
MAX_LINE_BYTES = 16 * 1024**2
MAX_VOCABULARY = 1_000_000
MAX_TOKENS = 4096
MAX_TOKEN_CHARACTERS = 100

CHUNK_BYTES = 8 * 1024**2
