#!/usr/bin/env python3
"""Makes data/boot.png, image 0 of Fashion-MNIST's test images (an ankle boot), and data/boot-noisy.png, the same
with normal noise of 25 levels of grey, rounded and clipped. Needs the data set; uses the standard library alone.
usage: boot.py [FOLDER]"""
import gzip
import os
import random
import struct
import sys
import zlib

SIDE, SIGMA = 28, 25


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_png(path, pixels):
    rows = b"".join(b"\0" + bytes(pixels[y * SIDE:(y + 1) * SIDE]) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) +
                chunk(b"IEND", b""))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")
    with gzip.open(os.path.join(folder, "t10k-images-idx3-ubyte.gz")) as f:
        boot = f.read(16 + SIDE * SIDE)[16:]
    draw = random.Random(0)
    noisy = [min(255, max(0, round(value + draw.gauss(0, SIGMA)))) for value in boot]
    write_png(os.path.join(data, "boot.png"), boot)
    write_png(os.path.join(data, "boot-noisy.png"), noisy)


if __name__ == "__main__":
    main()
