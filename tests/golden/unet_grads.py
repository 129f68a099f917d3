#!/usr/bin/python3
"""Makes unet_grads.txt: outputs and gradients of small U-Nets, by PyTorch's autograd in float64.

Written from the description of diffusers' UNet2DModel, independently of src/net; needs only torch.
    python3 tests/golden/unet_grads.py > tests/golden/unet_grads.txt

Weights: tensors sorted by name, number j, flat index i, s = sin(0.7 j + 0.3 i + 0.37 i^2);
  time_proj.weight s; other one-dimensional weights 1 + 0.1 s; weights of more dimensions
  s / sqrt(fan in); biases 0.1 s. Tensors are filled and printed in disk layout.
Batch 2. x[i] = sin(0.1 i + 0.37 i^2) over [N,C,H,W]; r[i] = cos(0.23 i + 0.37 i^2); cotangents
  ly[i] = cos(0.17 i + 0.37 i^2) and my[i] = sin(0.29 i + 0.37 i^2). (The squares make the values
  look random: with smooth ones sums cancel, and float32 has fewer good digits.)
Lines: "config NAME", "output SUM SUM_OF_ABS FIRST LAST", "grad NAME NORM DOT FIRST LAST" of
  <ly, y> and "second ..." of <my, y> + <ly, J r>, J = dy/dx; DOT is the product with
  cos(0.37 i + 0.1). The name "input" is x.
"""
import math
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)

PLAIN = dict(size=8, cin=3, cout=3, B=[8, 16], L=1, down=[0, 1], up=[1, 0], mid=True, mid_att=True,
             head=8, groups=4, attn_groups=None, eps=1e-5, mid_scale=1.0, center=False, padding=1,
             fourier=False, flip=True, shift=0.0, scale_shift=False, classes=0, t=[10.0, 731.0])
CONFIGS = {
    "plain": PLAIN,
    "google": dict(PLAIN, head=None, eps=1e-6, padding=0, flip=False, shift=1.0, L=2,
                   down=[1, 0], up=[0, 1]),
    "rich": dict(PLAIN, cin=1, cout=2, head=3, attn_groups=2, mid_scale=math.sqrt(2), center=True,
                 fourier=True, scale_shift=True, classes=3, t=[3.5, 0.25]),
    "normless": dict(PLAIN, B=[8], down=[0], up=[0], scale_shift=True, groups=2),
    "bare": dict(PLAIN, mid=False, down=[0, 0], up=[0, 0]),
}


class Weights:
    """Hands out tensors by name; the first run only writes down their shapes."""

    def __init__(self):
        self.shapes, self.tensors = {}, None

    def __call__(self, name, *shape):
        if self.tensors is None:
            self.shapes[name] = shape
            return torch.zeros(shape)
        return self.tensors[name]

    def fill(self):
        self.tensors = {}
        for j, name in enumerate(sorted(self.shapes)):
            shape = self.shapes[name]
            n = math.prod(shape)
            s = wave(torch.sin, 0.3, shape, 0.7 * j)
            if name == "time_proj.weight":
                v = s
            elif len(shape) > 1:
                v = s / math.sqrt(n / shape[0])
            elif name.endswith(".weight"):
                v = 1 + 0.1 * s
            else:
                v = 0.1 * s
            self.tensors[name] = v.requires_grad_(name != "time_proj.weight")


