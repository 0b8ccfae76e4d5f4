"""Writes an empty qcow2 image, for `make qemu-record` to keep the machine's first state in (no
qemu-img needed). The format: docs/interop/qcow2.txt of QEMU, version 2."""

import struct
import sys

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
SIZE = 64 << 20  # of the disk; snapshots of the machine's memory lie beyond, in the same file
MAGIC = 0x514649FB


def image():
    """Header, a table of one block of reference counts, that block, and an empty L1 table."""
    l1_entries = SIZE // (CLUSTER * (CLUSTER // 8))
    header = struct.pack(">IIQIIQIIQQIIQ", MAGIC, 2, 0, 0, CLUSTER_BITS, SIZE, 0, max(1, l1_entries),
                         3 * CLUSTER, CLUSTER, 1, 0, 0)
    counts = struct.pack(">4H", 1, 1, 1, 1)
    blocks = [header, struct.pack(">Q", 2 * CLUSTER), counts, b""]
    return b"".join(block.ljust(CLUSTER, b"\0") for block in blocks)


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as out:
        out.write(image())
