"""Writes Goldens/comfyui-<sampler>.json: whole runs of ComfyUI's samplers over its schedules and a small fixed model.

    python make_comfyui_goldens.py COMFYUI [--seed N]

COMFYUI is a checkout of ComfyUI, of which comfy/k_diffusion, comfy/samplers.py, comfy/model_sampling.py and
comfy_extras/nodes_align_your_steps.py are run as they are; whatever else they import is replaced by an empty stand-in. Also
needs torch, torchsde, scipy, diffusers. Deterministic for a seed, which chooses steps, seeds and guidance; the committed files
are seed 1's.

The model is make_goldens.py's; with CFG++ samplers a negative branch, 0.9·tanh(0.7·x + 0.3·sin(0.01·t + 0.5·i) - 0.4), joins
it at a scale of guidance. Every noise comes from the run's one generator, except that of Brownian paths: most of those runs
have the smooth noise of make_goldens.py instead, the others a path of the run's seed.

Two kinds of runs are left out, since there the CPU's last bits decide and not the method. ComfyUI tells a model the whole
timestep whose ln σ is nearest: runs with a level just between two timesteps; so with a level at the ends of the interval in
which SA-Solver adds noise. And runs in which single precision cancels: what
moves by more than 3e-5 when the levels move by one part in a million and the arithmetic is in double precision.
"""

import argparse
import importlib
import importlib.abc
import importlib.machinery
import pathlib
import random
import sys
import types
from unittest import mock

import torch

import make_goldens
from make_goldens import DYNAMIC, EDM, ELEMENT, FLOW, IMAGE, SD1, SD2, SHAPE, SHORT, TERMINAL, golden, rounded, write

REAL = ("comfy.k_diffusion", "comfy.samplers", "comfy.model_sampling", "comfy.ldm.modules.diffusionmodules.util")
SCHEDULES = [
    "normal", "simple", "sgm_uniform", "ddim_uniform", "beta", "linear_quadratic", "kl_optimal", "ays", None, "karras", "exponential",
]
# diffusers has these too, and its schedules mean diffusers' levels there.
SHARED = ["euler", "euler_ancestral", "heun", "dpm_2", "dpm_2_ancestral", "lms", "ddim", "ddpm", "dpmpp_2m", "dpmpp_sde", "lcm"]
OWN = [
    "heunpp2", "dpm_fast", "dpmpp_2s_ancestral", "dpmpp_2m_sde_heun", "dpmpp_3m_sde", "deis", "ipndm", "ipndm_v",
    "res_multistep", "res_multistep_ancestral", "gradient_estimation", "er_sde", "seeds_2", "seeds_3", "sa_solver",
    "sa_solver_pece", "euler_cfg_pp", "euler_ancestral_cfg_pp", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_2m_cfg_pp",
    "res_multistep_cfg_pp", "res_multistep_ancestral_cfg_pp", "gradient_estimation_cfg_pp",
]
BROWNIAN = {"dpmpp_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"}
# In variance-preserving coordinates, which are trained models' alone; dpmpp_2m's differences are over another λ for flows.
PRESERVING = {"ddim", "ddpm", "dpmpp_2m"}


class Node:
    """What ComfyUI's nodes inherit from."""


