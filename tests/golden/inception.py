#!/usr/bin/env python3
"""Makes inception.txt: features of Inception v3 by pytorch-fid's own network in float64, with weights by a formula instead
of the published ones; needs torch, torchvision and pytorch-fid (2.15, 0.29 and 0.3.0 made the file).
    python3 tests/golden/inception.py > tests/golden/inception.txt

With a path it writes the same weights in float32 to a safetensors file and prints nothing:
    python3 tests/golden/inception.py weights.safetensors

Weights: u(name, i) is a hash of a tensor's name and an element's number, uniform in [-1, 1) (tests/inception_file.c has the
same). Convolutions are u sqrt(6 / fan_in), the others u times SPREAD plus CENTRE.
Lines: "image HEIGHT WIDTH CHANNELS", then its 2048 features, eight a line.
"""
import sys

import numpy as np
import torch
from pytorch_fid import inception

CENTRE = {"bn.weight": 1, "bn.bias": 0, "bn.running_mean": 0, "bn.running_var": 1}
SPREAD = {"bn.weight": 0.25, "bn.bias": 0.1, "bn.running_mean": 0.1, "bn.running_var": 0.5}
IMAGES = [(28, 28, 1), (320, 201, 3)]


def mixed(x):
    """Of uint32; the constants are those of the hash "lowbias32"."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def uniform(name, count):
    number = 2166136261
    for byte in name.encode():
        number = (number ^ byte) * 16777619 % 2**32
    bits = mixed(mixed(np.arange(count, dtype=np.uint32)) ^ np.uint32(number))
    return (bits >> np.uint32(8)).astype(np.float64) / 2**23 - 1


def tensor(name, like):
    shape = tuple(like.shape)
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("conv.weight"):
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith("num_batches_tracked"):
        return torch.tensor(1)
    elif not name.startswith("fc."):
        kind = ".".join(name.split(".")[-2:])
        u = CENTRE[kind] + SPREAD[kind] * u
    return torch.from_numpy(u.astype(np.float32))


def image(H, W, C):
    """Whole numbers alone, so that every program makes the same bytes: [H, W, C]."""
    y, x, c = np.ogrid[0:H, 0:W, 0:C]
    return ((3 * y * y + 5 * x * x + 2 * x * y + 29 * c + 11 * x + 13 * y) % 256).astype(np.uint8)


def network():
    """pytorch-fid builds its network before it asks for the weights; their names and shapes are its own."""
    filled = {}

    def weights(*_, **__):
        return filled

    inception.load_state_dict_from_url = weights
    load = torch.nn.Module.load_state_dict

    def fill_and_load(module, state, *a, **k):
        state.update({name: tensor(name, t) for name, t in module.state_dict().items()})
        return load(module, state, *a, **k)

    torch.nn.Module.load_state_dict = fill_and_load
    try:
        net = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval()
    finally:
        torch.nn.Module.load_state_dict = load
    return net, filled


def features(net, pixels, dtype):
    """pixels [N, H, W, C] of bytes -> [N, 2048]; grey ones as pytorch-fid reads them, in three channels."""
    x = torch.from_numpy(pixels).to(dtype).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        return net(x.expand(-1, 3, -1, -1))[0].flatten(1)


if __name__ == "__main__":
    net, state = network()
    if len(sys.argv) > 1:
        from safetensors.torch import save_file

        save_file({name: t for name, t in state.items() if t.is_floating_point()}, sys.argv[1])
        sys.exit()
    net.double()
    for shape in IMAGES:
        print("image", *shape)
        y = [f"{v:.8g}" for v in features(net, image(*shape)[None], torch.float64)[0].tolist()]
        for i in range(0, len(y), 8):
            print(*y[i:i + 8])
