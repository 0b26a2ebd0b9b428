"""Times torch's kernels on the shapes that `lazuli bench kernels` runs.

    python torch_kernels.py f32|bf16 [THREADS]
"""
import sys

import torch
import torch.nn.functional as F
from common import measure, threads

TYPE = {"f32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
MATRICES = [(4096, 320, 320), (4096, 320, 2560), (4096, 1280, 320), (1024, 640, 5120), (256, 1280, 10240),
            (77, 768, 768), (1, 2048, 8192), (4096, 4096, 4096)]
CONVOLUTIONS = [(320, 320, 64), (640, 640, 32), (1280, 1280, 16), (1280, 1280, 8), (512, 512, 64), (256, 256, 256),
                (128, 128, 512)]
ATTENTIONS = [(8, 4096, 4096, 40), (8, 1024, 1024, 80), (8, 256, 256, 160), (8, 4096, 77, 40), (1, 4096, 4096, 512)]

torch.set_num_threads(threads())
torch.manual_seed(0)
with torch.inference_mode():
    for m, k, n in MATRICES:
        x, w = torch.randn(m, k, dtype=TYPE), torch.randn(n, k, dtype=TYPE)
        measure(f"matmul {m}x{k}x{n}", lambda: F.linear(x, w), gflop=2e-9 * m * k * n)
    for i, o, side in CONVOLUTIONS:
        x = torch.randn(1, i, side, side, dtype=TYPE).to(memory_format=torch.channels_last)
        w = torch.randn(o, i, 3, 3, dtype=TYPE).to(memory_format=torch.channels_last)
        measure(f"convolution 3x3 {i}->{o} at {side}x{side}", lambda: F.conv2d(x, w, padding=1),
                gflop=2e-9 * 9 * i * o * side * side)
    for heads, queries, keys, size in ATTENTIONS:
        q = torch.randn(1, heads, queries, size, dtype=TYPE)
        k, v = (torch.randn(1, heads, keys, size, dtype=TYPE) for _ in range(2))
        measure(f"attention {heads}x{queries}x{keys}x{size}", lambda: F.scaled_dot_product_attention(q, k, v),
                gflop=4e-9 * heads * queries * keys * size)
