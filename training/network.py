"""Lazuli Mini's networks in plain torch, with the parameter names of diffusers' `DreamLiteUNetModel` and `AutoencoderTiny`.

They hold for the configuration of `models/lazuli-mini` only: three levels, one transformer block in each of the lower
two, one key and value head of 32. They compile to fewer, larger kernels than the general classes and need torch alone.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

CHANNELS, GROUPS, HEAD, CONTEXT, STATES, TIME = (64, 128, 192), 32, 32, 256, 576, 256


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        scale = torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5)
        return (x.float() * scale * self.weight).to(x.dtype)


class Resnet(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, inputs), nn.GroupNorm(GROUPS, outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(TIME, outputs)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if self.conv_shortcut else x)


class Attention(nn.Module):
    """Several query heads on one key and value head."""

    def __init__(self, width, context):
        super().__init__()
        self.to_q, self.to_k = nn.Linear(width, width, bias=False), nn.Linear(context, HEAD, bias=False)
        self.to_v, self.to_out = nn.Linear(context, HEAD, bias=False), nn.ModuleList([nn.Linear(width, width)])
        self.norm_q, self.norm_k = RMSNorm(HEAD), RMSNorm(HEAD)

    def forward(self, x, context, mask=None):
        batch, positions, width = x.shape
        query = self.norm_q(self.to_q(x).view(batch, positions * width // HEAD, HEAD))
        scores = torch.bmm(query, self.norm_k(self.to_k(context)).transpose(1, 2)).float() * HEAD**-0.5
        if mask is not None:
            scores = scores + mask
        mixed = torch.bmm(scores.softmax(-1).to(query.dtype), self.to_v(context))
        return self.to_out[0](mixed.view(batch, positions, width))


class Gated(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1, self.attn2 = Attention(width, width), Attention(width, CONTEXT)
        self.ff = nn.Module()
        self.ff.net = nn.ModuleList([Gated(width, 2 * width), nn.Identity(), nn.Linear(2 * width, width)])

    def forward(self, x, context, mask):
        normal = self.norm1(x)
        x = x + self.attn1(normal, normal)
        x = x + self.attn2(self.norm2(x), context, mask)
        return x + self.ff.net[2](self.ff.net[0](self.norm3(x)))


class Transformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(width, width), nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList([Block(width)])

    def forward(self, x, context, mask):
        batch, width, height, columns = x.shape
        h = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * columns, width))
        h = self.proj_out(self.transformer_blocks[0](h, context, mask))
        return x + h.reshape(batch, height, columns, width).permute(0, 3, 1, 2)


class Sampler(nn.Module):
    """Halves or doubles the sides."""

    def __init__(self, width, down):
        super().__init__()
        self.conv, self.down = nn.Conv2d(width, width, 3, 2 if down else 1, 1), down

    def forward(self, x):
        return self.conv(x if self.down else F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    def __init__(self, inputs, width, attends, sampler):
        super().__init__()
        self.resnets = nn.ModuleList([Resnet(i, width) for i in inputs])
        if attends:
            self.attentions = nn.ModuleList([Transformer(width) for _ in range(attends)])
        self.attends = attends
        if sampler:
            setattr(self, f"{sampler}samplers", nn.ModuleList([Sampler(width, sampler == "down")]))


class Denoiser(nn.Module):
    """Velocity [B, 8, H, W] of joined latents [B, 16, H, W] at times [B] in 0...1000 under text states [B, T, 576]."""

    def __init__(self):
        super().__init__()
        a, b, c = CHANNELS
        self.conv_in = nn.Conv2d(16, a, 3, padding=1)
        self.time_embedding = nn.Module()
        self.time_embedding.linear_1, self.time_embedding.linear_2 = nn.Linear(a, TIME), nn.Linear(TIME, TIME)
        self.encoder_hid_proj = nn.Sequential(nn.Linear(STATES, CONTEXT), RMSNorm(CONTEXT))
        self.down_blocks = nn.ModuleList([Level([a], a, 0, "down"), Level([a], b, 1, "down"), Level([b], c, 1, None)])
        self.mid_block = Level([c, c], c, 1, None)
        self.up_blocks = nn.ModuleList([
            Level([c + c, c + b], c, 2, "up"), Level([c + b, b + a], b, 2, "up"), Level([b + a, a + a], a, 0, None)])
        self.conv_norm_out, self.conv_out = nn.GroupNorm(GROUPS, a), nn.Conv2d(a, 8, 3, padding=1)

    def forward(self, x, times, states, mask=None):
        """`mask` [B, T] is true where there is text."""
        half = CHANNELS[0] // 2
        angles = times[:, None].float() * torch.exp(
            -math.log(10000) / half * torch.arange(half, device=x.device, dtype=torch.float32))
        time = self.time_embedding.linear_1(torch.cat([angles.cos(), angles.sin()], 1))
        time = self.time_embedding.linear_2(F.silu(time))
        context = self.encoder_hid_proj(states)
        if mask is not None:
            mask = torch.where(mask, 0.0, -1e4)[:, None]
        x = self.conv_in(x)
        kept = [x]
        for level in self.down_blocks:
            x = level.resnets[0](x, time)
            if level.attends:
                x = level.attentions[0](x, context, mask)
            kept.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0](x)
                kept.append(x)
        x = self.mid_block.resnets[0](x, time)
        x = self.mid_block.resnets[1](self.mid_block.attentions[0](x, context, mask), time)
        for level in self.up_blocks:
            for i, resnet in enumerate(level.resnets):
                x = resnet(torch.cat([x, kept.pop()], 1), time)
                if level.attends:
                    x = level.attentions[i](x, context, mask)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class TinyBlock(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        conv = [nn.Conv2d(width, width, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(conv[0], nn.ReLU(), conv[1], nn.ReLU(), conv[2])

    def forward(self, x):
        return F.relu(self.conv(x) + x)


class Scaled(nn.Module):
    """Layers with a function before and one after."""

    def __init__(self, layers, before, after):
        super().__init__()
        self.layers, self.before, self.after = nn.Sequential(*layers), before, after

    def forward(self, x):
        return self.after(self.layers(self.before(x)))


class Autoencoder(nn.Module):
    """Pictures [B, 3, 8 H, 8 W] in -1...1 and latents [B, 8, H, W]."""

    def __init__(self, width=32, latents=8):
        super().__init__()
        encoder = [nn.Conv2d(3, width, 3, padding=1)]
        for blocks in (1, 2, 3):
            encoder.append(nn.Conv2d(width, width, 3, 2, 1, bias=False))
            encoder += [TinyBlock(width) for _ in range(blocks)]
        encoder.append(nn.Conv2d(width, latents, 3, padding=1))
        decoder = [nn.Conv2d(latents, width, 3, padding=1), nn.ReLU()]
        for blocks in (3, 3, 2):
            decoder += [TinyBlock(width) for _ in range(blocks)]
            decoder += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False)]
        decoder += [TinyBlock(width), nn.Conv2d(width, 3, 3, padding=1)]
        self.encoder = Scaled(encoder, lambda x: (x + 1) / 2, lambda x: x)
        self.decoder = Scaled(decoder, lambda x: torch.tanh(x / 3) * 3, lambda x: 2 * x - 1)


def load(network, folder):
    """The network with the weights of a model folder, in float32."""
    from safetensors.torch import load_file
    weights = load_file(f"{folder}/diffusion_pytorch_model.safetensors")
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network
