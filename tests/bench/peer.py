"""A peer of `diffc bench`: the same U-Net (diffusers' UNet2DModel graph, random weights) from the same
configuration file, by one of the programs that people would take instead, timed the same way.

usage: peer.py CONFIG.json train|sample BATCH VARIANT
VARIANT: eager, channels-last, compiled, compiled-channels-last (PyTorch), frozen (PyTorch's optimised
trace), onnxruntime, openvino; train has the first four. With "-half" behind it: bfloat16 where PyTorch or
OpenVINO thinks it faster.
It says "ready" when all is compiled and warm. Each line "SECONDS REPETITIONS" of stdin is then answered by
one line of JSON: images_per_s (the median), peak_mib, variant, threads, versions.
"""
import io
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


def without_gradients(step):
    def run():
        with torch.inference_mode():
            step()
    return run


def torch_step(net, task, variant, half, x, t, noise):
    last = "channels-last" in variant
    net = net.to(memory_format=torch.channels_last if last else torch.contiguous_format)
    x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
    run = torch.compile(net) if "compiled" in variant else net
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=half)
    if task == "train":
        adam = torch.optim.Adam(net.parameters(), lr=2e-4, fused=torch.__version__ >= "2")

        def update():
            adam.zero_grad(set_to_none=True)
            with autocast:
                loss = F.mse_loss(run(x, t).float(), noise)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()

        return update
    net.eval()
    if variant == "frozen":
        with torch.no_grad():
            run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, (x, t))))

    def predict():
        with autocast:
            run(x, t)

    return without_gradients(predict)


def onnx_bytes(net, x, t):
    file = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(net.eval(), (x, t), file, input_names=["x", "t"], dynamo=False)
    return file.getvalue()


def onnxruntime_step(net, threads, x, t):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(onnx_bytes(net, x, t), options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy(), "t": t.numpy()}
    return onnxruntime.__version__, lambda: session.run(None, feed)


def openvino_step(net, threads, half, x, t):
    import openvino
    model = openvino.convert_model(io.BytesIO(onnx_bytes(net, x, t)))
    compiled = openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    })
    request = compiled.create_infer_request()
    feed = {"x": x.numpy(), "t": t.numpy()}
    return openvino.__version__.split("-")[0], lambda: request.infer(feed)


def measure(step, batch, seconds, least):
    times = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return round(batch / statistics.median(times), 2)


def main():
    path, task, batch, variant = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    half = variant.endswith("-half")
    kind = variant.removesuffix("-half")
    if task == "train" and kind in ("frozen", "onnxruntime", "openvino"):
        sys.exit(f"{kind} does not train")
    config = json.load(open(path))
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = UNet(config)
    size, channels = config["data"]["size"], config["data"]["channels"]
    x, t = torch.randn(batch, channels, size, size), torch.randint(0, 1000, (batch,))
    version = torch.__version__
    if kind == "onnxruntime":
        version, step = onnxruntime_step(net, threads, x, t)
    elif kind == "openvino":
        version, step = openvino_step(net, threads, half, x, t)
    else:
        step = torch_step(net, task, kind, half, x, t, torch.randn_like(x))
    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, least = line.split()
        print(json.dumps({
            "params": sum(p.numel() for p in net.parameters()),
            "images_per_s": measure(step, batch, float(seconds), int(least)),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "variant": variant,
            "threads": threads,
            "version": version,
        }), flush=True)


main()
