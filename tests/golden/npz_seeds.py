#!/usr/bin/env python3
"""Makes the .npz files in tests/fuzz/seeds/npz, which tests/io/test_npz.c reads too. Needs NumPy (1.26 made them).
usage: npz_seeds.py"""
import io
import os
import zipfile

import numpy as np

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "seeds", "npz")
os.makedirs(folder, exist_ok=True)
i = np.arange(3 * 5 * 4 * 2)
x = ((i * 37 + i // 7) % 256).astype(np.uint8).reshape(3, 5, 4, 2)


def at(name):
    return os.path.join(folder, name)


def packed(name, method):
    body = io.BytesIO()
    np.save(body, x)
    with zipfile.ZipFile(at(name), "w", method) as z:
        z.writestr("arr_0.npy", body.getvalue())


np.savez(at("stored.npz"), x)
with zipfile.ZipFile(at("deflated.npz"), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("labels.npy", b"anything")
    with z.open("arr_0.npy", "w", force_zip64=True) as f:
        np.save(f, x)
    z.comment = b"a comment behind the directory"
np.savez_compressed(at("grey.npz"), x.reshape(-1)[:60].reshape(3, 5, 4))
np.savez(at("floats.npz"), x.astype(np.float32))
np.savez(at("fortran.npz"), np.asfortranarray(x))
np.savez(at("flat.npz"), x.reshape(-1))
np.savez(at("wide.npz"), x.reshape(3, 2, 2, 10))
np.savez(at("other.npz"), images=x)
packed("bzip2.npz", zipfile.ZIP_BZIP2)

# Statistics as pytorch-fid keeps them, right and wrong.
mu, sigma = np.array([0.5, -2]), np.array([[1.5, 0.25], [0.25, 2]])
np.savez_compressed(at("statistics.npz"), mu=mu, sigma=sigma)
np.savez(at("statistics_float32.npz"), mu=mu.astype(np.float32), sigma=sigma)
np.savez(at("statistics_other_size.npz"), mu=mu, sigma=np.eye(3))
np.savez(at("statistics_flat.npz"), mu=mu, sigma=sigma.reshape(-1))
np.savez(at("statistics_half.npz"), mu=mu)
np.savez(at("statistics_fortran.npz"), mu=mu, sigma=np.asfortranarray(sigma),
         table=np.asfortranarray([[1.0, 2, 3], [4, 5, 6]]))
