"""Writes small.safetensors and small.gguf with the formats' own libraries: every element and metadata type once.

Run: python make_files.py
"""

from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import save_file

here = Path(__file__).parent
ramp = torch.arange(6, dtype=torch.float32).reshape(2, 3) - 2.5
save_file(
    {"f32": ramp, "f16": ramp.half(), "bf16": ramp.bfloat16(), "f64": ramp.double(), "i64": torch.tensor([-7, 1 << 40]),
     "u8": torch.tensor([[1], [2], [255]], dtype=torch.uint8), "scalar": torch.tensor(3.25), "none": torch.zeros(0, 4),
     "flag": torch.tensor([True, False]), "f8": ramp.to(torch.float8_e4m3fn)},
    here / "small.safetensors", metadata={"format": "pt", "title": "Größe \"1\""})

writer = gguf.GGUFWriter(here / "small.gguf", "llama")
writer.add_uint8("t.u8", 250)
writer.add_int8("t.i8", -5)
writer.add_uint16("t.u16", 65000)
writer.add_int16("t.i16", -30000)
writer.add_uint32("t.u32", 4_000_000_000)
writer.add_int32("t.i32", -2_000_000_000)
writer.add_float32("t.f32", 0.5)
writer.add_bool("t.bool", True)
writer.add_string("t.string", "naïve ☃ 🦊")
writer.add_uint64("t.u64", 1 << 63)
writer.add_int64("t.i64", -(1 << 62))
writer.add_float64("t.f64", 1e-300)
writer.add_array("t.strings", ["a", "", "Ġdog", "日本"])
writer.add_array("t.ints", [1, -2, 3])
writer.add_array("t.floats", [0.25, -1.5])
writer.add_array("t.bools", [True, False])
writer.add_array("t.nested", [[1, 2], [3], [4, 5, 6]])
writer.add_tensor("plain", numpy.arange(12, dtype=numpy.float32).reshape(3, 4))
writer.add_tensor("half", numpy.arange(5, dtype=numpy.float16))
weights = (numpy.arange(2 * 512, dtype=numpy.float32).reshape(2, 512) % 17 - 8) / 8
for kind in ("Q4_0", "Q8_0", "Q4_1"):
    type = gguf.GGMLQuantizationType[kind]
    writer.add_tensor(kind.lower(), gguf.quants.quantize(weights, type), raw_dtype=type)
writer.add_tensor("q6_k", numpy.zeros((2, 2 * 210), dtype=numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.Q6_K)
writer.add_tensor("future", numpy.zeros((1, 36), dtype=numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.NVFP4)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
