"""Draws a matrix of pictures with `lazuli generate` and with diffusers (reference.py) and compares them.

    python parity.py CHECKPOINTS [--lazuli PATH] [--precision f32|bf16] [--only TEXT] [--keep DIR]

CHECKPOINTS is a folder of make_checkpoints.py; LAZULI_MODELS must name it for the daemon. In f32 no channel may differ by
more than 2 of 255; in bf16 the picture must stay above 35 dB PSNR. Exits with 1 when a case fails.
"""

import argparse
import logging
import pathlib
import subprocess
import sys
import tempfile

import reference

PROMPT = "a red apple on a blue background"

# model, steps, guidance, size, seed, further options of both programs
CASES = [
    ("sd1", 6, 7.5, "128x128", 1, ""), ("sd2", 6, 7.5, "128x128", 1, ""), ("sdxl", 6, 7.5, "128x128", 1, ""),
    ("sdxl-turbo", 2, 0, "128x128", 3, ""), ("dreamlite", 4, 3.5, "128x128", 1, ""), ("dreamlite", 3, 2, "128x64", 19, "--negative blurry"),
    ("sd1-single", 6, 7.5, "128x128", 1, ""), ("sdxl-single", 6, 7.5, "128x128", 1, ""),
    ("sd1", 5, 7.5, "200x136", 7, "--sampler euler"), ("sd1", 5, 6, "128x96", 42, "--sampler ddim --negative blurry"),
    ("sdxl", 4, 5, "96x128", 42, "--sampler euler_ancestral --negative blurry"),
    ("sd1", 5, 7.5, "128x128", 2, "--sampler euler --schedule karras"), ("sd2", 5, 7.5, "128x128", 3, "--sampler euler_ancestral"),
    ("sd1", 4, 7.5, "128x128", 4, "--sampler heun --schedule exponential"), ("sd2", 4, 7.5, "128x128", 5, "--sampler dpm_2"),
    ("sd1", 5, 7.5, "128x128", 6, "--sampler lms --schedule use_beta_sigmas"), ("sd2", 5, 7.5, "128x128", 7, "--sampler ddim --schedule trailing"),
    ("sd1", 5, 7.5, "128x128", 8, "--sampler ddpm"), ("sd2", 6, 7.5, "128x128", 9, "--sampler pndm"),
    ("sd2", 6, 7.5, "128x128", 10, "--sampler dpmpp_2m --schedule karras"),
    ("sd1", 6, 7.5, "128x128", 11, "--sampler dpmpp_2m_sde --schedule karras"), ("sd1", 4, 7.5, "128x128", 12, "--sampler dpmpp_sde"),
    ("sd2", 6, 7.5, "128x128", 13, "--sampler uni_pc"), ("sd1", 4, 1.5, "128x128", 14, "--sampler lcm"),
    ("sd1", 5, 7.5, "128x128", 15, "--sampler euler --schedule trailing"), ("sd2", 6, 7.5, "128x128", 16, "--sampler deis_diffusers"),
    ("sd1", 6, 7.5, "128x128", 17, "--sampler dpmpp_2s"), ("sd2", 6, 7.5, "128x128", 18, "--sampler sa_solver_diffusers"),
    ("sd1", 6, 7.5, "128x128", 19, "--sampler dpm_2_ancestral --schedule karras"), ("sd1", 4, 1.5, "128x128", 20, "--sampler tcd"),
]


def main():
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--lazuli", default="lazuli")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.keep or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    failures = 0
    for model, steps, guidance, size, seed, more in CASES:
        single = model.endswith("-single")
        path = arguments.checkpoints / (f"{model}.safetensors" if single else model)
        label = f"{model} {steps} steps guidance {guidance} {size} seed {seed} {more}".strip()
        if arguments.only not in label or not path.exists():
            continue
        options = ["--steps", str(steps), "--guidance", str(guidance), "--size", size, "--seed", str(seed), *more.split()]
        stem = label.replace(" ", "-").replace("--", "")
        theirs, ours = folder / f"{stem}.diffusers.png", folder / f"{stem}.{arguments.precision}.png"
        if not theirs.exists():
            config = ["--config", str(arguments.checkpoints / model.removesuffix("-single"))] if single else []
            reference.draw(reference.parser().parse_args([str(path), PROMPT, *options, *config])).save(theirs)
        run = subprocess.run(
            [arguments.lazuli, "generate", "--quiet", "--model", model, "--precision", arguments.precision, *options, "--output",
             str(ours), PROMPT], capture_output=True, text=True)
        if run.returncode:
            failures += 1
            print(f"FAILED  {label}: {run.stderr.strip()}", flush=True)
            continue
        largest, share, psnr = reference.difference(theirs, ours)
        good = largest <= 2 if arguments.precision == "f32" else psnr >= 35
        failures += not good
        print(f"{'ok' if good else 'FAILED':7} {label}: largest {largest}, above 2 {100 * share:.3f} %, {psnr:.1f} dB", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
