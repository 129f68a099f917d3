#!/usr/bin/env python3
"""Frechet distance between pictures and Fashion-MNIST's training images, in 64 features of a small classifier.

usage: fd_fashion.py FILE.npz...   pictures of 28x28, uint8, as `diffc sample --npz` writes them
       fd_fashion.py classes FILE.npz...   class by class: those of class k (arr_1, else picture mod 10) against the
                                   training images of class k, and how many the classifier takes for class k
       fd_fashion.py floor         test images, parts of the training images, and noise
       fd_fashion.py train         trains the classifier again: fd_fashion/classifier.pt and train.npz

The distance is |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the features' means and covariances (Heusel et al.
2017; their features are those of Inception, these are not). Test images score 0.10, 2,000 training images 0.48,
noise 366. Needs PyTorch and numpy, and Debian's dataset-fashion-mnist except for FILE.npz.
"""
import gzip
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fd_fashion")
DATA = "/usr/share/datasets/fashion-mnist/"


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.c2, self.b2 = nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.c3, self.b3 = nn.Conv2d(64, 96, 3, padding=1), nn.BatchNorm2d(96)
        self.f1, self.f2 = nn.Linear(96 * 9, 64), nn.Linear(64, 10)

    def features(self, x):
        for conv, norm in ((self.c1, self.b1), (self.c2, self.b2), (self.c3, self.b3)):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.f1(x.flatten(1))

    def forward(self, x):
        return self.f2(F.relu(self.features(x)))


def read_idx(name):
    data = gzip.open(DATA + name).read()
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def as_input(pictures):
    return torch.from_numpy(pictures.astype(np.float32) / 127.5 - 1)[:, None]


def features_of(net, pictures):
    """Features [N,64] and probabilities of the classes [N,10]."""
    net.eval()
    features, classes = [], []
    with torch.no_grad():
        for i in range(0, len(pictures), 500):
            f = net.features(as_input(pictures[i:i + 500]))
            features.append(f)
            classes.append(F.softmax(net.f2(F.relu(f)), 1))
    return torch.cat(features).double().numpy(), torch.cat(classes).double().numpy()


def moments(features):
    return features.mean(0), np.cov(features, rowvar=False)


def frechet(m1, c1, m2, c2):
    values, vectors = np.linalg.eigh(c1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    values = np.clip(np.linalg.eigvalsh(root @ c2 @ root), 0, None)
    return float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * np.sqrt(values).sum())


def train():
    torch.manual_seed(0)
    net, epochs, batch = Classifier(), 8, 256
    x = as_input(read_idx("train-images-idx3-ubyte.gz"))
    y = torch.from_numpy(read_idx("train-labels-idx1-ubyte.gz").astype(np.int64))
    adam = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 4e-3, total_steps=epochs * (len(x) // batch))
    for _ in range(epochs):
        net.train()
        order = torch.randperm(len(x))
        for i in range(0, len(x) // batch * batch, batch):
            images = x[order[i:i + batch]]
            if torch.rand(1) < 0.5:
                images = images.flip(3)
            loss = F.cross_entropy(net(images), y[order[i:i + batch]], label_smoothing=0.05)
            adam.zero_grad()
            loss.backward()
            adam.step()
            rate.step()
    torch.save(net.state_dict(), HERE + "/classifier.pt")
    mean, covariance = moments(features_of(net, read_idx("train-images-idx3-ubyte.gz"))[0])
    np.savez(HERE + "/train.npz", m=mean, c=covariance)


def pictures_of(path):
    file = np.load(path)
    pictures = file if isinstance(file, np.ndarray) else file[file.files[0]]
    return pictures[..., 0] if pictures.ndim == 4 else pictures


def by_class(net, paths):
    """Few pictures have a larger distance than many; so compare files of equally many. Parts of the training images
    of the same size are the floor."""
    features = features_of(net, read_idx("train-images-idx3-ubyte.gz"))[0]
    labels = read_idx("train-labels-idx1-ubyte.gz")
    for path in paths:
        pictures, rows = pictures_of(path), []
        file = np.load(path)
        own = file["arr_1"] if "arr_1" in file.files else np.arange(len(pictures)) % 10
        found, classes = features_of(net, pictures)
        for k in range(10):
            mine, all_of_class = found[own == k], features[labels == k]
            m, c = moments(all_of_class)
            rows.append((frechet(*moments(mine), m, c), frechet(*moments(all_of_class[:len(mine)]), m, c),
                         100 * (classes[own == k].argmax(1) == k).mean()))
        distance, floor, right = np.array(rows).T
        for name, values in (("distance", distance), ("floor", floor), ("% of its class", right)):
            print(f"{path}: {name}", *(f"{v:.1f}" for v in values), f"mean {values.mean():.2f}")


def main():
    words = sys.argv[1:]
    if not words:
        sys.exit(__doc__)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if words == ["train"]:
        return train()
    net, reference = Classifier(), np.load(HERE + "/train.npz")
    net.load_state_dict(torch.load(HERE + "/classifier.pt"))
    if words[0] == "classes":
        return by_class(net, words[1:])
    if words == ["floor"]:
        images = read_idx("train-images-idx3-ubyte.gz")
        noise = np.random.default_rng(0).integers(0, 256, (2000, 28, 28)).astype(np.uint8)
        sets = {"test images": read_idx("t10k-images-idx3-ubyte.gz"), "2,000 training images": images[:2000],
                "10,000 training images": images[:10000], "noise": noise}
    else:
        sets = {path: pictures_of(path) for path in words}
    for name, pictures in sets.items():
        features, classes = features_of(net, pictures)
        mean = classes.mean(0)
        print(f"{name}: {len(pictures)} pictures, distance {frechet(*moments(features), reference['m'], reference['c']):.3f},",
              f"class entropy {-(mean * np.log(mean + 1e-12)).sum():.3f} (most 2.303),",
              f"confidence {classes.max(1).mean():.3f}")


if __name__ == "__main__":
    main()
