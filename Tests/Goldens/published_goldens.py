"""Writes the goldens of published configurations: models of the SD family as their owners save them (published.json), scaled
down in width, and the pictures that diffusers draws with them in f32.

    python published_goldens.py [--out DIR] [--seed N] [--only NAME]...

published.json holds the facts at their full size; an entry with "of" is another entry with changes. What is scaled are
channels, widths of text and of time, and groups of norms; kinds and numbers of blocks, layers, heads, activations, tokens,
prediction, and every setting of the scheduler stay. Weights are computed (weights.py), so a golden holds none:

    models.json           scaled configurations and requests
    shapes-PART.json      shapes of a part's tensors; brothers that are alike share an entry, "0,1"
    NAME.png              what diffusers draws, one picture 64x48 below the other; source and mask come first, if any
"""

import argparse
import json
import os
import pathlib
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.simplefilter("ignore")

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

import make_goldens
import weights

diffusers.utils.logging.set_verbosity_error()
transformers.utils.logging.set_verbosity_error()
torch.set_num_threads(1)
torch.set_grad_enabled(False)

HERE = pathlib.Path(__file__).parent
FACTS = json.loads((HERE / "published.json").read_text())
WIDTH, HEIGHT = 64, 48
VOCABULARY = len(json.loads((make_goldens.CLIP_VOCABULARY / "vocab.json").read_text()))


def entry(table, name):
    """An entry with what it is derived from."""
    facts = dict(FACTS[table][name])
    return (entry(table, facts.pop("of")) if "of" in facts else {}) | facts


