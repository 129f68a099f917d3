#!/usr/bin/env python3
"""Samples of diffc and of diffusers from the same folder, both ways. Not part of `make test`.

usage: compare_diffusers.py PATH/TO/diffc RUN_OR_MODEL...

A trained DDPM model of diffc is loaded by diffusers' UNet2DModel and DDIMScheduler; then a random model that diffusers
saves is loaded by diffc. Both draw images with 20 steps of DDIM from the same start noise: the greatest difference in
grey levels is printed, of which half a level is diffc's rounding to bytes, and more than 0.51 fails. Needs torch,
diffusers and safetensors (torch 1.13 goes with diffusers 0.31 and safetensors 0.4).
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import safetensors.torch  # noqa: F401: diffusers expects it to be there
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel

STEPS, COUNT, SAMPLE_PURPOSE = 20, 4, 7


def philox(seed, stream, blocks):
    """Philox4x32-10 of Salmon et al. 2011, as the words of blocks 0 .. blocks-1."""
    mask = np.uint64(0xFFFFFFFF)
    index = np.arange(blocks, dtype=np.uint64)
    c = [index, np.zeros_like(index), np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & mask,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1)


def start_noise(seed, n):
    """The n normals that diffc starts image `seed` from: Box-Muller on pairs of words."""
    unit = (philox(seed, SAMPLE_PURPOSE << 56, (n + 3) // 4).astype(np.float64) + 0.5) * 2.0 ** -32
    radius, angle = np.sqrt(-2 * np.log(unit[:, 0::2])), 2 * np.pi * unit[:, 1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(-1)[:n]


def images_of_diffusers(folder):
    unet = UNet2DModel.from_pretrained(os.path.join(folder, "unet")).eval()
    scheduler = DDIMScheduler.from_pretrained(os.path.join(folder, "scheduler"), timestep_spacing="leading")
    size = unet.config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    channels = unet.config.in_channels
    noise = [start_noise(k, height * width * channels).reshape(height, width, channels) for k in range(COUNT)]
    x = torch.tensor(np.stack(noise).transpose(0, 3, 1, 2), dtype=torch.float32)
    scheduler.set_timesteps(STEPS)
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(unet(x, t).sample, t, x, use_clipped_model_output=True).prev_sample
    return ((x.numpy().transpose(0, 2, 3, 1) + 1) * 127.5).clip(0, 255)


def images_of_diffc(program, folder, scratch):
    out = os.path.join(scratch, "images.npz")
    command = [program, "sample", "-q", "-m", folder, "--sampler", "ddim", "--spacing", "leading", "--steps", str(STEPS),
               "--clip", "--eta", "0", "--seed", "0", "--count", str(COUNT), "--npz", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(out)["arr_0"].astype(np.float64)


def compare(program, folder, scratch):
    worst = np.abs(images_of_diffc(program, folder, scratch) - images_of_diffusers(folder)).max()
    print(f"{folder}: at most {worst:.3f} grey levels apart")
    return worst <= 0.51


def random_model(scratch):
    folder = os.path.join(scratch, "from-diffusers")
    torch.manual_seed(0)
    unet = UNet2DModel(sample_size=16, in_channels=3, out_channels=3, block_out_channels=(32, 64), layers_per_block=1,
                       norm_num_groups=8, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                       up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
    return folder


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, good = sys.argv[1], True
    with tempfile.TemporaryDirectory() as scratch:
        for path in sys.argv[2:] + [random_model(scratch)]:
            inner = os.path.join(path, "model")
            folder = inner if os.path.isdir(inner) else path
            with open(os.path.join(folder, "scheduler", "scheduler_config.json"), encoding="utf-8") as file:
                kind = json.load(file)["_class_name"]
            if kind not in ("DDPMScheduler", "DDIMScheduler"):
                sys.exit(f"{folder}: is a model of {kind}; DDIM is compared on models of DDPM")
            good = compare(program, folder, scratch) and good
    sys.exit(0 if good else 1)


main()
