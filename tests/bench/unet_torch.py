"""The PyTorch counterpart of `diffc bench`: the same U-Net (diffusers' UNet2DModel graph, random
weights) from the same configuration file, timed the same way.

usage: unet_torch.py CONFIG.json train|sample BATCH SECONDS REPETITIONS [--channels-last] [--optimize]
--optimize traces, freezes and optimises the network for inference (sample only).
Prints one JSON object: params, images_per_s (median over repeats), peak_mib, threads, versions.
"""
import json
import math
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class ResBlock(nn.Module):
    def __init__(self, c_in, c_out, embedding, groups, eps, dropout):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, c_in, eps)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.time = nn.Linear(embedding, c_out)
        self.norm2 = nn.GroupNorm(groups, c_out, eps)
        self.drop = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.skip = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x, emb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(emb))[:, :, None, None]
        return self.skip(x) + self.conv2(self.drop(F.silu(self.norm2(h))))


class Attention(nn.Module):
    def __init__(self, c, groups, eps):
        super().__init__()
        self.norm = nn.GroupNorm(groups, c, eps)
        self.q, self.k, self.v, self.out = (nn.Linear(c, c) for _ in range(4))

    def forward(self, x):
        n, c, h, w = x.shape
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        weights = self.q(tokens) @ self.k(tokens).transpose(1, 2) / math.sqrt(c)
        y = self.out(weights.softmax(-1) @ self.v(tokens))
        return x + y.transpose(1, 2).reshape(n, c, h, w)


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        model = config["model"]
        base, blocks = model["channels"], model["blocks"]
        widths = [base * m for m in model["multipliers"]]
        size, image_channels = config["data"]["size"], config["data"]["channels"]
        groups, eps, dropout = model["groups"], model.get("eps", 1e-6), model.get("dropout", 0.0)
        at = [size >> level in model["attention"] for level in range(len(widths))]
        emb = 4 * base
        self.register_buffer("freq", torch.exp(-math.log(10000) * torch.arange(base // 2) / (base // 2 - 1)), False)
        self.emb1, self.emb2 = nn.Linear(base, emb), nn.Linear(emb, emb)
        self.conv_in = nn.Conv2d(image_channels, base, 3, padding=1)
        skips, width = [base], base
        self.steps = nn.ModuleList()
        self.kinds = []

        def add(kind, module):
            self.kinds.append(kind)
            self.steps.append(module)

        for level, out in enumerate(widths):
            for _ in range(blocks):
                add("res", ResBlock(width, out, emb, groups, eps, dropout))
                width = out
                if at[level]:
                    add("plain", Attention(width, groups, eps))
                add("push", nn.Identity())
                skips.append(width)
            if level + 1 < len(widths):
                add("plain", nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(width, width, 3, stride=2)))
                add("push", nn.Identity())
                skips.append(width)
        add("res", ResBlock(width, width, emb, groups, eps, dropout))
        add("plain", Attention(width, groups, eps))
        add("res", ResBlock(width, width, emb, groups, eps, dropout))
        for level in reversed(range(len(widths))):
            for _ in range(blocks + 1):
                add("pop", nn.Identity())
                add("res", ResBlock(width + skips.pop(), widths[level], emb, groups, eps, dropout))
                width = widths[level]
                if at[level]:
                    add("plain", Attention(width, groups, eps))
            if level > 0:
                add("plain", nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1)))
        self.norm_out = nn.GroupNorm(groups, width, eps)
        self.conv_out = nn.Conv2d(width, image_channels, 3, padding=1)

    def forward(self, x, t):
        angles = t[:, None].float() * self.freq
        emb = self.emb2(F.silu(self.emb1(torch.cat([angles.sin(), angles.cos()], 1))))
        h = self.conv_in(x)
        stack = [h]
        for kind, module in zip(self.kinds, self.steps):
            if kind == "res":
                h = module(h, emb)
            elif kind == "plain":
                h = module(h)
            elif kind == "push":
                stack.append(h)
            else:
                h = torch.cat([h, stack.pop()], 1)
        return self.conv_out(F.silu(self.norm_out(h)))


def main():
    path, mode, batch, seconds, least = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    options = sys.argv[6:]
    last = "--channels-last" in options
    config = json.load(open(path))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    torch.manual_seed(0)
    net = UNet(config)
    layout = torch.channels_last if last else torch.contiguous_format
    net = net.to(memory_format=layout)
    size, channels = config["data"]["size"], config["data"]["channels"]
    x = torch.randn(batch, channels, size, size).contiguous(memory_format=layout)
    noise = torch.randn_like(x)
    t = torch.randint(0, 1000, (batch,))
    if mode == "train":
        adam = torch.optim.Adam(net.parameters(), lr=2e-4)

        def step():
            adam.zero_grad(set_to_none=True)
            F.mse_loss(net(x, t), noise).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
    else:
        net.eval()
        run = net
        if "--optimize" in options:
            with torch.no_grad():
                run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, (x, t))))

        def step():
            with torch.no_grad():
                run(x, t)

    for _ in range(2 if least > 1 else 1):
        step()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({
        "params": sum(p.numel() for p in net.parameters()),
        "mode": mode,
        "batch": batch,
        "images_per_s": round(batch / statistics.median(times), 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "variant": " ".join(options) or "eager",
    }))


main()
