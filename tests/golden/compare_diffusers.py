#!/usr/bin/env python3
"""What diffc and diffusers make of the same folders. Not part of `make test`.

usage: make all build/release/tests/bench/network_output
       compare_diffusers.py build/release/diffc RUN_OR_MODEL...

For each folder of diffc, and for a random model that diffusers saves (whole and in float16 shards):
  opens     whether DiffusionPipeline opens it, and as what, is what `diffc info` says of it
  network   outputs at five labels differ by at most 1e-5 of the largest
  ddim      20 steps from the same start noise: the greatest difference in grey levels, of which half a level
            is diffc's rounding to bytes; more than 0.51 fails
  dpm++2m   the same for DPMSolverMultistepScheduler made from the folder's scheduler
  clipping  a step of DDPM and DDIM with "thresholding" in the scheduler file is the one without it
  defaults  the same where the scheduler file says the sampler and the spacing, and diffc is given no option (of
            karras, where diffusers rounds the labels, the mean difference)
  pipeline  its own call runs, and gives finite images
Chains that diffc reads as more than a DDPM (VP, kept steps) are compared without the keys that say so. Needs torch,
diffusers and safetensors; last run with torch 2.15, diffusers 0.42.1 and safetensors 0.8.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, DiffusionPipeline, DPMSolverMultistepScheduler
from diffusers import UNet2DModel
from diffusers.utils import logging

STEPS, COUNT, SAMPLE_PURPOSE = 20, 4, 7
OWN_KEYS = ("_diffc_", "kept_timesteps", "masked_alphas")


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


def inner_folder(path):
    inner = os.path.join(path, "model")
    return inner if os.path.isdir(inner) else path


def info_of(program, path):
    text = subprocess.run([program, "info", "--json", path], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(text)["diffusers"]


def plain_chain(folder, scratch):
    """A copy that diffc reads as the DDPM that diffusers sees."""
    copy = os.path.join(scratch, "plain")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    drop_own_keys(copy)
    return copy


def drop_own_keys(folder):
    path = os.path.join(folder, "scheduler", "scheduler_config.json")
    with open(path, encoding="utf-8") as file:
        keys = json.load(file)
    keys = {k: v for k, v in keys.items() if not k.startswith(OWN_KEYS)}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(keys, file, indent=2)


def start(unet):
    size, channels = unet.config.sample_size, unet.config.in_channels
    height, width = (size, size) if isinstance(size, int) else size
    noise = [start_noise(k, height * width * channels).reshape(height, width, channels) for k in range(COUNT)]
    return torch.tensor(np.stack(noise).transpose(0, 3, 1, 2), dtype=torch.float32)


def labels_of(scheduler):
    if hasattr(scheduler, "betas"):
        T = scheduler.config.num_train_timesteps
        return [T - 1, T // 2, T // 5, 1, 0]
    low, high = scheduler.config.sigma_min, scheduler.config.sigma_max
    return [low * (high / low) ** part for part in (1, 0.75, 0.5, 0.25, 0)]


def compare_networks(program, folder, pipe):
    tool = os.path.join(os.path.dirname(program), "tests", "bench", "network_output")
    unet, classes = pipe.unet, pipe.unet.config.num_class_embeds
    x = start(unet)[:1]
    worst = 0
    for label in labels_of(pipe.scheduler):
        scaled = x if hasattr(pipe.scheduler, "betas") else x * label
        with torch.no_grad():
            there = unet(scaled, torch.tensor([label], dtype=torch.float32),
                         torch.tensor([1]) if classes else None).sample.numpy()
        image = scaled.numpy().transpose(0, 2, 3, 1).astype("<f4").tobytes()
        here = subprocess.run([tool, folder, repr(float(label)), "1"], input=image, check=True, stdout=subprocess.PIPE)
        here = np.frombuffer(here.stdout, "<f4").reshape(there.transpose(0, 2, 3, 1).shape).transpose(0, 3, 1, 2)
        worst = max(worst, np.abs(here - there).max() / np.abs(there).max())
    return worst


def walk(unet, scheduler, steps, seed=0, **arguments):
    x, noise = start(unet), torch.Generator().manual_seed(seed)
    scheduler.set_timesteps(steps)
    ddpm = isinstance(scheduler, DDPMScheduler)
    with torch.no_grad():
        for t in scheduler.timesteps:
            y = unet(x, t).sample
            y = y if ddpm else y[:, :x.shape[1]]
            x = scheduler.step(y, t, x, **arguments, **({"generator": noise} if ddpm else {})).prev_sample
    return ((x.numpy().transpose(0, 2, 3, 1) + 1) * 127.5).clip(0, 255)


def images_of_diffc(program, folder, scratch, *options):
    out = os.path.join(scratch, "images.npz")
    command = [program, "sample", "-q", "-m", folder, "--steps", str(STEPS), "--seed", "0", "--count", str(COUNT),
               "--npz", out, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(out)["arr_0"].astype(np.float64)


def compare_defaults(program, folder, pipe, scratch):
    """Images that diffc draws by what the folder's scheduler file says, without options for it."""
    plain, worst = plain_chain(folder, scratch), {}
    for kind, name, keys in ((DDIMScheduler, "leading", {"timestep_spacing": "leading"}),
                             (DDIMScheduler, "trailing", {"timestep_spacing": "trailing"}),
                             (DPMSolverMultistepScheduler, "solver", {"timestep_spacing": "trailing"}),
                             (DPMSolverMultistepScheduler, "karras", {"use_karras_sigmas": True})):
        scheduler = kind.from_config(pipe.scheduler.config, **keys)
        if name == "karras" and scheduler.config.beta_schedule == "squaredcos_cap_v2":
            continue  # diffusers fails there by itself: it cuts the labels off, and two become the same
        scheduler.save_pretrained(os.path.join(plain, "scheduler"))
        drop_own_keys(plain)
        more = {"use_clipped_model_output": True} if kind is DDIMScheduler else {}
        difference = np.abs(images_of_diffc(program, plain, scratch) - walk(pipe.unet, scheduler, STEPS, **more))
        worst[name] = difference.mean() if name == "karras" else difference.max()
    return worst


