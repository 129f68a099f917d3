#!/usr/bin/env python3
"""Writes safetensors.bin beside this file with the reference package (pip install safetensors numpy).

The C test test_safetensors.c makes the same file itself and compares the bytes, and reads it back.
"""
import os

import numpy
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))


def values(count, seed):
    """The value of element i, exact in float32."""
    return numpy.array([((i * 37 + seed * 11) % 256 - 128) / 64 for i in range(count)], numpy.float32)


tensors = {
    "conv_in.weight": values(2 * 3 * 3 * 3, 0).reshape(2, 3, 3, 3),
    "conv_in.bias": values(2, 1),
    "a": values(1, 2).reshape(()),
    "Z": values(4, 3).reshape(2, 2),
    "empty": values(0, 4).reshape(3, 0),
    "down_blocks.10.x": values(5, 5),
    "down_blocks.2.x": values(7, 6),
    'quote"back\\slash': values(3, 7),
    "umlaut\u00e4": values(2, 8),
}
save_file(tensors, os.path.join(here, "safetensors.bin"), metadata={"format": "pt"})
