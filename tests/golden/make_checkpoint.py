#!/usr/bin/env python3
"""Writes checkpoint-1.safetensors and checkpoint-2.safetensors beside this file.

The first is a checkpoint of format 1 as every release of diffc must read it; the second claims a
format that does not exist. The layout is written out here a second time, from its description in
src/io/checkpoint.h, so that test_checkpoint.c compares two independent writers.
"""
import json
import os
import struct
import zlib

here = os.path.dirname(os.path.abspath(__file__))
PARAMS = {"bias": [5], "conv.weight": [3, 2, 3, 3], "linear.weight": [4, 3], "one": [1]}


def value(block, param, i):
    """Element i in the order of the file; exact in float32."""
    return ((i * 37 + param * 11 + block * 5) % 256 - 128) / 64


def write(file_format):
    state = json.dumps(
        {
            "format": file_format,
            "step": 1234,
            "samples": "18446744073709551615",
            "seed": "77",
            "seconds": 0.30000000000000004,
            "loss_sum": 1.5,
            "loss_count": 3,
            "best_validation": None,
            "blas": "test",
            "level": "plain",
        },
        separators=(",", ":"),
    )
    tensors = {}
    for b, block in enumerate(["w", "ema", "m", "v"]):
        for p, (name, shape) in enumerate(PARAMS.items()):
            count = 1
            for side in shape:
                count *= side
            data = struct.pack("<%df" % count, *(value(b, p, i) for i in range(count)))
            tensors["%s.%s" % (block, name)] = (shape, data)
    crc = zlib.crc32(state.encode() + b"\0")
    header, data = {}, b""
    for name in sorted(tensors):
        shape, content = tensors[name]
        crc = zlib.crc32(("%s\0%s\0" % (name, shape)).encode() + content, crc)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    header = {"__metadata__": {"check": "%08x" % crc, "state": state}, **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(here, "checkpoint-%d.safetensors" % file_format), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


write(1)
write(2)
