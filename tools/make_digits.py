#!/usr/bin/env python3
"""Makes data/digits, the small balanced set of MNIST digits, from the whole of MNIST.

usage: ./dev data mnist && tools/make_digits.py [--check]

500 images a class come from MNIST's training set and 100 a class from its test set. Of a class's n images, number
floor(i n / wanted) is taken for i = 0, 1, ... wanted - 1, so the choice needs no randomness and spreads over the whole set
(the later half of MNIST's test images is the harder one). The images keep MNIST's order. The gzip header carries no time
and no name, so the same files come out each time. With --check nothing is written: the images in the tree must be these.
"""
import gzip
import struct
import sys
import zlib
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
CLASSES = 10
SETS = {"train": 500, "t10k": 100}
IMAGE_MAGIC, LABEL_MAGIC = 0x803, 0x801


def read(folder, name):
    with gzip.open(folder / name, "rb") as file:
        return file.read()


def choose(labels, wanted):
    """The positions to keep, in order."""
    chosen = []
    for digit in range(CLASSES):
        places = [i for i, label in enumerate(labels) if label == digit]
        chosen += [places[i * len(places) // wanted] for i in range(wanted)]
    return sorted(chosen)


def subset(images, labels, wanted):
    """Two IDX files, as bytes, holding the chosen part of two IDX files."""
    magic, count, rows, columns = struct.unpack_from(">4I", images)
    label_magic, label_count = struct.unpack_from(">2I", labels)
    if (magic, label_magic) != (IMAGE_MAGIC, LABEL_MAGIC) or count != label_count:
        sys.exit("make_digits: these are not MNIST's IDX files")
    size = rows * columns
    chosen = choose(labels[8:], wanted)
    kept = b"".join(images[16 + i * size:16 + (i + 1) * size] for i in chosen)
    names = bytes(labels[8 + i] for i in chosen)
    return struct.pack(">4I", magic, len(chosen), rows, columns) + kept, struct.pack(">2I", label_magic, len(chosen)) + names


def gzipped(content):
    """A gzip file with an empty header: no time, no name, no operating system."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    body = deflate.compress(content) + deflate.flush()
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return header + body + struct.pack("<2I", zlib.crc32(content), len(content))


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__.split("\n\n")[1])
    if not (DATA / "mnist" / "train-images-idx3-ubyte.gz").exists():
        sys.exit("make_digits: data/mnist is missing: run ./dev data mnist first")
    same = True
    for prefix, wanted in SETS.items():
        names = f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
        for name, content in zip(names, subset(*(read(DATA / "mnist", name) for name in names), wanted)):
            if check:
                good = read(DATA / "digits", name) == content
                same = same and good
                print(f"data/digits/{name}: {'as made' if good else 'DIFFERS'}")
                continue
            (DATA / "digits" / name).write_bytes(gzipped(content))
            print(f"data/digits/{name}: {(DATA / 'digits' / name).stat().st_size} bytes")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
