"""Writes Goldens/a1111-<sampler>.json: runs of k-diffusion's samplers over the schedules that are AUTOMATIC1111's own.

    python make_kdiffusion_goldens.py K_DIFFUSION [--seed N]

K_DIFFUSION is a checkout of k-diffusion, which AUTOMATIC1111 runs: its sampling.py and external.py are run as they are. The two
schedules are written out here after AUTOMATIC1111's modules/sd_schedulers.py. Deterministic for a seed, which chooses steps and
seeds; the committed files are seed 1's. Between training levels the model is told a fraction of a timestep.
"""

import argparse
import importlib
import pathlib
import random
import sys
import types
from unittest import mock

import numpy as np
import torch

import make_goldens
from make_goldens import SD1, SD2, SHAPE, SHORT, golden, rounded, write

SAMPLERS = {
    "euler": "sample_euler", "euler_ancestral": "sample_euler_ancestral", "heun": "sample_heun", "lms": "sample_lms",
    "dpm_2": "sample_dpm_2", "dpm_2_ancestral": "sample_dpm_2_ancestral", "dpmpp_2s_ancestral": "sample_dpmpp_2s_ancestral",
}
ALIGNED = {
    "sdxl": [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029],
    "sd1": [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
}


def load(root):
    package = types.ModuleType("k_diffusion")
    package.__path__ = [str(root / "k_diffusion")]
    sys.modules["k_diffusion"] = package
    sys.modules.setdefault("torchdiffeq", mock.MagicMock())
    sys.modules["k_diffusion.utils"] = types.SimpleNamespace(
        append_dims=lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)])
    package.utils = sys.modules["k_diffusion.utils"]
    global sampling, external
    sampling = importlib.import_module("k_diffusion.sampling")
    external = importlib.import_module("k_diffusion.external")


def levels(case, schedule):
    n = case["steps"] + (case["sampler"] in ("dpm_2", "dpm_2_ancestral"))
    low, high = float(schedule.sigmas[0]), float(schedule.sigmas[-1])
    if case["schedule"] == "kl_optimal_a1111":
        part = np.arange(n + 1) / n
        sigmas = np.tan(part * np.arctan(low) + (1 - part) * np.arctan(high))
    else:
        known = np.array(ALIGNED[case["aligned"]])
        if n != len(known):
            known = np.exp(np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(known)), np.log(known[::-1])))[::-1]
        sigmas = np.append(known, 0.0)
    if n != case["steps"]:
        sigmas = np.append(sigmas[:-2], sigmas[-1])
    return torch.from_numpy(sigmas.copy()).float()


def run(case):
    betas = make_goldens.diffusers.EulerDiscreteScheduler.from_config({k: v for k, v in case["config"].items() if k != "_class_name"}).betas
    products = torch.cumprod(1 - betas.double(), dim=0)
    schedule = external.DiscreteSchedule(((1 - products) / products).sqrt().float(), quantize=False)
    sigmas = levels(case, schedule)
    generator = torch.Generator().manual_seed(case["seed"])
    x = torch.randn(SHAPE, generator=generator) * sigmas[0]
    timesteps = []

    def evaluate(x, sigma):
        time = schedule.sigma_to_t(sigma)[0]
        timesteps.append(float(time))
        sigma = sigma[0]
        output = make_goldens.model(x / (sigma**2 + 1) ** 0.5, time)
        if case["config"].get("prediction_type") == "v_prediction":
            return x / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
        return x - output * sigma

    draws = {"noise_sampler": lambda a, b: torch.randn(SHAPE, generator=generator)} if "ancestral" in case["sampler"] else {}
    x = getattr(sampling, SAMPLERS[case["sampler"]])(evaluate, x, sigmas, disable=True, **draws)
    if not torch.isfinite(x).all():
        raise ArithmeticError("not finite")
    after = torch.randn(SHAPE, generator=generator).flatten()[0]
    return {"timesteps": rounded(timesteps), "final": rounded(x.flatten()), "after": rounded([after])[0]}


def cases(sampler, source):
    for config in [SD1, SD2, {**SHORT, "beta_schedule": "linear"}]:
        for i in range(8):
            aligned = {"schedule": "align_your_steps", "aligned": source.choice(["sd1", "sdxl"])}
            for schedule in [{"schedule": "kl_optimal_a1111"}, aligned]:
                # A wide ancestral step's lower level is a difference of squares, of which single precision keeps nothing.
                few = [] if "_2" in sampler and "ancestral" in sampler else [2, 3, 4]
                steps = 11 if i == 0 else source.choice([*few, 6, 8, 10, 14, 20])
                yield {"sampler": sampler, "config": config, "steps": steps, "seed": source.randrange(2**63), **schedule}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("k_diffusion", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    load(arguments.k_diffusion)
    for sampler in SAMPLERS:
        source = random.Random(f"{sampler} {arguments.seed}")
        write(f"a1111-{sampler}", golden(sampler, cases(sampler, source), run, "AUTOMATIC1111"))
