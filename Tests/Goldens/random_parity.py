"""Draws the same pictures with diffusers and with Lazuli, and compares them: the judge of end-to-end parity.

    python make_checkpoints.py FOLDER --seed 7
    python random_parity.py FOLDER --programs .build/release [--count 8] [--seed 1] [--model NAME]... [--wide]

For every model of FOLDER it draws `--count` pictures with samplers, schedules, steps, guidance, sizes, seeds and negative
prompts chosen at random from `--seed`. In f32 every pixel must agree within 2/255. The same picture in bf16 must stay above
35 dB of the f32 one, and on one thread it must be the same bytes as on two. `--wide` draws more extreme requests, in f32
only: few and many steps, no and strong guidance, tiny and long pictures, prompts of spaces and at the limit of tokens. It is
meant for the folders of random_checkpoints.py.
"""

import argparse
import contextlib
import inspect
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import types
import warnings

import numpy as np
from PIL import Image

import reference

# Choices for a job; sizes count in units of 8 pixels, or of one latent where that is larger.
AXES = {
    "prompt": ["a red apple on a blue background", "A CAT, sleeping; 3 dogs & a façade!", "", "naïve café 🍎 in the rain " * 12],
    "negative": [None, "blurry", ""], "steps": [2, 3, 5, 8], "guidance": [1.0, 3.0, 7.5],
    "size": [(8, 8), (16, 8), (8, 12), (12, 12), (9, 13)],
}
WIDE = {
    "prompt": [*AXES["prompt"], "   ", "apple " * 75, "apple " * 76, "👩‍👩‍👧‍👦 日本語 \t\n ٣"],
    "negative": [*AXES["negative"], "  ", "bad " * 90], "steps": [1, 1, 2, 3, 4, 7, 13, 30],
    "guidance": [0, 0.5, 1, 1.0001, 3.5, 7.5, 20], "size": [(1, 1), (1, 17), (9, 2), (3, 5), (4, 4), (6, 4)],
}


@contextlib.contextmanager
def daemon(programs, models, threads=None):
    """Runs a daemon of its own over `models`; yields the path of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        socket = pathlib.Path(folder) / "lazuli.sock"
        prefix = ["taskset", "-c", "0"] if threads == 1 else []
        process = subprocess.Popen(
            [*prefix, programs / "lazulid", "--state-dir", f"{folder}/state", "--socket", socket],
            env=os.environ | {"LAZULI_MODELS": str(models)}, stderr=subprocess.DEVNULL)
        try:
            while not socket.exists():
                time.sleep(0.02)
            yield socket
        finally:
            process.terminate()
            process.wait()


def lazuli(programs, socket, job, path, precision):
    command = [programs / "lazuli", "generate", "--socket", socket, "--quiet", "-m", job.name, "-o", path, "--seed",
               job.seed, "--steps", job.steps, "--guidance", job.guidance, "--size", job.size, "--precision", precision]
    for option in ("sampler", "schedule", "negative"):
        if getattr(job, option) is not None:
            command += [f"--{option}", getattr(job, option)]
    result = subprocess.run([str(part) for part in [*command, "--", job.prompt]], capture_output=True, text=True)
    if result.returncode != 0:
        return result.stderr.strip()
    return None


def knows(model, sampler, schedule):
    """Whether the sampler's class in diffusers has the schedule: it ignores a setting that it does not know, Lazuli obeys."""
    import diffusers

    if schedule is None:
        return True
    index = json.loads((model / "model_index.json").read_text())
    name = reference.SAMPLERS[sampler][0] if sampler else index["scheduler"][1]
    if name in ("LCMScheduler", "TCDScheduler"):  # they have a spacing and do not read it
        return False
    known = inspect.signature(getattr(diffusers, name).__init__).parameters
    return all(key in known or value is False for key, value in reference.SCHEDULES[schedule].items())


def samplers(model):
    """The samplers that the model's pipeline can run in diffusers; None is its own."""
    kind = json.loads((model / "model_index.json").read_text())["_class_name"]
    return {"DreamLitePipeline": [None, "euler"], "LatentConsistencyModelPipeline": [None, "lcm"]}.get(
        kind, [None, *reference.SAMPLERS])


def unit(model):
    """Pixels that sizes count in."""
    config = json.loads((model / "vae/config.json").read_text())
    return max(8, 2 ** (len(config.get("block_out_channels") or config["decoder_block_out_channels"]) - 1))


def jobs(model, count, source, axes):
    config = model.with_name(model.stem.removesuffix("-single"))
    known, pixels = samplers(config), unit(config)
    for _ in range(count):
        sampler = source.choice(known)
        schedule = source.choice([None, None, *reference.SCHEDULES]) if len(known) > 2 else None
        choice = {key: source.choice(values) for key, values in axes.items()}
        choice["size"] = "x".join(str(side * pixels) for side in choice["size"])
        if known == [None, "lcm"]:  # a pipeline that takes none
            choice["negative"] = None
        yield types.SimpleNamespace(
            name=model.stem if model.suffix == ".safetensors" else model.name, model=model, config=config,
            seed=source.choice([0, 1, 42, 2**32 - 1, 123456789]), sampler=sampler,
            schedule=schedule if knows(config, sampler, schedule) else None, **choice)


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.int64)


def psnr(first, second):
    power = float(((first - second) ** 2).mean())
    return math.inf if power == 0 else 10 * math.log10(255**2 / power)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path(".build/release"))
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", action="append")
    parser.add_argument("--wide", action="store_true")
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    models = sorted(path for path in arguments.folder.iterdir() if path.is_dir() or path.suffix == ".safetensors")
    failures = compared = refused = 0
    axes = WIDE if arguments.wide else AXES
    with daemon(arguments.programs, arguments.folder) as two, daemon(arguments.programs, arguments.folder, 1) as one, \
            tempfile.TemporaryDirectory() as folder:
        exact, half, single, wanted = (pathlib.Path(folder) / f"{name}.png" for name in ("exact", "half", "single", "wanted"))
        for job in (job for model in models for job in jobs(model, arguments.count, source, axes)):
            if arguments.model and job.name not in arguments.model:
                continue
            facts = f"{job.name:14} {job.sampler or '-':16} {job.schedule or '-':12} {job.steps} steps, guidance " \
                    f"{job.guidance}, {job.size}, seed {job.seed}, negative {job.negative!r}, prompt {job.prompt[:12]!r}"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", RuntimeWarning)  # what it says of a picture of NaN
                    reference.draw(job).save(wanted)
            except Exception as error:  # diffusers refuses some combinations; then Lazuli may do as it likes
                refused += 1
                print(f"diffusers refuses {facts}: {str(error)[:80]}", flush=True)
                continue
            problem = lazuli(arguments.programs, two, job, exact, "f32")
            if not arguments.wide:
                problem = problem or lazuli(arguments.programs, two, job, half, "bf16")
                problem = problem or lazuli(arguments.programs, one, job, single, "f32")
            compared += 1
            if problem:
                failures += 1
                print(f"FAILED {facts}: {problem}", flush=True)
                continue
            largest = np.abs(pixels(exact) - pixels(wanted)).max()
            good, notes = largest <= 2, f"largest {largest}"
            if not arguments.wide:
                ratio = psnr(pixels(half), pixels(exact))
                same = exact.read_bytes() == single.read_bytes()
                good &= ratio >= 35 and same
                notes += f", bf16 {ratio:.1f} dB{'' if same else ', threads differ'}"
            failures += not good
            print(f"{'ok    ' if good else 'FAILED'} {facts}: {notes}", flush=True)
    print(f"{compared - failures} passed, {failures} failed, {refused} skipped")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
