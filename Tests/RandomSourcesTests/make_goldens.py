"""Writes Goldens/random.json: what torch, numpy and torchsde draw, as bit patterns.

Needs torch, numpy and torchsde. Deterministic; run from anywhere.
"""

import hashlib
import json
import pathlib
import struct

import numpy as np
import torch
import torchsde

torch.set_num_threads(1)
SEEDS = [0, 42, 2**32 - 1, 2**32 + 5, 2**64 - 1]
COUNTS = [1, 2, 15, 16, 17, 31, 32, 33, 4096, 16384]


def bits(values):
    return [struct.unpack("<I", struct.pack("<f", v))[0] for v in np.asarray(values, np.float32)]


def digest(values):
    """FNV-1a, 64 bits, over the little-endian bytes."""
    h = 0xCBF29CE484222325
    for byte in np.asarray(values, "<f4").tobytes():
        h = (h ^ byte) * 0x100000001B3 & (2**64 - 1)
    return f"{h:016x}"


def draw(values):
    values = np.asarray(values, np.float32)
    return {"count": len(values), "digest": digest(values), "first": bits(values[:4]), "last": bits(values[-4:])}


def generator(seed):
    return torch.Generator().manual_seed(seed)


class Philox:
    """Philox4x32-10 with curand's Box-Muller, written from the papers' formulas, element i = counter (draw, 0, i, 0)."""

    def __init__(self, seed):
        self.seed, self.draws = seed, 0

    def randn(self, n):
        mask = np.uint64(0xFFFFFFFF)
        c = [np.full(n, self.draws, np.uint64), np.zeros(n, np.uint64), np.arange(n, dtype=np.uint64), np.zeros(n, np.uint64)]
        self.draws += 1
        k0, k1 = self.seed & 0xFFFFFFFF, self.seed >> 32
        for _ in range(10):
            a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
            hi = np.uint64(32)
            c = [(b >> hi) ^ c[1] ^ np.uint64(k0), b & mask, (a >> hi) ^ c[3] ^ np.uint64(k1), a & mask]
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        step, turn = float(np.float32(2.3283064e-10)), float(np.float32(2.3283064e-10 * 6.2831855))
        u = c[0].astype(np.float64) * step + step / 2
        v = c[1].astype(np.float64) * turn + turn / 2
        return (np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32)


def tree(seed, low, high, count, queries):
    """As diffusers' BrownianTreeNoiseSampler asks torchsde, but with a correctly rounded square root (torch's is not)."""
    path = torchsde.BrownianInterval(
        t0=low, t1=high, size=(count,), dtype=torch.float32, entropy=seed, tol=1e-6, pool_size=24, halfway_tree=True)
    out = []
    for a, b in queries:
        a, b = torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)
        w = path(a, b) if a < b else -path(b, a)
        out.append({"from": bits([a])[0], "to": bits([b])[0], "noise": draw(w.numpy() / np.sqrt(abs(b.numpy() - a.numpy())))})
    return {"seed": str(seed), "low": bits([low])[0], "high": bits([high])[0], "queries": out}


golden = {
    "single": [
        {"seed": str(s), "draws": [draw(torch.randn(c, generator=generator(s)))]} for s in SEEDS for c in COUNTS
    ],
    "sequences": [],
    "philox": [],
    "trees": [],
}
for seed, counts in [(7, [4096, 4096, 16]), (7, [3, 17, 2, 1, 64, 1, 5]), (123456789, [1, 1, 1, 1, 1, 33, 15])]:
    g = generator(seed)
    golden["sequences"].append({"seed": str(seed), "draws": [draw(torch.randn(c, generator=g)) for c in counts]})
for seed in SEEDS:
    g = Philox(seed)
    golden["philox"].append({"seed": str(seed), "draws": [draw(g.randn(c)) for c in [12, 1, 4096]]})
low, high = np.float32(0.0291675), np.float32(14.614647)
golden["trees"].append(tree(0, float(low), float(high), 32, [(high, 5.0), (high, 2.5), (2.5, 1.0), (2.5, 0.3), (0.3, low)]))
golden["trees"].append(tree(2**40 + 3, float(low), float(high), 8, [(high, low), (1.0, 0.75), (0.1, 0.0999)]))
golden["trees"].append(tree(5, 0.1, 4096.0, 16, [(4096.0, 100.0), (100.0, 99.5)]))

path = pathlib.Path(__file__).parent / "Goldens" / "random.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(golden, separators=(",", ":"), sort_keys=True) + "\n")
print(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