def scaled_unet(facts):
    """Heads keep their number: eight of them divide a twentieth of 320, five, ten and twenty a sixteenth."""
    widths, heads = facts["block_out_channels"], facts["attention_head_dim"]
    factor, groups = (20, 8) if heads == 8 else (16, 4)
    scaled = facts | {
        "block_out_channels": [width // factor for width in widths], "norm_num_groups": groups,
        "cross_attention_dim": facts["cross_attention_dim"] // 16,
    }
    if facts.get("addition_time_embed_dim"):
        times, text = facts["addition_time_embed_dim"] // 16, 1280
        ids = (facts["projection_class_embeddings_input_dim"] - text) // 256
        scaled |= {"addition_time_embed_dim": times, "projection_class_embeddings_input_dim": text // 16 + ids * times}
    if facts.get("time_cond_proj_dim"):
        scaled["time_cond_proj_dim"] = facts["time_cond_proj_dim"] // 16
    return scaled


def scaled_vae(facts):
    if facts.get("_class_name") == "AutoencoderTiny":
        return facts | {key: [width // 8 for width in facts[key]] for key in facts if key.endswith("block_out_channels")}
    return facts | {"block_out_channels": [width // 16 for width in facts["block_out_channels"]], "norm_num_groups": 4}


def scaled_text(facts):
    scaled = {key: facts[key] // 16 for key in ("hidden_size", "intermediate_size", "projection_dim")}
    return facts | scaled | {"vocab_size": VOCABULARY}


def compact(shapes):
    """Shapes by name as a tree whose equal brothers share an entry."""
    tree = {}
    for name, shape in shapes.items():
        *path, last = name.split(".")
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[last] = shape

    def merged(node):
        if isinstance(node, list):
            return node
        groups = {}
        for key, value in node.items():
            value = merged(value)
            groups.setdefault(json.dumps(value), (value, []))[1].append(key)
        return {",".join(keys): value for value, keys in groups.values()}

    return merged(tree)


class Parts:
    """Scaled parts by identifier; a part's shapes are noted once."""

    def __init__(self, seed):
        self.seed, self.configs, self.shapes = seed, {}, {}

    def filled(self, identifier, role, config, build):
        self.configs[identifier] = config
        module = build().eval()
        table = weights.fill(module, self.seed, f"{role}/")
        self.shapes[identifier] = compact({name.removeprefix(f"{role}/"): line[2:] for name, line in table.items()})
        return module

    def unet(self, name):
        config = scaled_unet(entry("unets", name))
        return self.filled(f"unet-{name}", "unet", config, lambda: diffusers.UNet2DConditionModel(**config))

    def vae(self, name):
        config = scaled_vae(entry("autoencoders", name))
        kind = config.get("_class_name", "AutoencoderKL")
        settings = {key: value for key, value in config.items() if key != "_class_name"}

        def build():
            return getattr(diffusers, kind)(**settings)

        return self.filled(f"vae-{name}", "vae", config, build)

    def text(self, name, role):
        config = scaled_text(entry("text_encoders", name))
        kind = getattr(transformers, config["architectures"][0])
        module = self.filled(f"text-{name}", role, config, lambda: kind(transformers.CLIPTextConfig(**config)))
        if not hasattr(module, "text_model"):
            # diffusers' clip_skip finds the norm where transformers had it before version 5.
            module.text_model = make_goldens.types.SimpleNamespace(final_layer_norm=module.final_layer_norm)
        return module


def source(seed):
    coarse = (weights.uniform("source", seed, 5 * 5 * 3).reshape(5, 5, 3) * 127 + 128).astype(np.uint8)
    return Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def mask():
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[HEIGHT // 4 :, WIDTH // 4 : WIDTH * 7 // 8] = 255
    return Image.fromarray(pixels)


def drawn(model, number, request, seed):
    """The picture [H, W, 3] in 0 ... 255."""
    options = {key: request[key] for key in ("negative_prompt", "clip_skip", "strength") if key in request}
    if "image" in request:
        options["image"] = source(seed)
    if "mask" in request:
        options["mask_image"] = mask()
    if "image_guidance" in request:
        options["image_guidance_scale"] = request["image_guidance"]
    else:
        options |= {"width": WIDTH, "height": HEIGHT}
    picture = model(
        request["prompt"], num_inference_steps=request["steps"], guidance_scale=request["guidance"],
        generator=torch.Generator().manual_seed(number), output_type="pt", **options).images[0]
    return (picture.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)


def build(model, parts):
    """The pipeline and its description for models.json."""
    facts = FACTS["families"][model["family"]] | {key: model[key] for key in ("pipeline", "unet", "vae") if key in model}
    scheduler = entry("schedulers", model["scheduler"])
    settings = {key: value for key, value in scheduler.items() if not key.startswith("_")}
    roles = {"unet": f"unet-{facts['unet']}", "vae": f"vae-{facts['vae']}"}
    arguments = {
        "unet": parts.unet(facts["unet"]), "vae": parts.vae(facts["vae"]),
        "scheduler": getattr(diffusers, scheduler["_class_name"]).from_config(settings),
    }
    for suffix, padding in (("", facts["pad_token"]), ("_2", "!")):
        role = f"text_encoder{suffix}"
        if role in facts:
            arguments[role] = parts.text(facts[role], role)
            arguments[f"tokenizer{suffix}"] = make_goldens.tokenizer(padding)
            roles[role] = f"text-{facts[role]}"
    kind = getattr(diffusers, facts["pipeline"])
    if "XL" in facts["pipeline"]:
        pipeline = kind(**arguments, add_watermarker=False)
    else:
        pipeline = kind(**arguments, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    index = {"_class_name": facts["pipeline"]} | {name: list(pipeline.config[name]) for name in arguments}
    if "XL" in facts["pipeline"]:
        index["force_zeros_for_empty_prompt"] = True
    return pipeline, {
        "name": model["name"], "index": index, "parts": roles, "scheduler": scheduler, "pad_token": facts["pad_token"],
        "requests": FACTS["requests"][model.get("requests", "guided")],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "published")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    parts, described = Parts(arguments.seed), []
    for model in FACTS["models"]:
        if arguments.only and model["name"] not in arguments.only:
            continue
        if model.get("refused"):
            facts = FACTS["families"][model["family"]] | model
            index = {
                "_class_name": facts["pipeline"], "unet": ["diffusers", "UNet2DConditionModel"],
                "vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", "EulerDiscreteScheduler"],
                "text_encoder": [None, None], "tokenizer": [None, None], "tokenizer_2": ["transformers", "CLIPTokenizer"],
                "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "requires_aesthetics_score": True,
            }
            parts.configs["unet-refiner"] = scaled_unet(entry("unets", "refiner"))
            described.append({
                "name": model["name"], "index": index, "scheduler": entry("schedulers", model["scheduler"]), "requests": [],
                "parts": {"unet": "unet-refiner", "vae": "vae-sdxl", "text_encoder_2": "text-openclip-g"},
            })
            continue
        pipeline, description = build(model, parts)
        requests = description["requests"]
        pictures = [drawn(pipeline, number, request, arguments.seed) for number, request in enumerate(requests)]
        for picture in pictures:
            if picture.std() < 3:
                print(f"{model['name']}: a picture is flat", file=sys.stderr)
        if "image" in requests[0]:
            shade = [np.asarray(mask().convert("RGB"))] if "mask" in requests[0] else []
            pictures = [np.asarray(source(arguments.seed)), *shade, *pictures]
        Image.fromarray(np.concatenate(pictures)).save(arguments.out / f"{model['name']}.png", optimize=True)
        described.append(description)
        saturated = max(float(((p == 0) | (p == 255)).mean()) for p in pictures[-2:])
        print(f"{model['name']}: deviation {[round(float(p.std()), 1) for p in pictures[-2:]]}, {saturated:.0%} at the ends", flush=True)
    lines = [f'"seed": {arguments.seed}', '"parts": {\n' + ",\n".join(
        f"{json.dumps(name)}: {json.dumps(config)}" for name, config in sorted(parts.configs.items())) + "\n}",
        '"models": [\n' + ",\n".join(json.dumps(model) for model in described) + "\n]"]
    (arguments.out / "models.json").write_text("{" + ",\n".join(lines) + "}\n")
    for name, shapes in parts.shapes.items():
        (arguments.out / f"shapes-{name}.json").write_text(json.dumps(shapes, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
