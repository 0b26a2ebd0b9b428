"""Writes Goldens/<sampler>.json: whole runs of diffusers' schedulers over a small fixed model.

Needs torch, diffusers, scipy and torchsde. Deterministic; run from anywhere.

A run starts from torch.randn(1, 1, 4, 4) of a seeded generator, as a pipeline would, and every later draw comes from the
same generator. The model is 0.9·tanh(0.7·x + 0.3·sin(0.01·t + 0.5·i)) for element i, in double precision.

DPM++ SDE's Brownian path tells noise levels 1e-6 apart, and diffusers passes them through torch's single-precision log,
whose last bit depends on the CPU. So most of its runs here have noise that is smooth in the levels instead ("smooth"), and the
others deserve a wider tolerance.
"""

import inspect
import itertools
import json
import logging
import math
import pathlib
import warnings

import diffusers
import numpy as np
import torch

torch.set_num_threads(1)
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
FOLDER = pathlib.Path(__file__).parent / "Goldens"
SHAPE = (1, 1, 4, 4)
ELEMENT = torch.arange(16, dtype=torch.float64).reshape(SHAPE)
IMAGE = (0.5 * torch.sin(1 + ELEMENT)).float()

SD1 = {
    "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
    "clip_sample": False, "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True,
    "steps_offset": 1, "trained_betas": None,
}
SD2 = {**SD1, "_class_name": "DDIMScheduler", "prediction_type": "v_prediction"}
SDXL = {
    **SD1, "_class_name": "EulerDiscreteScheduler", "interpolation_type": "linear", "prediction_type": "epsilon",
    "sample_max_value": 1.0, "timestep_spacing": "leading", "use_karras_sigmas": False,
}
BARE = {"_class_name": "DDPMScheduler"}
SHORT = {
    "_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 400,
    "skip_prk_steps": True, "clip_sample": True, "clip_sample_range": 1.5,
}
TRAINED = {**SD1, "trained_betas": [round(0.002 + 0.0004 * i, 6) for i in range(40)], "steps_offset": 0, "num_train_timesteps": 40}
TERMINAL = {**SD2, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0}
DYNAMIC = {
    "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 1.0, "base_image_seq_len": 256,
    "base_shift": 0.5, "max_image_seq_len": 4096, "max_shift": 1.16, "use_dynamic_shifting": True,
}

