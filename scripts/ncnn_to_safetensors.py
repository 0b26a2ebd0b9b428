#!/usr/bin/env python3
"""ncnn_to_safetensors.py NETWORK.param OUT.safetensors: an upscaler of ncnn under BasicSR's names.

Beside the .param, which lists the layers as text, lies a .bin with their values in the same order. A Convolution has a
word that tells the type of its weights (HALF, or 0 for float), the weights [out, in, k, k] filled up to 4 bytes, and its
bias in float; a PReLU has its slopes in float. Needs nothing but Python.
"""
import json
import os
import struct
import sys

HALF = 0x01306B47
# Parameters of a Convolution by number: outputs, side of the kernel, whether it has a bias, number of weights.
OUTPUTS, SIDE, BIAS, COUNT = "0", "1", "5", "6"


def weighted_layers(text):
    """Kind and parameters of the layers that have values."""
    for line in text.splitlines()[2:]:
        kind, _, inputs, outputs, *fields = line.split()
        fields = fields[int(inputs) + int(outputs):]
        if kind in ("Convolution", "PReLU"):
            yield kind, dict(field.split("=", 1) for field in fields)
        elif kind in ("Deconvolution", "InnerProduct", "BatchNorm", "Scale"):
            raise SystemExit(f"a layer of the kind {kind}, which no upscaler here has")


class Values:
    """The .bin, read from its beginning to its end."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, count):
        piece = self.data[self.place:self.place + count]
        if len(piece) < count:
            raise SystemExit("the .bin ends too early")
        self.place += count
        return piece

    def convolution(self, layer):
        outputs, side, count = (int(layer[key]) for key in (OUTPUTS, SIDE, COUNT))
        if count % (outputs * side * side):
            raise SystemExit(f"{count} weights are no kernels of {side} x {side} for {outputs} outputs")
        word, = struct.unpack("<I", self.take(4))
        if word == HALF:
            weights = self.take(2 * count)
            self.take(-2 * count % 4)
        elif word == 0:
            weights = self.take(4 * count)
        else:
            raise SystemExit(f"weights of the type {word:#010x}, neither half nor float")
        shape = [outputs, count // (outputs * side * side), side, side]
        yield "weight", "F16" if word == HALF else "F32", shape, weights
        if layer.get(BIAS) == "1":
            yield "bias", "F32", [outputs], self.take(4 * outputs)

    def prelu(self, layer):
        count = int(layer[OUTPUTS])
        yield "weight", "F32", [count], self.take(4 * count)


def names(kinds):
    """BasicSR's names of the layers in their order."""
    if "PReLU" in kinds:  # SRVGGNetCompact, a chain
        return [f"body.{number}" for number in range(len(kinds))]
    blocks, rest = divmod(len(kinds) - 6, 15)  # RRDBNet
    if blocks < 1 or rest:
        raise SystemExit(f"{len(kinds)} convolutions are no RRDBNet that enlarges by 4")
    dense = [f"body.{block}.rdb{part}.conv{number}"
             for block in range(blocks) for part in (1, 2, 3) for number in range(1, 6)]
    return ["conv_first", *dense, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]


def main(source, target):
    with open(source) as file:
        layers = list(weighted_layers(file.read()))
    with open(os.path.splitext(source)[0] + ".bin", "rb") as file:
        values = Values(file.read())
    header, data = {}, []
    length = 0
    for name, (kind, layer) in zip(names([kind for kind, _ in layers]), layers):
        for part, dtype, shape, piece in values.convolution(layer) if kind == "Convolution" else values.prelu(layer):
            header[f"{name}.{part}"] = {
                "dtype": dtype, "shape": shape, "data_offsets": [length, length + len(piece)]}
            data.append(piece)
            length += len(piece)
    if values.place != len(values.data):
        raise SystemExit(f"{len(values.data) - values.place} bytes of the .bin are left over")
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