class Stub(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__") or f"{self.__name__}.{name}".startswith(REAL):
            raise AttributeError(name)
        return mock.MagicMock()


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """ComfyUI without what sampling does not need: modules outside REAL are empty."""

    def __init__(self, root):
        self.root = root

    def find_spec(self, name, path=None, target=None):
        if not name.startswith(("comfy", "comfy_extras", "comfy_api")):
            return None
        file = self.root / (name.replace(".", "/") + ".py")
        if (name.startswith(REAL) or name.startswith("comfy_extras.")) and file.exists():
            return importlib.util.spec_from_file_location(name, file)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = Stub(spec.name)
        if spec.name == "comfy.k_diffusion":
            module.__path__ = [str(self.root / "comfy/k_diffusion")]
        return module

    def exec_module(self, module):
        pass


def load(root):
    sys.meta_path.insert(0, Finder(root))
    global sampling, samplers, model_sampling, steps_node
    sampling = importlib.import_module("comfy.k_diffusion.sampling")
    samplers = importlib.import_module("comfy.samplers")
    model_sampling = importlib.import_module("comfy.model_sampling")
    patcher = sys.modules["comfy.model_patcher"]
    patcher.set_model_options_post_cfg_function = (
        lambda options, function, disable_cfg1_optimization=False: {**options, "after": function})
    sys.modules["comfy_api.latest"] = types.SimpleNamespace(
        ComfyExtension=Node, io=types.SimpleNamespace(ComfyNode=Node, NodeOutput=lambda sigmas: sigmas, Schema=None))
    steps_node = importlib.import_module("comfy_extras.nodes_align_your_steps")


def sampled_model(config):
    """ComfyUI's model_sampling for a checkpoint of diffusers."""
    name = config["_class_name"]
    if name.startswith("FlowMatch"):
        kinds, settings = (model_sampling.ModelSamplingDiscreteFlow, model_sampling.CONST), {"shift": config["shift"]}
    elif name.startswith("EDM"):
        keys = ("sigma_min", "sigma_max", "sigma_data")
        kinds, settings = (model_sampling.ModelSamplingContinuousEDM, model_sampling.EDM), {k: config[k] for k in keys}
    else:
        kind = {"v_prediction": model_sampling.V_PREDICTION, "sample": model_sampling.X0}.get(config.get("prediction_type"), model_sampling.EPS)
        kinds, settings = (model_sampling.ModelSamplingDiscrete, kind), {}
    made = type("Sampled", kinds, {})(types.SimpleNamespace(sampling_settings=settings))
    if model_sampling.ModelSamplingDiscrete in kinds:
        plain = {k: v for k, v in config.items() if k not in ("_class_name", "rescale_betas_zero_snr")}
        betas = make_goldens.diffusers.EulerDiscreteScheduler.from_config(plain).betas.double()
        made._register_schedule(given_betas=betas, zsnr=config.get("rescale_betas_zero_snr", False))
    return made


def levels(case, sampled):
    n, name = case["steps"], case.get("schedule")
    if name is None:
        if case["config"]["_class_name"].startswith("EDM"):
            return make_goldens.sampling({**case, "sampler": "euler", "own": True}).sigmas
        return make_goldens.sampling({**case, "sampler": "euler", "range": "uniform"}).sigmas
    if name == "ays":
        model = {"sd1": "SD1", "sdxl": "SDXL"}[case["aligned"]]
        return steps_node.AlignYourStepsScheduler.execute(model, n, 1.0)
    discards = case["sampler"] in samplers.KSampler.DISCARD_PENULTIMATE_SIGMA_SAMPLERS
    sigmas = samplers.calculate_sigmas(sampled, name, n + discards)
    return torch.cat([sigmas[:-2], sigmas[-1:]]) if discards else sigmas


def between(sampled, sigma):
    """Whether a level lies halfway between two timesteps, as far as single precision can tell."""
    near = (sigma.log().double() - sampled.log_sigmas.double()).abs().sort().values
    return float(near[1] - near[0]) < 5e-5


def run(case):
    result = replay(case)
    if case["sampler"] not in BROWNIAN or case.get("smooth"):
        other = replay(case, exact=True)
        apart = max(abs(a - b) / max(1, abs(a)) for a, b in zip(result["final"], other["final"]))
        moved = max(abs(a - b) / max(1, abs(a)) for a, b in zip(result["timesteps"], other["timesteps"]))
        if apart > 3e-5 or moved > 3e-5:
            raise ArithmeticError("single precision cancels")
    return result


def replay(case, exact=False):
    sampled = sampled_model(case["config"])
    sigmas = levels(case, sampled).float()
    generator = torch.Generator().manual_seed(case["seed"])
    noise = torch.randn(SHAPE, generator=generator)
    start = torch.zeros(SHAPE)
    if "strength" in case:
        kept = min(int(case["steps"] * case["strength"]), case["steps"])
        if case["config"]["_class_name"].startswith("FlowMatch"):
            kept = case["steps"] - int(max(case["steps"] - min(case["steps"] * case["strength"], case["steps"]), 0))
        sigmas, start = sigmas[-(kept + 1) :], IMAGE
    most = float(sigmas[0]) >= float(sampled.sigma_max) * (1 - 1e-5) and "strength" not in case
    if exact:
        sigmas = sigmas.double() * (1 + 1e-6 * (-1.0) ** torch.arange(len(sigmas)))
        if isinstance(sampled, model_sampling.ModelSamplingDiscreteFlow):
            sigmas = sigmas.clamp(max=1)
        noise, start = noise.double(), start.double()
    if case["sampler"].startswith("sa_solver"):
        ends = [sampled.percent_to_sigma(0.2), sampled.percent_to_sigma(0.8)]
        if any(abs(float(sigma) / end - 1) < 5e-6 for sigma in sigmas for end in ends):
            raise ArithmeticError("a level at the end of the interval")
    x = sampled.noise_scaling(sigmas[0], noise.clone(), start, most)
    timesteps = []

    def evaluate(x, sigma, model_options={}, seed=None):
        if isinstance(sampled, model_sampling.ModelSamplingDiscrete) and between(sampled, sigma[0]):
            raise ArithmeticError("a level between two timesteps")
        time = sampled.timestep(sigma[0]).reshape(())
        timesteps.append(float(time))
        seen = sampled.calculate_input(sigma, x)
        denoised = sampled.calculate_denoised(sigma, make_goldens.model(seen, time).to(x.dtype), x)
        if "guidance" in case:
            other = (0.9 * torch.tanh(0.7 * seen.double() + 0.3 * torch.sin(0.01 * float(time) + 0.5 * ELEMENT) - 0.4)).float().to(x.dtype)
            negative = sampled.calculate_denoised(sigma, other, x)
            denoised = negative + case["guidance"] * (denoised - negative)
            if "after" in model_options:
                denoised = model_options["after"]({"denoised": denoised, "uncond_denoised": negative})
        return denoised

    evaluate.inner_model = types.SimpleNamespace(
        inner_model=types.SimpleNamespace(model_sampling=sampled),
        model_patcher=types.SimpleNamespace(get_model_object=lambda name: sampled))
    draw = lambda a, b: torch.randn(SHAPE, generator=generator)
    if case.get("smooth"):
        draw = make_goldens.smooth
    arguments = {"extra_args": {"seed": case["seed"]}, "disable": True}
    if case["sampler"] in BROWNIAN and not case.get("smooth"):
        draw = None
    with mock.patch.object(sampling, "default_noise_sampler", lambda *_, **__: draw):
        if case["sampler"] in BROWNIAN and draw is not None:
            with mock.patch.object(sampling, "BrownianTreeNoiseSampler", lambda *_, **__: draw):
                x = samplers.sampler_object(case["sampler"]).sampler_function(evaluate, x, sigmas, callback=None, **arguments)
        else:
            x = samplers.sampler_object(case["sampler"]).sampler_function(evaluate, x, sigmas, callback=None, **arguments)
    if case["sampler"] in PRESERVING and sigmas[-1] != 0:
        x = x / (1 + sigmas[-1] ** 2).sqrt()
    if not torch.isfinite(x).all():
        raise ArithmeticError("not finite")
    after = torch.randn(SHAPE, generator=generator).flatten()[0]
    return {"timesteps": rounded(timesteps), "final": rounded(x.flatten()), "after": rounded([after])[0]}


def cases(sampler, source):
    def case(config, steps=None, **more):
        if steps is None:
            steps = source.choice([1, 2, 3, 4, 5, 6, 8, 10, 14, 20])
        if "cfg_pp" in sampler:
            more["guidance"] = source.choice([0.6, 1.0, 3.0])
        if more.get("schedule") == "ays":
            more["aligned"] = source.choice(["sd1", "sdxl"])
        # A path over levels of hundreds is known to a hundredth only.
        high = config is TERMINAL or config["_class_name"].startswith("EDM")
        if sampler in BROWNIAN and (high or source.random() < 0.6):
            more["smooth"] = True
        return {"sampler": sampler, "config": config, "steps": steps, "seed": source.choice([0, 42, 2**32 + 5, source.randrange(2**63)]), **more}

    for schedule in SCHEDULES:
        if sampler in SHARED and schedule in (None, "karras", "exponential"):
            continue
        if sampler == "ipndm_v" and schedule == "linear_quadratic":
            continue  # its weights grow with the ratio of steps, to thousands here
        named = {"schedule": schedule} if schedule else {}
        # Levels whose last is not the model's least make the largest steps; those of SHORT's cosine cancel all digits.
        for config in [SD1, SD2, {**SD1, "prediction_type": "sample"}]:
            for steps in [None, 4 if schedule == "normal" else 7, None]:
                yield case(config, steps=steps, **named)
        if schedule not in ("ays", None):
            yield case({**SHORT, "beta_schedule": "linear", "prediction_type": "v_prediction"}, **named)
            yield case(TERMINAL, steps=source.choice([4, 10]), **named)
        if sampler not in PRESERVING and schedule != "ays":
            for config in [FLOW, {**FLOW, "shift": 1.0}]:
                yield case(config, **named)
                yield case(config, **named)
        if sampler not in PRESERVING | {"lcm"} and schedule != "ays":
            yield case(EDM, **named)
            yield case({**EDM, "sigma_data": 1.0, "sigma_max": 120.0}, **named)
    for schedule in ["normal", "simple"]:
        for steps, strength in [(8, 0.5), (10, 0.75)]:
            yield case(SD2, steps=steps, strength=strength, schedule=schedule)
            if sampler not in PRESERVING:
                yield case(FLOW, steps=steps, strength=strength, schedule=schedule)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    load(arguments.comfyui)
    for sampler in SHARED + OWN:
        source = random.Random(f"{sampler} {arguments.seed}")
        write(f"comfyui-{sampler}", golden(sampler, cases(sampler, source), run, "ComfyUI"))