EDM = {"_class_name": "EDMEulerScheduler", "sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5, "num_train_timesteps": 1000}

CLASSES = {
    "euler": (diffusers.EulerDiscreteScheduler, {}),
    "euler_ancestral": (diffusers.EulerAncestralDiscreteScheduler, {}),
    "heun": (diffusers.HeunDiscreteScheduler, {}),
    "dpm_2": (diffusers.KDPM2DiscreteScheduler, {}),
    "lms": (diffusers.LMSDiscreteScheduler, {}),
    "ddim": (diffusers.DDIMScheduler, {}),
    "ddpm": (diffusers.DDPMScheduler, {}),
    "pndm": (diffusers.PNDMScheduler, {}),
    "dpmpp_2m": (diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp_2m_sde": (diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_sde": (diffusers.DPMSolverSDEScheduler, {}),
    "uni_pc": (diffusers.UniPCMultistepScheduler, {}),
    "lcm": (diffusers.LCMScheduler, {}),
    "dpm_2_ancestral": (diffusers.KDPM2AncestralDiscreteScheduler, {}),
    "dpmpp_2s": (diffusers.DPMSolverSinglestepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp_3s": (diffusers.DPMSolverSinglestepScheduler, {"algorithm_type": "dpmsolver++", "solver_order": 3}),
    "dpmpp_3m": (diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "solver_order": 3}),
    "deis_diffusers": (diffusers.DEISMultistepScheduler, {}),
    "sa_solver_diffusers": (diffusers.SASolverScheduler, {"algorithm_type": "data_prediction"}),
    "tcd": (diffusers.TCDScheduler, {}),
    "ipndm_diffusers": (diffusers.IPNDMScheduler, {}),
}
# The classes for models trained by flow matching that are not a setting of the others.
FLOW_CLASSES = {
    "euler": diffusers.FlowMatchEulerDiscreteScheduler, "heun": diffusers.FlowMatchHeunDiscreteScheduler,
    "lcm": diffusers.FlowMatchLCMScheduler,
}
# With levels up to 10⁴ the two-call methods cancel all of single precision's digits, in diffusers as anywhere.
CANCELLING = {"heun", "dpm_2", "dpm_2_ancestral", "dpmpp_sde"}
SCHEDULES = {
    "linspace": {"timestep_spacing": "linspace"}, "leading": {"timestep_spacing": "leading"},
    "trailing": {"timestep_spacing": "trailing"}, "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True}, "use_beta_sigmas": {"use_beta_sigmas": True},
    "use_lu_lambdas": {"use_lu_lambdas": True},
}
SPREAD = {
    "euler", "heun", "dpm_2", "dpm_2_ancestral", "lms", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_3m", "dpmpp_sde", "uni_pc",
    "dpmpp_2s", "dpmpp_3s", "deis_diffusers", "sa_solver_diffusers",
}
# Classes that place their timesteps in one way.
UNSPACED = {"lcm", "tcd", "dpmpp_2s", "dpmpp_3s"}


def model(x, t):
    t = float(t)
    return (0.9 * torch.tanh(0.7 * x.double() + 0.3 * torch.sin(0.01 * np.float32(t) + 0.5 * ELEMENT))).float()


def smooth(start, end):
    """A noise for a step between two levels that hardly depends on their last digits."""
    start, end = float(start), float(end)
    return torch.sin(3 * start / (1 + start) + 5 * end / (1 + end) + ELEMENT).float()


def rounded(values):
    return [float(f"{float(v):.7g}") for v in values]


def sampling(case):
    """diffusers' scheduler for a case, its timesteps set."""
    cls, fixed = CLASSES[case["sampler"]]
    changes = dict(fixed)
    is_flow = case["config"]["_class_name"].startswith("FlowMatch")
    if is_flow and case["sampler"] in FLOW_CLASSES:
        cls, changes = FLOW_CLASSES[case["sampler"]], {}
    elif is_flow:
        mu = case.get("mu")
        shift = math.exp(mu) if mu is not None else case["config"]["shift"]
        changes |= {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift}
        changes |= {"use_dynamic_shifting": False}
    changes |= SCHEDULES.get(case.get("schedule"), {})
    if cls is diffusers.DPMSolverSDEScheduler:
        changes["noise_sampler_seed"] = case["seed"]
    if case.get("own"):
        scheduler = getattr(diffusers, case["config"]["_class_name"]).from_config(case["config"])
    elif case["config"]["_class_name"].startswith("EDM"):
        scheduler = diffusers.EDMEulerScheduler.from_config(case["config"])
    else:
        scheduler = cls.from_config(case["config"], **changes)
    n = case["steps"]
    if cls in (diffusers.FlowMatchEulerDiscreteScheduler, diffusers.FlowMatchLCMScheduler):
        mu = {"mu": case["mu"]} if "mu" in case else {}
        if case["range"] == "uniform":
            scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / n, n), **mu)
        else:
            scheduler.set_timesteps(n, **mu)
    else:
        scheduler.set_timesteps(n)
    return scheduler


