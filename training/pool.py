"""The training rows of one GPU: processes draw scenes, a thread encodes them into GPU memory while training goes on."""
import mmap
import multiprocessing
import os
import sys

import numpy as np
import torch

import language
import network
import scenes
import text
import world

CHUNK, LONGEST, SIDE = 512, 32, 128


def formatted(row):
    return text.formatted(row["text"], text.EDIT if "source" in row else text.GENERATE)


def draw(jobs, done, free, slots, tokens):
    """A process that fills slots with pictures: [targets, sources] of a chunk of rows."""
    os.nice(5)
    while True:
        job = jobs.get()
        if job is None:
            return
        name, start, count = job
        rows = [scenes.row(name, i) for i in range(start, start + count)]
        slot = free.get()
        parts = [row["target"] for row in rows] + [row["source"] for row in rows if "source" in row]
        for place, scene in enumerate(parts):
            slots[slot, place] = world.render(scene)
        done.put((slot, name, [tokens(formatted(row)) for row in rows], "source" in rows[0]))


class Drawers:
    """The drawing processes and their shared memory. Start them before CUDA."""

    def __init__(self, folder, limits, workers):
        world.CORPUS = folder / "sprites"
        for thing, style in scenes.CELLS:
            world.hue(thing, style)
        context = multiprocessing.get_context("fork")
        slots = 3 * workers
        memory = mmap.mmap(-1, slots * 2 * CHUNK * SIDE * SIDE * 3)
        self.slots = np.frombuffer(memory, np.uint8).reshape(slots, 2 * CHUNK, SIDE, SIDE, 3)
        jobs, self.done, self.free = context.Queue(), context.Queue(), context.Queue()
        for slot in range(slots):
            self.free.put(slot)
        # The groups side by side, so that each has rows early.
        order = sorted((start / limit, name, start) for name, limit in limits.items() for start in range(0, limit, CHUNK))
        for _, name, start in order:
            jobs.put((name, start, min(CHUNK, limits[name] - start)))
        self.expected = len(order)
        tokens = language.Tokens(folder / "language.npz")
        self.processes = [context.Process(target=draw, args=(jobs, self.done, self.free, self.slots, tokens), daemon=True)
                          for _ in range(workers)]
        for process in self.processes:
            process.start()


    def stop(self):
        """Ends everything: the queues may hold more than anybody will read."""
        for process in self.processes:
            process.kill()
        sys.stdout.flush()
        os._exit(0)


class Pool:
    """Rows in GPU memory: text states, latents of target and source. Row 0 and 1 are the empty prompts, latents 0 zeros."""

    def __init__(self, folder, models, limits, device):
        self.device, self.limits, self.tokens = device, limits, language.Tokens(folder / "language.npz")
        self.language = language.Language(folder / "language.npz", device)
        self.encoder = network.load(network.Autoencoder(), models / "vae").to(device).encoder.eval()
        count = 2 + sum(limits.values())
        pictures = 1 + sum(limit * (1 + (name == "edits")) for name, limit in limits.items())
        self.states = torch.zeros((count * 15, network.STATES), dtype=torch.float16, device=device)
        self.latents = torch.zeros((pictures, 8, 16, 16), dtype=torch.float16, device=device)
        self.starts, self.lengths, self.target, self.source = (
            torch.zeros(count, dtype=torch.int64, device=device) for _ in range(4))
        firsts = np.cumsum([2, *limits.values()])[:-1]
        self.first = dict(zip(limits, firsts.tolist()))
        self.ready = dict.fromkeys(limits, 0)
        self.next_state, self.next_picture, self.chunks = 0, 1, 0
        self.add_texts(torch.arange(2, device=device), [self.tokens("Picture:"), self.tokens("Edit:")])

    @torch.no_grad()
    def add_texts(self, rows, texts):
        lengths = torch.tensor([len(t) for t in texts])
        padded = torch.zeros((len(texts), int(lengths.max())), dtype=torch.int64)
        for line, text in zip(padded, texts):
            line[:len(text)] = torch.tensor(text)
        states = self.language(padded.to(self.device))
        kept = (torch.arange(padded.shape[1]) < lengths[:, None]).to(self.device)
        total, begin = int(lengths.sum()), self.next_state
        self.states[begin:begin + total] = states[kept].half()
        self.starts[rows] = (begin + lengths.cumsum(0) - lengths).to(self.device)
        self.lengths[rows] = lengths.to(self.device)
        self.next_state += total

    @torch.no_grad()
    def add(self, name, pictures, texts, paired):
        """A chunk: uint8 pictures of the targets and then, if `paired`, of the sources."""
        count = len(texts)
        rows = self.first[name] + self.ready[name] + torch.arange(count, device=self.device)
        self.add_texts(rows, texts)
        for start in range(0, len(pictures), 256):
            x = torch.from_numpy(pictures[start:start + 256]).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"):
                z = self.encoder(x)
            place = self.next_picture + start
            self.latents[place:place + len(z)] = z.half()
        places = self.next_picture + torch.arange(count, device=self.device)
        self.target[rows], self.source[rows] = places, places + count if paired else 0
        self.next_picture += len(pictures)

    def fill(self, drawers):
        """Runs in a thread of its own, on a stream of its own: rows count as ready when the GPU has them."""
        stream = torch.cuda.Stream() if self.device.type == "cuda" else None
        with torch.cuda.stream(stream):
            while self.chunks < drawers.expected:
                slot, name, texts, paired = drawers.done.get()
                self.add(name, drawers.slots[slot, :len(texts) * (1 + paired)], texts, paired)
                if stream:
                    stream.synchronize()
                drawers.free.put(slot)
                self.ready[name] += len(texts)
                self.chunks += 1

    def sampler(self, batch, names):
        """A function of the groups' shares and ready rows that draws a batch: target, source, states, mask, group."""
        first = torch.tensor([self.first[name] for name in names], device=self.device)

        def sample(shares, ready):
            group = torch.multinomial(shares, batch, replacement=True)
            row = first[group] + (torch.rand(batch, device=self.device) * ready[group]).long()
            return *self.of(row, 0.1, 0.03), group

        return sample

    def of(self, row, empty=0.0, alone=0.0):
        """Rows, some with the empty prompt in place of theirs and some without their source."""
        span = torch.arange(LONGEST, device=self.device)
        edit = self.source[row] > 0
        lost = torch.rand(row.shape, device=self.device) < empty
        words = torch.where(lost, edit.long(), row)
        mask = span < self.lengths[words][:, None]
        states = self.states[(self.starts[words][:, None] + span).clamp(max=len(self.states) - 1)]
        states = torch.where(mask[..., None], states, 0)
        source = torch.where(torch.rand(row.shape, device=self.device) < alone, 0, self.source[row])
        return self.latents[self.target[row]].float(), self.latents[source].float(), states, mask