def clipping_step(unet, kind, config):
    """The most by which "thresholding" moves a value in one step of a walk, in grey levels."""
    schedulers = [kind.from_config(config, thresholding=on) for on in (True, False)]
    x, worst = start(unet), 0
    for scheduler in schedulers:
        scheduler.set_timesteps(STEPS)
    with torch.no_grad():
        for t in schedulers[0].timesteps:
            y = unet(x, t).sample
            y = y if kind is DDPMScheduler else y[:, :x.shape[1]]
            one, x = (s.step(y, t, x, generator=torch.Generator().manual_seed(int(t))).prev_sample for s in schedulers)
            worst = max(worst, 127.5 * (one - x).abs().max().item())
    return worst


def compare_samplers(program, folder, pipe, scratch):
    """Greatest differences in grey levels: DDIM, DPM-Solver++, and between the two ways of clipping."""
    plain, unet, config = plain_chain(folder, scratch), pipe.unet, pipe.scheduler.config
    ddim = DDIMScheduler.from_config(config, timestep_spacing="leading")
    dpm = DPMSolverMultistepScheduler.from_config(config, timestep_spacing="trailing", variance_type=None)
    ours = images_of_diffc(program, plain, scratch, "--sampler", "ddim", "--spacing", "leading", "--eta", "0")
    worst = {"ddim": np.abs(ours - walk(unet, ddim, STEPS, use_clipped_model_output=True)).max()}
    ours = images_of_diffc(program, plain, scratch, "--sampler", "dpm++2m", "--spacing", "trailing")
    worst["dpm++2m"] = np.abs(ours - walk(unet, dpm, STEPS)).max()
    unclipped = DPMSolverMultistepScheduler.from_config(config, timestep_spacing="trailing", variance_type=None,
                                                        thresholding=False)
    print(f"    mean difference of dpm++2m without thresholding {np.abs(ours - walk(unet, unclipped, STEPS)).mean():.2f}")
    worst["clipping"] = max(clipping_step(unet, kind, config) for kind in (DDPMScheduler, DDIMScheduler))
    return worst