def run(case):
    scheduler = sampling(case)
    generator = torch.Generator().manual_seed(case["seed"])
    timesteps = scheduler.timesteps
    x = torch.randn(SHAPE, generator=generator)
    if "strength" in case:
        n = case["steps"]
        if case["config"]["_class_name"].startswith("FlowMatch"):
            start = int(max(n - min(n * case["strength"], n), 0))
        else:
            start = max(n - min(int(n * case["strength"]), n), 0)
        timesteps = timesteps[start * scheduler.order :]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(start * scheduler.order)
        if hasattr(scheduler, "scale_noise"):
            x = scheduler.scale_noise(IMAGE, timesteps[:1], x)
        else:
            x = scheduler.add_noise(IMAGE, x, timesteps[:1])
    else:
        x = x * float(getattr(scheduler, "init_noise_sigma", 1.0))
    if case.get("smooth"):
        scheduler.noise_sampler = smooth
    known = inspect.signature(scheduler.step).parameters
    options = {"generator": generator} if "generator" in known else {}
    if "eta" in known:
        options["eta"] = case.get("eta", 0.0)
    for t in timesteps:
        output = model(scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x, t)
        x = scheduler.step(output, t, x, return_dict=False, **options)[0]
    if not torch.isfinite(x).all():
        raise ArithmeticError("not finite")
    after = torch.randn(SHAPE, generator=generator).flatten()[0]
    return {"timesteps": rounded(timesteps), "final": rounded(x.flatten()), "after": rounded([after])[0]}


def cases(sampler):
    counter = itertools.count()

    def case(config, steps=None, **more):
        i = next(counter)
        if steps is None:
            steps = [7, 4, 20, 2, 1][i % 5]
        if sampler == "dpm_2_ancestral" and 1 < steps < 7:
            steps = 7  # a wide step's lower level is a difference of squares, of which single precision keeps nothing
        if sampler == "pndm" and not config.get("skip_prk_steps"):
            steps = max(steps, 5)
        if sampler == "dpmpp_sde" and i % 4:
            more["smooth"] = True
        if sampler in CANCELLING and config.get("beta_schedule") == "squaredcos_cap_v2":
            config = {**config, "beta_schedule": "linear"}
        return {"sampler": sampler, "config": config, "steps": steps, "seed": [0, 42, 2**32 + 5][i % 3], **more}

    if sampler == "ipndm_diffusers":
        for steps in [1, 2, 3, 4, 5, 7, 20]:
            for prediction in ["epsilon", "v_prediction"]:
                yield case({"_class_name": "IPNDMScheduler", "prediction_type": prediction}, steps=steps)
        return
    schedules = [] if sampler in UNSPACED else ["linspace", "leading", "trailing"]
    schedules += ["karras", "exponential", "use_beta_sigmas"] if sampler in SPREAD else []
    for steps in [1, 2, 3, 4, 7, 20]:
        yield case(SD1, steps=steps)
    for config in [SD2, SDXL, BARE, SHORT, TRAINED, TERMINAL]:
        for steps in [None, 20, 3]:
            yield case(config, steps=steps)
    for schedule in schedules:
        for config in [SD1, SD2, SHORT, {**SDXL, "timestep_spacing": "linspace"}]:
            for steps in [None, 7]:
                yield case(config, schedule=schedule, steps=steps)
    for spacing in ["leading", "trailing", "linspace"]:
        for objective in ["epsilon", "v_prediction", "sample"]:
            if objective == "sample" and sampler in {"euler_ancestral", "dpm_2", "dpm_2_ancestral", "dpmpp_sde", "pndm"}:
                continue
            yield case({**SDXL, "timestep_spacing": spacing, "prediction_type": objective})
            yield case({**SDXL, "timestep_spacing": spacing, "prediction_type": objective}, steps=7)
    for config in [SD1, SD2, {**SDXL, "timestep_spacing": "trailing"}]:
        for steps, strength in [(7, 0.5), (20, 0.8), (10, 0.75), (4, 0.25)]:
            yield case(config, steps=steps, strength=strength)
    yield from {
        "euler": euler_cases, "heun": heun_cases, "ddim": ddim_cases, "ddpm": ddpm_cases, "pndm": pndm_cases,
        "dpmpp_2m": dpm_cases, "dpmpp_2m_sde": dpm_cases, "uni_pc": unipc_cases, "lcm": lcm_cases,
        "dpmpp_2s": singlestep_cases, "dpmpp_3s": multistep_flow_cases, "dpmpp_3m": multistep_flow_cases,
        "deis_diffusers": deis_cases, "sa_solver_diffusers": adams_cases, "tcd": tcd_cases,
    }.get(sampler, lambda _: ())(case)


