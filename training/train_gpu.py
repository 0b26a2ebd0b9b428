"""Trains the denoiser on one GPU. Processes draw scenes while it trains; a thread encodes them into GPU memory.

    python train_gpu.py pack DIR                    # what the GPU machine needs besides this folder and models/lazuli-mini
    python train_gpu.py run DIR --out OUT --seconds 560

Objective, dropout of texts and latents are those of `train_unet.py`. The rows are those of `scenes.GROUPS`, `--times` as
many; the shares of the groups move from plain scenes to everything along `MIX`. Two safetensors files hold the averaged
weights in float16 (`train_gpu.join` makes one of them), written now and then, with a sheet and a log beside them.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import threading
import time

import numpy as np
import torch

import language
import network
import scenes
import text
import world
from pool import CHUNK, SIDE, Drawers, Pool, formatted

# Shares of the groups at points of progress, linear in between.
MIX = (
    (0.0, dict(plain=50, placed=8, hued=6, pairs=8, hued_pairs=2, triples=2, counted=4, edits=20)),
    (0.2, dict(plain=32, placed=9, hued=8, pairs=12, hued_pairs=4, triples=3, counted=6, edits=26)),
    (0.6, dict(plain=18, placed=10, hued=9, pairs=14, hued_pairs=6, triples=5, counted=8, edits=30)),
)
NAMES = tuple(MIX[0][1])
PARTS = ("unet-0.safetensors", "unet-1.safetensors")


def pack(folder):
    """The sprites and the language model's blocks, with the tokens of every word the groups use."""
    (folder / "sprites").mkdir(parents=True)
    kept = {file for (_, sprites), file in world.sprite_files().items() if sprites in world.STYLES.values()}
    with open(world.CORPUS / "manifest.jsonl") as lines:
        lines = [line for line in lines if json.loads(line)["file"] in kept]
    (folder / "sprites" / "manifest.jsonl").write_text("".join(lines))
    for file in kept:
        (folder / "sprites" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(world.CORPUS / file, folder / "sprites" / file)
    texts = {formatted(scenes.row(name, i)) for name in NAMES for i in range(2 * scenes.GROUPS[name][1])}
    texts = sorted(texts | {text.formatted("", prefix) for prefix in (text.GENERATE, text.EDIT)})
    tokenizer, tokens = language.pack(folder / "language.npz", texts), language.Tokens(folder / "language.npz")
    used = np.load(folder / "language.npz")["used"]
    for words in texts[::50]:
        assert used[tokens(words)].tolist() == tokenizer(words, add_special_tokens=False).input_ids, words
    print(f"{len(texts)} texts, {len(used)} tokens, at most {max(len(tokens(w)) for w in texts)} a text")


def shares_at(progress):
    """Shares of NAMES as a tensor."""
    times = [t for t, _ in MIX]
    return torch.tensor([np.interp(progress, times, [mix[name] for _, mix in MIX]) for name in NAMES]).float()


@torch.no_grad()
def sheet(model, vae, pool, path, rows, columns=12, steps=12, guidance=3.0):
    """What the model draws for rows of the pool; an edit's source stands before its result."""
    from PIL import Image
    _, source, states, mask = pool.of(rows)
    edit = (pool.source[rows] > 0).long()
    _, _, empty, bare = pool.of(edit)
    x = torch.randn(source.shape, generator=torch.Generator().manual_seed(1)).to(pool.device)
    sigmas = np.append(np.linspace(1, 1 / steps, steps), 0)
    with torch.autocast(pool.device.type, torch.bfloat16):
        for sigma, following in zip(sigmas, sigmas[1:]):
            times = torch.full((len(rows),), 1000 * float(sigma), device=pool.device)
            u, v = (model(torch.cat([x, source], 1), times, s, m).float() for s, m in ((empty, bare), (states, mask)))
            x = x + float(following - sigma) * (u + guidance * (v - u))
    tiles = []
    for i, is_edit in enumerate(edit.tolist()):
        tiles += [source[i], x[i]] if is_edit else [x[i]]
    pictures = ((vae.decoder(torch.stack(tiles)).float().clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8).cpu()
    lines = pictures[:len(pictures) // columns * columns].reshape(-1, columns, 3, SIDE, SIDE).permute(0, 3, 1, 4, 2)
    Image.fromarray(lines.reshape(-1, columns * SIDE, 3).numpy()).save(path)


def save(average, names, out):
    """The averaged weights in two files."""
    from safetensors.torch import save_file
    half = len(names) // 2
    for file, part in zip(PARTS, (slice(0, half), slice(half, None))):
        tensors = {n: a.detach().half().cpu().contiguous() for n, a in zip(names[part], average[part])}
        save_file(tensors, out / f"{file}.new")
        os.replace(out / f"{file}.new", out / file)


def join(out, file):
    """One file of the two that `save` wrote."""
    from safetensors.torch import load_file, save_file
    save_file({**load_file(out / PARTS[0]), **load_file(out / PARTS[1])}, file, metadata={"format": "pt"})


class Trainer:
    """A model from `models`, its average, its optimiser and one compiled loss."""

    def __init__(self, models, pool, options):
        torch.manual_seed(0)
        self.pool, self.options, self.device = pool, options, pool.device
        self.model = network.load(network.Denoiser(), models / "unet").to(self.device, memory_format=torch.channels_last)
        self.names = [name for name, _ in self.model.named_parameters()]
        self.parameters = list(self.model.parameters())
        self.sample, self.forward = pool.sampler(options.batch, NAMES), self.model
        self.average, self.step = [p.detach().clone() for p in self.parameters], 0
        self.optimiser = torch.optim.AdamW(self.parameters, options.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        self.sums = torch.zeros((2, len(NAMES)), device=self.device)

    def compiled(self):
        """Compiles the network, unless that fails."""
        try:
            self.forward = torch.compile(self.model, dynamic=False)
            self.loss(*self.data(0.0)[:4]).mean().backward()
        except Exception as error:
            print(f"not compiled: {error}", flush=True)
            self.forward = self.model
        self.optimiser.zero_grad()

    def data(self, progress):
        if self.step % 20 == 0 or progress == 0:
            self.ready = torch.tensor([float(self.pool.ready[name]) for name in NAMES], device=self.device)
            self.shares = shares_at(progress).to(self.device) * (self.ready > 0)
        return self.sample(self.shares, self.ready)

    def loss(self, target, source, states, mask):
        level = torch.sigmoid(torch.randn(len(target), device=self.device) + 0.3)
        s = level[:, None, None, None]
        noise = torch.randn_like(target)
        x = torch.cat([(1 - s) * target + s * noise, source], 1).to(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            velocity = self.forward(x, 1000 * level, states, mask)
        return (velocity.float() - (noise - target)).pow(2).mean((1, 2, 3))

    def update(self, progress, rate):
        *data, group = self.data(progress)
        loss = self.loss(*data)
        loss.mean().backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        for part in self.optimiser.param_groups:
            part["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad()
        with torch.no_grad():
            self.sums[0].index_add_(0, group, loss.detach())
            self.sums[1].index_add_(0, group, torch.ones_like(loss))
            keep = min(self.options.average, (1 + self.step) / (10 + self.step))
            torch._foreach_lerp_(self.average, self.parameters, 1 - keep)
        self.step += 1

    def run(self, seconds, log, every=5.0, tick=None):
        """Trains for that long: a warm-up, then one cosine. Returns the last logged loss."""
        began = logged = time.time()
        first, last, total = self.step, self.step, None
        while True:
            now = time.time()
            progress = (now - began) / seconds
            if progress >= 1:
                return total
            warm = min(1.0, (self.step - first + 1) / self.options.warm)
            self.update(progress, self.options.rate * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * progress))))
            if self.step % 10 == 0 and now - logged > every:
                losses = (self.sums[0] / self.sums[1]).tolist()
                total = float(self.sums[0].sum() / self.sums[1].sum())
                self.sums.zero_()
                now = time.time()
                row = dict(seconds=round(now - began, 1), step=self.step, seen=self.step * self.options.batch,
                           loss=round(total, 5), speed=round((self.step - last) * self.options.batch / (now - logged)),
                           pool=sum(self.pool.ready.values()), **{n: round(v, 4) for n, v in zip(NAMES, losses)})
                log(row)
                logged, last = now, self.step
                if tick:
                    tick()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("pack", "run"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("models/lazuli-mini"))
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=560, help="from the start of the process")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warm", type=int, default=150)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--times", type=float, default=14, help="rows, in times `scenes.GROUPS`")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 1) - 2))
    parser.add_argument("--save", type=float, default=75, help="seconds between files")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--eager", action="store_true")
    options = parser.parse_args()
    if options.task == "pack":
        return pack(options.folder)
    started = time.time()
    limits = {name: int(options.times * scenes.GROUPS[name][1]) for name in NAMES}
    drawers = Drawers(options.folder, limits, options.workers)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    device = torch.device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    file = open(options.out / "run.jsonl", "w")

    def log(row):
        print(json.dumps(row), flush=True)
        print(json.dumps(row), file=file, flush=True)

    log(dict(event="drawers", at=round(time.time() - started, 1), rows=sum(limits.values())))
    pool = Pool(options.folder, options.models, limits, device)
    vae = network.load(network.Autoencoder(), options.models / "vae").to(device).eval()
    threading.Thread(target=pool.fill, args=(drawers,), daemon=True).start()
    while min(pool.ready.values()) < min(CHUNK, min(limits.values())):
        time.sleep(0.1)
    log(dict(event="pool", at=round(time.time() - started, 1), **pool.ready))

    shown = {name: 30 if name == "edits" else 12 for name in NAMES}
    stride = max(1, min(pool.ready.values()) // 30)
    rows = torch.cat([pool.first[name] + stride * torch.arange(count) for name, count in shown.items()]).to(device)
    copy = network.Denoiser().to(device).eval()

    def write(trainer):
        save(trainer.average, trainer.names, options.out)
        for ours, theirs in zip(copy.parameters(), trainer.average):
            ours.data.copy_(theirs)
        try:
            sheet(copy, vae, pool, options.out / "sheet.png", rows)
        except RuntimeError as error:   # no reason to lose a run
            print(f"no sheet: {error}", flush=True)

    trainer = Trainer(options.models, pool, options)
    if not options.eager:
        trainer.compiled()
    log(dict(event="compiled", at=round(time.time() - started, 1), rows=sum(pool.ready.values())))
    saved = [time.time()]

    def tick():
        if time.time() - saved[0] > options.save:
            write(trainer)
            saved[0] = time.time()

    trainer.run(options.seconds - (time.time() - started), log, tick=tick)
    write(trainer)
    log(dict(event="end", at=round(time.time() - started, 1), step=trainer.step, seen=trainer.step * options.batch))
    drawers.stop()


if __name__ == "__main__":
    main()
