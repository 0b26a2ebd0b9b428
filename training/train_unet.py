"""Trains the denoiser (diffusers `DreamLiteUNetModel`) on cached latents and texts.

Flow matching: x = (1 - s) x0 + s noise, the model predicts noise - x0, its time is 1000 s. The latents of a source
picture are joined on the channel axis, zeros where there is none. One text in ten is replaced by the empty prompt, for
guidance. The workers optimise on their own and average their weights every few steps. Checkpoints go to
`MINI_ROOT/unet.pt`, averaged weights to `MINI_ROOT/unet`, with a picture of what they draw beside them.
"""
import argparse
import json
import os
import time

import numpy as np
import torch
from diffusers import AutoencoderTiny
from diffusers.models.unets.unet_dreamlite import DreamLiteUNetModel
from PIL import Image

import parallel
from build_cache import CACHE, EMPTY

CONFIG = dict(
    sample_size=(16, 16), in_channels=16, out_channels=8,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    block_out_channels=(64, 128, 192), layers_per_block=1, transformer_layers_per_block=1,
    attention_head_dim=(2, 4, 6), num_kv_heads=1, qk_norm="rms_norm", ff_mult=2,
    cross_attention_dim=256, encoder_hid_dim=576, encoder_hid_dim_type="text_proj_rms",
    use_sep_conv=False, use_linear_projection=True, norm_num_groups=32,
)


class SmallAttention:
    """The attention of `DreamLiteAttnProcessor2_0` with one key and value head, as two matrix products.

    At 16 to 64 positions torch's fused attention spends most of its time outside the arithmetic: this is 1.25 times
    as fast for the whole training step.
    """

    def __call__(self, attention, states, encoder_hidden_states=None, attention_mask=None, temb=None):
        context = states if encoder_hidden_states is None else encoder_hidden_states
        batch, positions, _ = states.shape
        query = attention.to_q(states)
        width = query.shape[-1] // attention.heads
        query = attention.norm_q(query.view(batch, positions * attention.heads, width))
        key = attention.norm_k(attention.to_k(context))
        scores = torch.bmm(query, key.transpose(1, 2)).float() * width**-0.5
        if attention_mask is not None:
            scores = scores + attention_mask
        mixed = torch.bmm(scores.softmax(-1).to(key.dtype), attention.to_v(context))
        return attention.to_out[0](mixed.view(batch, positions, attention.heads * width))


class Cache:
    """The groups of `build_cache.py`: (target, source or zeros, text states) of a batch."""

    def __init__(self, names):
        self.parts = {name: {part: np.load(CACHE / name / f"{part}.npy", mmap_mode="r")
                             for part in ("latents", "states", "starts", "rows")} for name in (*names, EMPTY)}

    def states(self, name, text):
        part = self.parts[name]
        return part["states"][part["starts"][text]:part["starts"][text + 1]]

    def batch(self, rows, empty):
        """Rows as (group, number) and whether each has its text replaced by the empty prompt."""
        target = np.empty((len(rows), 8, 16, 16), np.float32)
        source = np.zeros_like(target)
        texts = []
        for i, (name, number) in enumerate(rows):
            words, scene, before = self.parts[name]["rows"][number]
            target[i] = self.parts[name]["latents"][scene]
            if before >= 0:
                source[i] = self.parts[name]["latents"][before]
            texts.append(self.states(EMPTY, int(before >= 0)) if empty[i] else self.states(name, words))
        longest = max(map(len, texts))
        states = np.zeros((len(rows), longest, 576), np.float32)
        mask = np.zeros((len(rows), longest), bool)
        for i, text in enumerate(texts):
            states[i, :len(text)], mask[i, :len(text)] = text, True
        return map(torch.from_numpy, (target, source, states, mask))


def loss_of(model, cache, rows, rng, noise_shift):
    """Squared velocity error of each row."""
    target, source, states, mask = cache.batch(rows, rng.random(len(rows)) < 0.1)
    level = torch.sigmoid(torch.randn(len(rows)) + noise_shift)
    s = level[:, None, None, None]
    noise = torch.randn_like(target)
    with parallel.fast():
        velocity = model(torch.cat([(1 - s) * target + s * noise, source], 1), 1000 * level, states,
                         encoder_attention_mask=mask, return_dict=False)[0]
    return (velocity.float() - (noise - target)).pow(2).mean((1, 2, 3))


@torch.no_grad()
def snapshot(model, cache, rows, path, steps=8, guidance=3.0):
    """What the model draws for the texts of `rows`, twelve a line, with as few steps as show the shapes."""
    vae = AutoencoderTiny.from_pretrained(parallel.ROOT / "vae").eval()
    count = len(rows)
    source = list(cache.batch(rows, [False] * count))[1]
    latents = torch.randn((count, 8, 16, 16), generator=torch.Generator().manual_seed(1))
    prompts, empties = list(cache.batch(rows, [False] * count)), list(cache.batch(rows, [True] * count))
    sigmas = np.append(np.linspace(1, 1 / steps, steps), 0)
    with parallel.fast():
        for sigma, following in zip(sigmas, sigmas[1:]):
            empty, prompt = (
                model(torch.cat([latents, source], 1), torch.full((count,), 1000 * float(sigma)), states,
                      encoder_attention_mask=mask, return_dict=False)[0].float()
                for _, _, states, mask in (empties, prompts))
            latents = latents + float(following - sigma) * (empty + guidance * (prompt - empty))
        pictures = vae.decoder(latents).float().clamp(-1, 1)
    lines = ((pictures + 1) * 127.5 + 0.5).to(torch.uint8).reshape(-1, 12, 3, 128, 128)
    Image.fromarray(lines.permute(0, 3, 1, 4, 2).reshape(-1, 12 * 128, 3).numpy()).save(path)