def euler_cases(case):
    for steps in [2, 4, 20]:
        for spread in ["karras", "exponential"]:
            for prediction in ["epsilon", "v_prediction"]:
                yield case({**EDM, "sigma_schedule": spread, "prediction_type": prediction}, steps=steps)
    yield case({**EDM, "final_sigmas_type": "sigma_min", "sigma_data": 1.0, "rho": 5.0}, steps=7)
    yield case({**SDXL, "final_sigmas_type": "sigma_min"}, steps=7)
    yield case({**SDXL, "interpolation_type": "log_linear"}, steps=7)
    yield case({**SDXL, "sigma_min": 0.1, "sigma_max": 10.0}, steps=7, schedule="karras")
    yield case({**SD2, "timestep_type": "continuous", "_class_name": "EulerDiscreteScheduler"}, steps=7)
    yield from flow_cases(case)
    for schedule in ["karras", "exponential", "use_beta_sigmas"]:
        yield case(FLOW, steps=7, schedule=schedule, range="uniform")
    yield case({**FLOW, "shift_terminal": 0.02}, steps=7, range="uniform")
    yield case({**FLOW, "stochastic_sampling": True}, steps=7, range="uniform")
    yield case({**FLOW, "invert_sigmas": True}, steps=7, range="uniform")
    mu = 0.5 + (2000 - 256) * (1.16 - 0.5) / (4096 - 256)
    yield case({**DYNAMIC, "time_shift_type": "linear"}, steps=7, mu=mu, tokens=2000, range="uniform")


def flow_cases(case):
    for config in [FLOW, {**FLOW, "shift": 1.0}]:
        for steps in [1, 2, 4, 7, 20]:
            yield case(config, steps=steps, range="uniform")
        yield case(config, steps=7, range="trained")
    for tokens in [64, 256, 1024, 4096]:
        mu = 0.5 + (tokens - 256) * (1.16 - 0.5) / (4096 - 256)
        yield case(DYNAMIC, steps=4, mu=mu, tokens=tokens, range="uniform")
        yield case(DYNAMIC, steps=20, mu=mu, tokens=tokens, range="trained")
    for steps, strength in [(10, 0.75), (7, 0.5)]:
        yield case(FLOW, steps=steps, strength=strength, range="uniform")


def heun_cases(case):
    for config in [FLOW, {**FLOW, "shift": 1.0}]:
        for steps in [1, 2, 4, 7, 20]:
            yield case(config, steps=steps)
    yield case({**SD1, "clip_sample": True, "clip_sample_range": 0.8}, steps=7)
    yield case({**SD1, "clip_sample": True, "clip_sample_range": 0.8}, steps=7, schedule="karras")


def ddim_cases(case):
    yield from threshold_cases(case)
    for config in [SD1, SD2, SHORT]:
        yield case(config, steps=7, eta=1.0)
        yield case(config, steps=20, eta=0.4)
        yield case({**config, "set_alpha_to_one": True}, steps=7)
        yield case({**config, "clip_sample": True, "clip_sample_range": 0.7}, steps=7, eta=0.5)


def ddpm_cases(case):
    for kind in ["fixed_small_log", "fixed_large"]:
        for steps in [7, 20]:
            yield case({**SD1, "variance_type": kind}, steps=steps)
    yield case({**SD1, "clip_sample": True}, steps=20)
    yield from threshold_cases(case)
    for schedule in ["sigmoid", "laplace"]:
        for steps in [4, 20]:
            yield case({**SD1, "beta_schedule": schedule}, steps=steps)
            yield case({**SD2, "beta_schedule": schedule, "num_train_timesteps": 400}, steps=steps)


