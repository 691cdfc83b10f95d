import gc
import subprocess
import sys

import pytest

from app.serving.memory import give_back

# In a process of its own: what other tests have freed would blur the figures.
PROGRAM = """
import ctypes, gc
from app.serving.memory import give_back

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

# Small pieces, one of each pair kept, so that the heap's end stays in use.
pieces = [bytearray(2000) for _ in range(50_000)]
last = bytearray(2000)
full = resident()
pieces.clear()
gc.collect()
give_back()
print((full - resident()) / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give memory back by themselves")
def test_freed_memory_is_given_back():
    output = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert float(output.stdout) > 50


def test_giving_back_does_no_harm():
    gc.collect()
    give_back()
    give_back()