def unet(c, w, x, t, label):
    def conv(x, name, k, size=3, **o):
        return F.conv2d(x, w(name + ".weight", k, x.shape[1], size, size), w(name + ".bias", k), **o)

    def linear(x, name, k):
        return F.linear(x, w(name + ".weight", k, x.shape[-1]), w(name + ".bias", k))

    def norm(x, name, groups):
        n = x.shape[1]
        return F.group_norm(x, groups, w(name + ".weight", n), w(name + ".bias", n), c["eps"])

    def resnet(x, p, k, scale=1.0):
        h = conv(F.silu(norm(x, p + ".norm1", c["groups"])), p + ".conv1", k, padding=1)
        e = linear(F.silu(emb), p + ".time_emb_proj", 2 * k if c["scale_shift"] else k)
        e = e[:, :, None, None]
        if c["scale_shift"]:
            a, b = e.chunk(2, 1)
            h = norm(h, p + ".norm2", c["groups"]) * (1 + a) + b
        else:
            h = norm(h + e, p + ".norm2", c["groups"])
        h = conv(F.silu(h), p + ".conv2", k, padding=1)
        if x.shape[1] != k:
            x = conv(x, p + ".conv_shortcut", k, size=1)
        return (x + h) / scale

    def attention(x, p, groups, scale=1.0):
        n, ch, hh, ww = x.shape
        h = norm(x, p + ".group_norm", groups) if groups else x
        h = h.reshape(n, ch, hh * ww).transpose(1, 2)
        d = c["head"] or ch
        heads = ch // d
        q, k, v = (linear(h, p + ".to_" + s, heads * d).reshape(n, -1, heads, d).transpose(1, 2)
                   for s in "qkv")
        o = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(d), -1) @ v
        o = linear(o.transpose(1, 2).reshape(n, -1, heads * d), p + ".to_out.0", ch)
        return (o.transpose(1, 2).reshape(n, ch, hh, ww) + x) / scale

    B, L, n = c["B"], c["L"], len(c["B"])
    if c["center"]:
        x = 2 * x - 1
    if c["fourier"]:
        a = 2 * math.pi * torch.log(t)[:, None] * w("time_proj.weight", B[0])[None]
        e = torch.cat([torch.sin(a), torch.cos(a)], 1)
    else:
        half = B[0] // 2
        a = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / (half - c["shift"]))
        e = [torch.sin(a), torch.cos(a)]
        e = torch.cat(e[::-1] if c["flip"] else e, 1)
    emb = linear(F.silu(linear(e, "time_embedding.linear_1", 4 * B[0])), "time_embedding.linear_2",
                 4 * B[0])
    if c["classes"]:
        emb = emb + w("class_embedding.weight", c["classes"], 4 * B[0])[label]
    h = conv(x, "conv_in", B[0], padding=1)
    stack = [h]
    for i in range(n):
        p = f"down_blocks.{i}"
        for j in range(L):
            h = resnet(h, f"{p}.resnets.{j}", B[i])
            if c["down"][i]:
                h = attention(h, f"{p}.attentions.{j}", c["groups"])
            stack.append(h)
        if i < n - 1:
            name = p + ".downsamplers.0.conv"
            if c["padding"]:
                h = conv(h, name, B[i], stride=2, padding=1)
            else:
                h = conv(F.pad(h, (0, 1, 0, 1)), name, B[i], stride=2)
            stack.append(h)
    if c["mid"]:
        k, s = B[-1], c["mid_scale"]
        h = resnet(h, "mid_block.resnets.0", k, s)
        if c["mid_att"]:
            groups = c["attn_groups"] or (None if c["scale_shift"] else c["groups"])
            h = attention(h, "mid_block.attentions.0", groups, s)
        h = resnet(h, "mid_block.resnets.1", k, s)
    for i in range(n):
        p, k = f"up_blocks.{i}", B[n - 1 - i]
        for j in range(L + 1):
            h = resnet(torch.cat([h, stack.pop()], 1), f"{p}.resnets.{j}", k)
            if c["up"][i]:
                h = attention(h, f"{p}.attentions.{j}", c["groups"])
        if i < n - 1:
            h = conv(F.interpolate(h, scale_factor=2, mode="nearest"), p + ".upsamplers.0.conv", k,
                     padding=1)
    h = conv(F.silu(norm(h, "conv_norm_out", c["groups"])), "conv_out", c["cout"], padding=1)
    return h / t[:, None, None, None] if c["fourier"] else h


def wave(function, step, shape, phase=0.0):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return function(step * i + 0.37 * i * i + phase).reshape(shape)


def line(kind, name, g):
    g = g.detach().flatten()
    dot = (g * torch.cos(0.37 * torch.arange(len(g)) + 0.1)).sum()
    print(kind, name, *(f"{v:.9g}" for v in (g.norm(), dot, g[0], g[-1])))


def main():
    for title, c in CONFIGS.items():
        size = c["size"]
        x = wave(torch.sin, 0.1, (2, c["cin"], size, size)).requires_grad_()
        t, label = torch.tensor(c["t"]), torch.tensor([2, 0])
        w = Weights()
        unet(c, w, x, t, label)
        w.fill()
        y = unet(c, w, x, t, label)
        print("config", title)
        flat = y.detach().flatten()
        print("output", *(f"{v:.9g}" for v in (flat.sum(), flat.abs().sum(), flat[0], flat[-1])))
        names = sorted(n for n in w.tensors if w.tensors[n].requires_grad)
        wanted = [w.tensors[n] for n in names] + [x]
        ly = wave(torch.cos, 0.17, y.shape)
        my = wave(torch.sin, 0.29, y.shape)
        first = torch.autograd.grad((ly * y).sum(), wanted, create_graph=True)
        for name, g in zip(names + ["input"], first):
            line("grad", name, g)
        scalar = (my * y).sum() + (first[-1] * wave(torch.cos, 0.23, x.shape)).sum()
        for name, g in zip(names + ["input"], torch.autograd.grad(scalar, wanted)):
            line("second", name, g)


if __name__ == "__main__":
    main()
