#!/usr/bin/env python3
"""Speed of Inception v3's features, diffc against pytorch-fid in PyTorch, strictly in turn, and their largest difference.

usage: inception_speed.py [COUNT] [THREADS] [ROUNDS]     256 images of Fashion-MNIST, two threads, five rounds

Weights by the formula of tests/golden/inception.py. PyTorch runs with its channels first and last, in batches of 50 as
pytorch-fid does. Needs torch, torchvision, pytorch-fid, safetensors, and Debian's dataset-fashion-mnist; and of diffc
    make build/release/tests/bench/inception_speed
"""
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../golden"))
import numpy as np
import torch
from safetensors.torch import save_file

import inception as golden

COUNT, THREADS, ROUNDS = [int(word) for word in sys.argv[1:4]] + [256, 2, 5][len(sys.argv) - 1:]
PROGRAM = os.path.join(HERE, "../../build/release/tests/bench/inception_speed")
DATA = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"
BATCH = 50


def by_torch(net, pixels, memory):
    start, before = time.perf_counter(), time.process_time()
    parts = []
    with torch.no_grad():
        for i in range(0, COUNT, BATCH):
            x = torch.from_numpy(pixels[i:i + BATCH]).permute(0, 3, 1, 2).float() / 255
            x = x.expand(-1, 3, -1, -1).contiguous(memory_format=memory)
            parts.append(net(x)[0].flatten(1))
    return torch.cat(parts).numpy(), time.perf_counter() - start, time.process_time() - before


def by_diffc(weights, pixels):
    run = subprocess.run([PROGRAM, weights, *map(str, pixels.shape[1:]), str(COUNT), str(THREADS)], input=pixels.tobytes(),
                         capture_output=True, check=True)
    return np.frombuffer(run.stdout, np.float32).reshape(COUNT, -1), *map(float, run.stderr.split())


torch.set_num_threads(THREADS)
pixels = np.frombuffer(gzip.open(DATA).read(), np.uint8, COUNT * 784, 16).reshape(COUNT, 28, 28, 1).copy()
net, state = golden.network()
nets = {"PyTorch": (net, torch.contiguous_format)}
nets["PyTorch, channels last"] = (golden.network()[0].to(memory_format=torch.channels_last), torch.channels_last)
with tempfile.TemporaryDirectory() as folder:
    weights = os.path.join(folder, "w.safetensors")
    save_file({name: t for name, t in state.items() if t.is_floating_point()}, weights)
    speeds = {name: [] for name in ["diffc", *nets]}
    of_cpus = {name: [] for name in speeds}
    for r in range(ROUNDS):
        ours, seconds, cpu = by_diffc(weights, pixels)
        speeds["diffc"].append(COUNT / seconds)
        of_cpus["diffc"].append(cpu / COUNT)
        for name, (peer, memory) in nets.items():
            theirs, seconds, cpu = by_torch(peer, pixels, memory)
            speeds[name].append(COUNT / seconds)
            of_cpus[name].append(cpu / COUNT)
for name, values in speeds.items():
    print(f"{name}: {statistics.median(values):.2f} images/s ({min(values):.2f}-{max(values):.2f}), "
          f"{1000 * statistics.median(of_cpus[name]):.0f} ms of a CPU an image")
exact = golden.features(net.double(), pixels[:8], torch.float64).numpy()
for name, y in [("diffc and PyTorch in float32", None), ("diffc and float64", ours[:8]), ("PyTorch in float32 and float64", theirs[:8])]:
    a, b = (ours, theirs) if y is None else (y, exact)
    away = np.abs(a - b)
    print(f"{name}: {np.max(away / np.abs(b).max()):.2g} of the largest feature, "
          f"{np.max(np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)):.2g} of an image's norm")
