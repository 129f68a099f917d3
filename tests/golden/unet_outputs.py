#!/usr/bin/python3
"""Makes unet_outputs.txt: whole outputs of U-Nets whose maps take every form of the fast
convolutions, by PyTorch in float64; needs only torch.
    python3 tests/golden/unet_outputs.py > tests/golden/unet_outputs.txt

Network, weights and x are those of unet_grads.py, where that text describes them; weights and x are
rounded to float32, so that a float32 program computes with the same numbers, and every difference
is its own rounding. Labels are 10 and 731.
Lines: "config SIDE", then the output [N,C,H,W], eight values a line.
"""
import torch

from unet_grads import PLAIN, Weights, unet, wave

SMALL = dict(PLAIN, L=1, groups=8)
CONFIGS = [
    dict(SMALL, size=24, B=[32, 64, 64], down=[0, 1, 0], up=[0, 1, 0]),
    dict(SMALL, size=28, cin=1, cout=1, B=[32, 64, 64], down=[0, 1, 0], up=[0, 1, 0], head=None,
         eps=1e-6, padding=0, flip=False, shift=1.0),
    dict(SMALL, size=32, cin=1, cout=1, B=[32, 32, 64, 64], down=[0, 0, 1, 0], up=[0, 1, 0, 0],
         head=None, scale_shift=True),
]


def rounded(x):
    return x.detach().float().double()


with torch.no_grad():
    for c in CONFIGS:
        x = rounded(wave(torch.sin, 0.1, (2, c["cin"], c["size"], c["size"])))
        t = torch.tensor(c["t"])
        w = Weights()
        unet(c, w, x, t, None)
        w.fill()
        w.tensors = {name: rounded(v) for name, v in w.tensors.items()}
        y = [f"{v:.9g}" for v in unet(c, w, x, t, None).flatten().tolist()]
        print("config", c["size"])
        for i in range(0, len(y), 8):
            print(*y[i:i + 8])