def threshold_cases(case):
    for config in [SD1, SD2]:
        yield case({**config, "thresholding": True}, steps=7)
        yield case({**config, "thresholding": True, "sample_max_value": 3.0, "dynamic_thresholding_ratio": 0.9}, steps=20)


def pndm_cases(case):
    for steps in [4, 5, 7, 20]:
        for config in [SD1, SD2, SHORT]:
            yield case({**config, "skip_prk_steps": False}, steps=steps)
    yield case({**SD1, "skip_prk_steps": False}, steps=20, strength=0.6)
    yield case({**SD1, "set_alpha_to_one": True}, steps=7)


def dpm_cases(case):
    yield from threshold_cases(case)
    for order in [1, 2, 3]:
        for steps in [4, 20]:
            name = {"_class_name": "EDMDPMSolverMultistepScheduler"}
            if case(SD1)["sampler"] == "dpmpp_2m":
                yield case({**EDM, **name, "solver_order": order}, steps=steps, own=True)
    yield case({**SD1, "solver_type": "heun"}, steps=20, schedule="use_lu_lambdas")
    for solver in ["midpoint", "heun"]:
        for order in [1, 2, 3]:
            for steps in [7, 20]:
                yield case({**SD1, "solver_type": solver, "solver_order": order}, steps=steps)
    yield case({**SD1, "euler_at_final": True}, steps=20)
    yield case({**SD1, "lower_order_final": False}, steps=7)
    yield case({**SD1, "final_sigmas_type": "sigma_min"}, steps=20)
    yield case({**SD1, "use_lu_lambdas": True}, steps=7)
    yield case({**SD1, "lambda_min_clipped": -2.0}, steps=7)
    yield case({**SD1, "solver_type": "bh2"}, steps=7)
    name = {"_class_name": "DPMSolverMultistepScheduler"}
    if case(SD1)["sampler"] == "dpmpp_2m":
        for algorithm in ["dpmsolver", "sde-dpmsolver"]:
            for order in [1, 2, 3] if algorithm == "dpmsolver" else [1, 2]:
                for solver in ["midpoint", "heun"]:
                    config = {**SD1, **name, "algorithm_type": algorithm, "final_sigmas_type": "sigma_min"}
                    yield case({**config, "solver_order": order, "solver_type": solver}, steps=20, own=True)
    yield from multistep_flow_cases(case)


def singlestep_cases(case):
    yield from threshold_cases(case)
    for algorithm in ["dpmsolver++", "sde-dpmsolver++", "dpmsolver"]:
        for solver in ["midpoint", "heun"]:
            for order in [1, 2, 3]:
                for steps in [5, 12]:
                    ending = "sigma_min" if algorithm == "dpmsolver" else "zero"
                    name = {"_class_name": "DPMSolverSinglestepScheduler", "final_sigmas_type": ending}
                    kind = {"algorithm_type": algorithm, "solver_type": solver, "solver_order": order}
                    yield case({**SD1, **name, **kind, "lower_order_final": steps == 5}, steps=steps, own=True)
    yield case({**SD1, "lambda_min_clipped": -2.0}, steps=7)
    yield from multistep_flow_cases(case)


def deis_cases(case):
    yield from threshold_cases(case)
    for order in [1, 2, 3]:
        for steps in [7, 20]:
            yield case({**SD1, "solver_order": order}, steps=steps)
            yield case({**SD1, "solver_order": order, "lower_order_final": False}, steps=steps)
    # In few steps from a level without signal, single precision's logarithms lose what is compared.
    yield from (c for c in multistep_flow_cases(case) if c["steps"] > 7)


def adams_cases(case):
    yield from threshold_cases(case)
    for predictor, corrector in [(1, 1), (1, 3), (2, 1), (3, 2), (3, 4), (4, 4)]:
        for steps in [7, 20]:
            yield case({**SD1, "predictor_order": predictor, "corrector_order": corrector}, steps=steps)
    yield case({**SD1, "lower_order_final": False}, steps=7)
    # Its `add_noise` knows no flow.
    yield from (c for c in multistep_flow_cases(case) if "strength" not in c)


