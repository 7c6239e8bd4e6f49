# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A neighbour that writes to the disk, one block after the other, each forced out. FOLDER is its argument."""
import os
import sys
import tempfile


def main():
    block = os.urandom(1 << 20)
    with tempfile.TemporaryFile(dir=sys.argv[1]) as f:
        print("ready", flush=True)
        while True:
            for n in range(64):
                os.pwrite(f.fileno(), block, n << 20)
                os.fsync(f.fileno())


if __name__ == "__main__":
    main()
