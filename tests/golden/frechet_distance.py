#!/usr/bin/env python3
"""Makes frechet_distance.txt: Frechet distances of small sets of features by SciPy in float64, after
pytorch_fid.fid_score.calculate_frechet_distance (pytorch-fid 0.3.0); needs NumPy and SciPy (1.26 and 1.14 made the file).
    python3 tests/golden/frechet_distance.py > tests/golden/frechet_distance.txt

Different from that program: the root's trace is taken of the eigenvalues of S1 S2, which singular matrices leave exact
where sqrtm does not converge. Lines: vectors, features, distance, |mu1 - mu2|^2.
"""
import numpy as np
import scipy.linalg

CASES = [(40, 3), (200, 24), (20, 32)]


def draw(count, dims, which):
    """Whole numbers over 64, as tests/model/test_frechet_distance.c makes them."""
    i, k = np.ogrid[0:count, 0:dims]
    first = i * i * 3 + 7 * i * k + 5 * k * k + 11 * i
    return (first % 97 if which == 0 else (first + 13 * i * k) % 89 + k % 5) / 64


for count, dims in CASES:
    x, y = draw(count, dims, 0), draw(count, dims, 1)
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    means = np.sum((x.mean(axis=0) - y.mean(axis=0))**2)
    values = scipy.linalg.eigvals(s1 @ s2).real
    root = np.sum(np.sqrt(values[values > 1e-10 * values.max()]))
    print(count, dims, f"{means + np.trace(s1) + np.trace(s2) - 2 * root:.12g} {means:.12g}")
