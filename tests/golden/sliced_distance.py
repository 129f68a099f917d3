#!/usr/bin/env python3
"""Makes sliced_distance.txt: multi-scale sliced Wasserstein distances of small sets of images by NumPy in float64, after
the program of Karras et al. (2018), github.com/tkarras/progressive_growing_of_gans, metrics/sliced_wasserstein.py; needs
only NumPy (1.26 made the file).
    python3 tests/golden/sliced_distance.py > tests/golden/sliced_distance.txt

Different from that program: places and directions come from Philox4x32-10 as in src/base/rng.c and are the same for both
sets; levels are halved while the shorter side is at least 12; the standard error is the jackknife's over ten parts.
Lines: "case HEIGHT WIDTH CHANNELS IMAGES", then for each level "HEIGHT WIDTH distance standard_error", then the mean
of the levels.
"""
import numpy as np

COMPARE, PATCH, DIRECTIONS, PARTS = 16, 7, 512, 10
CASES = [(28, 28, 1, 23), (24, 27, 3, 12)]


def philox(stream, index):
    """Words [n, 4] of seed 0."""
    index = np.asarray(index, np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    c = [index & mask, index >> np.uint64(32), np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    k0 = k1 = 0
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & mask, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=-1)


def stream(number):
    return COMPARE << 56 | number


def below(number, index, bound):
    w = philox(stream(number), index)
    low = (w[..., 0] * np.uint64(bound)) >> np.uint64(32)
    return ((w[..., 1] * np.uint64(bound) + low) >> np.uint64(32)).astype(int)


def normals(n, number):
    u = (philox(stream(number), np.arange((n + 3) // 4)).astype(float) + 0.5) / 2.0**32
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[:n]


def images(shape, which):
    """Whole numbers alone, so that every program makes the same bytes: [images, H, W, C]."""
    H, W, C, n = shape
    i, y, x, c = np.ogrid[0:n, 0:H, 0:W, 0:C]
    if which == 0:
        return (3 * y * y + 5 * x * x + 2 * x * y + i * (11 * x + 13 * y) + 29 * c + 17 * i) % 256
    return (7 * y * x + 4 * x + i * (5 * x + 3 * y) + 41 * c + 23 * i) % 256


def filtered(x):
    """[n, H, W, C] by (1 4 6 4 1)/16 along both axes, mirrored."""
    w = np.array([1, 4, 6, 4, 1]) / 16
    x = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    x = sum(w[k] * x[:, k:x.shape[1] - 4 + k] for k in range(5))
    return sum(w[k] * x[:, :, k:x.shape[2] - 4 + k] for k in range(5))


def pyramid(x):
    levels = [x.astype(float)]
    while min((s + 1) // 2 for s in levels[-1].shape[1:3]) >= 12:
        down = filtered(levels[-1])[:, ::2, ::2]
        up = np.zeros_like(levels[-1])
        up[:, ::2, ::2] = down
        levels[-1] = levels[-1] - 4 * filtered(up)
        levels.append(down)
    return levels


def patches(x, level):
    n, H, W, C = x.shape
    index = np.arange(n * 128)
    top, left = below(level, 2 * index, H - PATCH + 1), below(level, 2 * index + 1, W - PATCH + 1)
    p = np.stack([x[i // 128, top[i]:top[i] + PATCH, left[i]:left[i] + PATCH] for i in index])
    p = p - p.mean(axis=(0, 1, 2), keepdims=True)
    return (p / p.std(axis=(0, 1, 2), keepdims=True)).reshape(len(index), -1)


def distance(a, b, directions):
    return np.mean(np.abs(np.sort(a @ directions.T, axis=0) - np.sort(b @ directions.T, axis=0)))


def error(without):
    return np.sqrt((PARTS - 1) / PARTS * np.sum((without - without.mean(axis=0))**2, axis=0))


for shape in CASES:
    n = shape[3]
    part = np.repeat(np.arange(n) * PARTS // n, 128)
    print("case", *shape)
    whole, without = [], []
    for level, (a, b) in enumerate(zip(pyramid(images(shape, 0)), pyramid(images(shape, 1)))):
        p, q = patches(a, level), patches(b, level)
        d = normals(DIRECTIONS * p.shape[1], 255).reshape(DIRECTIONS, -1)
        d /= np.sqrt(np.sum(d * d, axis=1, keepdims=True))
        whole.append(distance(p, q, d))
        without.append(np.array([distance(p[part != g], q[part != g], d) for g in range(PARTS)]))
        print(a.shape[1], a.shape[2], f"{whole[-1]:.9g} {error(without[-1]):.9g}")
    print(f"{np.mean(whole):.9g} {error(np.mean(without, axis=0)):.9g}")
