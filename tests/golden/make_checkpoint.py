#!/usr/bin/env python3
"""Writes three files beside this one.

checkpoint-1.safetensors is a checkpoint of format 1 as every release of diffc must read it,
checkpoint-1-older.safetensors one of earlier releases, which also held best_validation;
checkpoint-2.safetensors claims a format that does not exist. The layout is written out here a second time, from its description in
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


def write(file_format, name, **older):
    state = json.dumps(
        {
            "format": file_format,
            "step": 1234,
            "samples": "18446744073709551615",
            "seed": "77",
            "seconds": 0.30000000000000004,
            "loss_sum": 1.5,
            "loss_count": 3,
            **older,
            "blas": "test",
            "level": "plain",
        },
        separators=(",", ":"),
    )
    tensors = {}
    for b, block in enumerate(["w", "ema", "m", "v"]):
        for p, (param, shape) in enumerate(PARAMS.items()):
            count = 1
            for side in shape:
                count *= side
            data = struct.pack("<%df" % count, *(value(b, p, i) for i in range(count)))
            tensors["%s.%s" % (block, param)] = (shape, data)
    crc = zlib.crc32(state.encode() + b"\0")
    header, data = {}, b""
    for tensor in sorted(tensors):
        shape, content = tensors[tensor]
        crc = zlib.crc32(("%s\0%s\0" % (tensor, shape)).encode() + content, crc)
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    header = {"__metadata__": {"check": "%08x" % crc, "state": state}, **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(here, name), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


write(1, "checkpoint-1.safetensors")
write(1, "checkpoint-1-older.safetensors", best_validation=None)
write(2, "checkpoint-2.safetensors")