def export(model, average, folder):
    """Writes the averaged weights as a folder that `from_pretrained` reads; returns the model of these weights."""
    copy = DreamLiteUNetModel(**CONFIG)
    start = 0
    for ours, theirs in zip(copy.parameters(), model.parameters()):
        ours.data.copy_(average[start:start + theirs.numel()].view(theirs.shape))
        start += theirs.numel()
    copy.save_pretrained(folder)
    return copy


def train(rank, workers, options):
    torch.manual_seed(0)
    model = DreamLiteUNetModel(**CONFIG).train()
    model.set_attn_processor(SmallAttention())
    folder = parallel.ROOT / options.name
    checkpoint = folder.with_suffix(".pt")
    flat = parallel.Flat(model)
    parameter = torch.nn.Parameter(flat.weight)
    parameter.grad = flat.gradient
    optimiser = torch.optim.AdamW([parameter], options.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average, step, seen = flat.weight.clone(), 0, 0
    if options.resume:
        state = torch.load(checkpoint)
        flat.weight.copy_(state["weight"])
        average.copy_(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, seen = state["step"], state["seen"]
    elif options.start:
        model.load_state_dict(DreamLiteUNetModel.from_pretrained(options.start).state_dict())
        average.copy_(flat.weight)
    torch.manual_seed(1000 * step + rank)
    rng = np.random.default_rng([step, rank])
    shares = dict(item.split("=") for item in options.mix.split(","))
    names, shares = list(shares), np.array(list(shares.values()), float)
    cache, clock, first, losses = Cache(names), parallel.Clock(options.until), step, []
    counts = {name: len(cache.parts[name]["rows"]) for name in names}
    began = saved = time.time()
    log = open(parallel.ROOT / f"{options.name}.jsonl", "a") if rank == 0 else None

    def save():
        torch.save(dict(weight=flat.weight, average=average, optimiser=optimiser.state_dict(), step=step, seen=seen),
                   checkpoint.with_suffix(".new"))
        os.replace(checkpoint.with_suffix(".new"), checkpoint)
        averaged = export(model, average, folder).eval()
        averaged.set_attn_processor(SmallAttention())
        rows = [(name, number) for name in names for number in range(12)]
        snapshot(averaged, cache, rows, parallel.ROOT / f"{options.name}.png")

    while True:
        parallel.wait_while_paused()
        rows = [(name, rng.integers(counts[name])) for name in rng.choice(names, options.batch, p=shares / shares.sum())]
        flat.message.zero_()
        loss = loss_of(model, cache, rows, rng, options.noise_shift)
        loss.mean().backward()
        progress = clock.progress()
        norm = flat.clip(1.0)
        rate = float(options.rate * min(1, (step - first + 1) / 50) * (0.02 + 0.49 * (1 + np.cos(np.pi * progress))))
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        if step % options.together == 0 and flat.meet(stop=progress >= 1):
            break
        step, seen = step + 1, seen + options.batch * workers
        average.lerp_(flat.weight, 1 - min(options.average, (1 + step) / (10 + step)))
        losses.append((loss.detach().mean().item(), norm))
        if rank == 0 and step % 50 == 0:
            error, norm = np.mean(losses, 0)
            row = dict(step=step, seen=seen, seconds=round(time.time() - began), cpu=round(time.process_time()),
                       loss=round(error, 4), norm=round(norm, 3),
                       speed=round((step - first) * options.batch * workers / (time.time() - began), 1))
            print(json.dumps(row), file=log, flush=True)
            losses = []
        if rank == 0 and time.time() - saved > 60 * options.save:
            save()
            saved = time.time()
    if rank == 0:
        save()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until", required=True, help="wall-clock time to end at, HH:MM: one cosine from now to then")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", help="folder of weights to begin from, such as models/lazuli-mini/unet")
    parser.add_argument("--mix", default="plain=0.5,placed=0.1,pairs=0.2,edits=0.2", help="shares of the groups of `scenes.GROUPS`")
    parser.add_argument("--name", default="unet")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=16, help="rows per worker and step")
    parser.add_argument("--together", type=int, default=8, help="steps between averages of the workers' weights")
    parser.add_argument("--noise-shift", type=float, default=0.3, help="mean of the normal behind the noise levels")
    parser.add_argument("--average", type=float, default=0.995)
    parser.add_argument("--save", type=float, default=5, help="minutes between checkpoints")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    parallel.run(train, options, options.workers)


if __name__ == "__main__":
    main()
