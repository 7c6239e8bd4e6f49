# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""NumPy matrix products, in N threads of Python: matmul.py [N]

OPENBLAS_NUM_THREADS=1 keeps the library's own threads out of it."""
import sys
import threading

import numpy


def multiply():
    a = numpy.random.rand(400, 400)
    while True:
        a @ a


for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 2):
    threading.Thread(target=multiply).start()