def tcd_cases(case):
    for eta in [0.3, 1.0]:
        for config in [SD1, SD2, TERMINAL]:
            for steps in [1, 4, 8]:
                yield case(config, steps=steps, eta=eta)
    yield case({**SD1, "original_inference_steps": 100}, steps=60, eta=0.3)


def unipc_cases(case):
    yield from threshold_cases(case)
    for variant in ["bh1", "bh2"]:
        for order in [1, 2, 3]:
            for steps in [7, 20]:
                # bh1 ends in 0·∞ where the last level is 0.
                last = {"final_sigmas_type": "sigma_min"} if variant == "bh1" else {}
                yield case({**SD1, "solver_type": variant, "solver_order": order, **last}, steps=steps)
    for order in [2, 3]:
        config = {**SD1, "predict_x0": False, "solver_order": order, "final_sigmas_type": "sigma_min"}
        yield case(config, steps=20)
    yield case({**SD1, "disable_corrector": [0, 3]}, steps=7)
    yield case({**SD1, "lower_order_final": False, "final_sigmas_type": "sigma_min"}, steps=7)
    yield case({**SD1, "sigma_min": 0.1, "sigma_max": 10.0}, steps=7, schedule="karras")
    yield from multistep_flow_cases(case)
    yield case(FLOW, steps=7, schedule="karras")


def multistep_flow_cases(case):
    for config, more in [(FLOW, {}), (DYNAMIC, {"mu": 0.632, "tokens": 1024})]:
        for steps in [4, 7, 20]:
            mu = {"mu": 0.5 + (1024 - 256) * (1.16 - 0.5) / (4096 - 256), "tokens": 1024} if more else {}
            yield case(config, steps=steps, **mu)
    yield case(FLOW, steps=10, strength=0.75)


def lcm_cases(case):
    for steps in [1, 2, 4, 8]:
        yield case(FLOW, steps=steps, range="uniform")
        yield case({**FLOW, "shift_terminal": 0.02}, steps=steps, range="trained")
    for steps in [1, 3, 8, 12]:
        yield case({**SD1, "original_inference_steps": 100, "timestep_scaling": 2.0}, steps=steps)
    yield case({**SD1, "clip_sample": True, "clip_sample_range": 0.7}, steps=4)


def corrected():
    """What StableDiffusionPipeline's constructor leaves of scheduler configurations."""
    out = []
    for config in [SD1, BARE, {"_class_name": "DDIMScheduler", "clip_sample": True, "steps_offset": 0}, SHORT]:
        own = getattr(diffusers, config["_class_name"]).from_config(config)
        parts = ["vae", "text_encoder", "tokenizer", "unet", "safety_checker", "feature_extractor"]
        pipe = diffusers.StableDiffusionPipeline(
            **dict.fromkeys(parts), scheduler=own, requires_safety_checker=False)
        other = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
        seen = lambda s: {k: s.config.get(k) for k in ["steps_offset", "clip_sample"]}
        out.append({"config": config, "own": seen(pipe.scheduler), "ddim": seen(other)})
    return out


def write(name, content):
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    assert path.stat().st_size <= 100_000, (name, path.stat().st_size)
    print(name, path.stat().st_size)


def golden(sampler, cases, run, reference):
    """Runs the cases; what the reference refuses is left out and told."""
    configs, records = [], []
    for case in cases:
        try:
            result = run(case)
        except Exception as error:
            print("refused:", sampler, case["steps"], case.get("schedule"), type(error).__name__, str(error)[:90])
            continue
        if case["config"] not in configs:
            configs.append(case["config"])
        keep = {k: v for k, v in case.items() if k not in ("sampler", "config", "mu")}
        records.append({**keep, "config": configs.index(case["config"]), **result})
    return {"sampler": sampler, "reference": reference, "configs": configs, "cases": records}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for sampler in CLASSES:
        write(sampler, golden(sampler, cases(sampler), run, "diffusers"))
    write("corrections", corrected())
