"""Weights that both sides can compute, so that a golden file needs no weights.

Element i of tensor `name` is  offset + scale * u,  u = (z >> 40) / 2^23 - 1  in [-1, 1),
z = splitmix64's output for the state  (fnv1a64(name) ^ seed) + (i + 1) * 0x9E3779B97F4A7C15  (mod 2^64).
Integers until the last step, one f32 product and one f32 sum: the same bits in numpy and in Swift.
"""

import math

import numpy as np
import torch

MASK = (1 << 64) - 1
GOLDEN_GAMMA = 0x9E3779B97F4A7C15


def fnv1a64(name):
    """Fowler-Noll-Vo 1a hash of the UTF-8 bytes."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def uniform(name, seed, count):
    """`count` f32 values in [-1, 1) on a grid of 2^-23."""
    state = np.uint64((fnv1a64(name) ^ seed) & MASK)
    with np.errstate(over="ignore"):
        z = state + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN_GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) / np.float32(1 << 23)


def role(name, shape):
    """(offset, scale) that keep activations near unit variance: norms near 1, biases small, weights by fan-in."""
    if len(shape) == 1:
        return (1.0, 0.1) if name.endswith("weight") else (0.0, 0.1)
    if "embed" in name and "proj" not in name and "linear" not in name:
        return 0.0, 0.5
    fan_in = int(np.prod(shape[1:]))
    return 0.0, float(np.float32(math.sqrt(3 / fan_in)))


def values(name, shape, seed):
    """The tensor `name` as numpy f32."""
    offset, scale = role(name, shape)
    u = uniform(name, seed, int(np.prod(shape)))
    return (np.float32(offset) + np.float32(scale) * u).reshape(shape)


def fill(module, seed, prefix=""):
    """Overwrites every parameter of `module`; returns key -> [offset, scale, *shape], in the checkpoint's names."""
    table = {}
    state = module.state_dict()
    pointers = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point() or name.endswith("position_ids"):
            continue
        shape = list(tensor.shape)
        if tensor.data_ptr() in pointers and pointers[tensor.data_ptr()][1] == shape:
            continue  # tied to an earlier one, which a checkpoint stores once
        pointers[tensor.data_ptr()] = (name, shape)
        tensor.copy_(torch.from_numpy(values(prefix + name, shape, seed)))
        table[prefix + name] = [*role(prefix + name, shape), *shape]
    return table