def check(program, path, scratch):
    folder, good = inner_folder(path), True
    said = info_of(program, path)
    try:
        pipe = DiffusionPipeline.from_pretrained(folder)
        pipe.set_progress_bar_config(disable=True)
    except Exception as error:  # whatever diffusers raises
        print(f"{path}: does not open ({str(error).splitlines()[0][:80]}); diffc info: {said['but']}")
        return said["pipeline"] is None
    print(f"{path}: opens as {type(pipe).__name__}; diffc info: {said['pipeline']}, {said['but']}")
    good = said["pipeline"] == type(pipe).__name__
    worst = compare_networks(program, folder, pipe)
    print(f"    network {worst:.1e}")
    good = good and worst <= 1e-5
    chain, classes = hasattr(pipe.scheduler, "betas"), pipe.unet.config.num_class_embeds
    if chain and not classes:
        levels = compare_samplers(program, folder, pipe, scratch)
        print("    grey levels at most apart: " + ", ".join(f"{k} {v:.4f}" for k, v in levels.items()))
        defaults = compare_defaults(program, folder, pipe, scratch)
        print("    by the scheduler file: " + ", ".join(f"{k} {v:.4f}" for k, v in defaults.items()))
        good = good and max(v for k, v in defaults.items() if k != "karras") <= 0.51 and defaults.get("karras", 0) <= 2
        good = good and levels["ddim"] <= 0.51 and levels["dpm++2m"] <= 0.51 and levels["clipping"] <= 1e-4
    try:
        steps = STEPS if chain else pipe.scheduler.config.num_train_timesteps
        images = pipe(batch_size=2, num_inference_steps=min(steps, 50), output_type="np").images
        print(f"    pipeline gives images of mean {images.mean():.3f}")
        good = good and bool(np.isfinite(images).all())
    except Exception as error:  # as above
        print(f"    pipeline fails: {str(error).splitlines()[0][:100]}")
        good = good and said["but"] is not None
    return good


def random_models(scratch):
    folder = os.path.join(scratch, "from-diffusers")
    torch.manual_seed(0)
    unet = UNet2DModel(sample_size=16, in_channels=3, out_channels=3, block_out_channels=(32, 64), layers_per_block=1,
                       norm_num_groups=8, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                       up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    DDPMPipeline(unet, DDPMScheduler(thresholding=True)).save_pretrained(folder)
    shards = os.path.join(scratch, "fp16-shards")
    shutil.copytree(folder, shards)
    shutil.rmtree(os.path.join(shards, "unet"))
    unet.half().save_pretrained(os.path.join(shards, "unet"), variant="fp16", max_shard_size="500KB")
    unet.float()
    print("shards: " + ", ".join(sorted(os.listdir(os.path.join(shards, "unet")))))
    return folder, shards


def compare_shards(program, folder, scratch):
    unet = UNet2DModel.from_pretrained(os.path.join(folder, "unet"), variant="fp16", torch_dtype=torch.float32)
    scheduler = DDIMScheduler.from_pretrained(os.path.join(folder, "scheduler"))
    ours = images_of_diffc(program, folder, scratch, "--sampler", "ddim", "--spacing", "leading", "--eta", "0")
    worst = np.abs(ours - walk(unet, scheduler, STEPS, use_clipped_model_output=True)).max()
    print(f"{folder}: ddim {worst:.3f} grey levels")
    return worst <= 0.51


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    program, good = sys.argv[1], True
    with tempfile.TemporaryDirectory() as scratch:
        whole, shards = random_models(scratch)
        for path in sys.argv[2:] + [whole]:
            good = check(program, path, scratch) and good
        good = compare_shards(program, shards, scratch) and good
    print("all agree" if good else "there are differences")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
