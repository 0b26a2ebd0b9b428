"""Trains the autoencoder (diffusers `AutoencoderTiny`, eight latent channels, eight times down) on the small world.

Absolute and squared error, error of the pixel differences, latents held softly to unit variance, and a little noise
on the latents so that the decoder forgives a denoiser's errors. `--decoder` freezes the encoder, which a denoiser
trained on its latents requires.
"""
import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

import parallel
import scenes
import world


def normalised(pictures):
    """uint8 [B, H, W, 3] as float32 [B, 3, H, W] in -1...1."""
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)
    return tensor.float().div_(127.5).sub_(1)


@torch.no_grad()
def evaluate(vae, pictures):
    """PSNR in dB of each picture after encoding and decoding, float32."""
    decibels = []
    for start in range(0, len(pictures), 25):
        x = normalised(pictures[start:start + 25])
        error = (vae.decoder(vae.encoder(x)).clamp(-1, 1) - x).div(2).pow(2).mean((1, 2, 3))
        decibels.append(-10 * torch.log10(error.clamp_min(1e-7)))
    return torch.cat(decibels)


def losses(vae, x, frozen):
    """The training loss of a batch and its mean absolute error."""
    with parallel.fast():
        with torch.set_grad_enabled(not frozen):
            z = vae.encoder(x)
        y = vae.decoder(z + 0.05 * torch.randn_like(z)).float()
    z = z.float()
    error = y - x
    absolute = error.abs().mean()
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    loss = absolute + 0.5 * edges + 2 * error.pow(2).mean()
    if not frozen:
        spread = z.mean((0, 2, 3)).pow(2).mean() + (z.std((0, 2, 3)) - 1).pow(2).mean()
        loss = loss + 0.02 * (spread + F.relu(z.abs() - 3).mean())
    return loss, absolute


def train(rank, workers, options):
    torch.manual_seed(rank)
    rng = np.random.default_rng(rank)
    vae = AutoencoderTiny.from_pretrained(options.start).to(memory_format=torch.channels_last).train()
    vae.encoder.requires_grad_(not options.decoder)
    flat = parallel.Flat(vae)
    average = flat.weight.clone()
    parameter = torch.nn.Parameter(flat.weight)
    parameter.grad = flat.gradient
    optimiser = torch.optim.AdamW([parameter], options.rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    names = [name for name in scenes.GROUPS if "edits" not in name]

    def drawn(i):
        return world.render(scenes.row(names[i % len(names)], i)["target"])

    pool = np.stack([drawn(i * workers + rank) for i in range(options.pool // workers)])
    held_out = np.stack([drawn(10**6 + i) for i in range(200)]) if rank == 0 else None
    if rank == 0:
        print(f"before: {evaluate(vae, held_out).mean():.2f} dB", flush=True)
    clock, step, errors, began = parallel.Clock(options.until), 0, [], time.time()
    while True:
        parallel.wait_while_paused()
        batch = np.empty((options.batch, options.crop, options.crop, 3), np.uint8)
        for crop in batch:
            y, x = rng.integers(0, world.SIZE - options.crop + 1, 2)
            crop[:] = pool[rng.integers(len(pool)), y:y + options.crop, x:x + options.crop]
        flat.message.zero_()
        loss, absolute = losses(vae, normalised(batch), options.decoder)
        loss.backward()
        progress = clock.progress()
        if flat.average(stop=progress >= 1):
            break
        flat.clip(1.0)
        rate = options.rate * min(1, (step + 1) / 50) * (0.02 + 0.49 * (1 + np.cos(np.pi * progress)))
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        step += 1
        average.lerp_(flat.weight, 1 - min(0.995, (1 + step) / (10 + step)))
        errors.append(absolute.item())
        if rank == 0 and step % 100 == 0:
            crops = step * options.batch * workers
            speed = crops / (time.time() - began)
            print(f"step {step} crops {crops} {speed:.0f}/s error {np.mean(errors):.4f}", flush=True)
            errors = []
    if rank == 0:
        flat.weight.copy_(average)
        decibels = evaluate(vae.eval(), held_out)
        vae.save_pretrained(options.out)
        print(f"after {step * options.batch * workers} crops: {decibels.mean():.2f} dB, "
              f"10th percentile {decibels.quantile(0.1):.2f}, worst {decibels.min():.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", required=True, help="folder of the weights to go on from")
    parser.add_argument("--out", default=str(parallel.ROOT / "vae"))
    parser.add_argument("--until", required=True, help="wall-clock time to end at, HH:MM")
    parser.add_argument("--decoder", action="store_true", help="train the decoder only")
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--batch", type=int, default=8, help="crops per worker and step")
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--pool", type=int, default=6000, help="pictures to cut the crops from")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    parallel.run(train, options, options.workers)


if __name__ == "__main__":
    main()
