"""Writes the goldens of prompts that AUTOMATIC1111 would read: weights, contexts and changes on the way, drawn in f32 by
diffusers' pipelines from hidden states that are made here.

    python weighted_goldens.py [--out DIR] [--seed N] [--only NAME]... [--widen K]

They are whole tiny models as those of make_goldens.py, whose options these are.
"""

import re

import torch

import make_goldens as goldens
from make_goldens import NOISE, case
from source_goldens import sd, xl

goldens.CASES.clear()

TOKEN = re.compile(r"\\[()\[\]\\]|\\|[(\[]|:\s*([+-]?[.\d]+)\s*\)|[)\]]|[^\\()\[\]:]+|:")


def weighted(prompt):
    """[text, weight] of each part; a break is [None, 1]."""
    parts, opened = [], {"(": [], "[": []}

    def scale(kind, factor):
        for part in parts[opened[kind].pop():]:
            part[1] *= factor

    for match in TOKEN.finditer(prompt):
        text, number = match[0], match[1]
        if text[0] == "\\":
            parts.append([text[1:], 1.0])
        elif text in "([":
            opened[text].append(len(parts))
        elif number and opened["("]:
            scale("(", float(number))
        elif text == ")" and opened["("]:
            scale("(", 1.1)
        elif text == "]" and opened["["]:
            scale("[", 1 / 1.1)
        else:
            pieces = re.split(r"\s*\bBREAK\b\s*", text)
            for index, piece in enumerate(pieces):
                parts += [[None, 1.0]] * (index > 0) + [[piece, 1.0]]
    for kind, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while opened[kind]:
            scale(kind, factor)
    merged = []
    for text, weight in parts:
        if merged and None not in (text, merged[-1][0]) and merged[-1][1] == weight:
            merged[-1][0] += text
        else:
            merged.append([text, weight])
    return merged


def contexts(prompt, tokenizer):
    """(ids, weights) of 77 each."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    done, ids, weights, last = [], [], [], -1
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id

    def close():
        nonlocal ids, weights, last
        room = 75 - len(ids)
        done.append(([start, *ids, end] + [tokenizer.pad_token_id] * room, [1.0, *weights] + [1.0] * (room + 1)))
        ids, weights, last = [], [], -1

    for text, weight in weighted(prompt):
        if text is None:
            close()
            continue
        for token in tokenizer(text, truncation=False, add_special_tokens=False)["input_ids"]:
            if token == comma:
                last = len(ids)
            elif len(ids) == 75 and last != -1 and 75 - last <= 20:
                moved = ids[last + 1:], weights[last + 1:]
                ids, weights = ids[:last + 1], weights[:last + 1]
                close()
                ids, weights = moved
            if len(ids) == 75:
                close()
            ids.append(token)
            weights.append(weight)
    if ids or not done:
        close()
    return done


def states(prompt, tokenizer, encoder, choose):
    """Hidden states [1, 77 n, D] of a prompt and the pooled vector of its first context."""
    rows, pooled = [], None
    for ids, weights in contexts(prompt, tokenizer):
        output = encoder(torch.tensor([ids]), output_hidden_states=True)
        hidden = choose(output)
        mean = hidden.mean()
        hidden = hidden * torch.tensor(weights)[None, :, None]
        rows.append(hidden * (mean / hidden.mean()))
        pooled = output[0] if pooled is None else pooled
    return torch.cat(rows, 1), pooled


def drawn(pipeline, seed, requests, **parts):
    """A golden whose requests carry the prompts of each of their steps beside the prompt that means them."""
    config, table, _ = goldens.pipeline(pipeline, seed, [], **parts)
    model = pipeline(**parts)
    model.set_progress_bar_config(disable=True)
    is_xl = "tokenizer_2" in parts

    def embedded(prompt, skip):
        first = parts["text_encoder"]
        if is_xl:
            one, _ = states(prompt, parts["tokenizer"], first, lambda o: o.hidden_states[-2 - skip])
            two, pooled = states(prompt, parts["tokenizer_2"], parts["text_encoder_2"], lambda o: o.hidden_states[-2 - skip])
            return torch.cat([one, two], 2), pooled
        norm = first.text_model.final_layer_norm
        return states(prompt, parts["tokenizer"], first, lambda o: norm(o.hidden_states[-1 - skip]))

    tensors = {}
    for number, request in enumerate(requests):
        steps = request.get("steps", 3)
        skip = request.get("clip_skip", 0)
        prompts = request.get("prompts", [request["prompt"]] * steps)
        negatives = request.get("negatives", [request.get("negative_prompt", "")] * steps)
        pairs = [(embedded(p, skip), embedded(n, skip)) for p, n in zip(prompts, negatives)]

        def step(pipe, index, timestep, tensors):
            (positive, _), (negative, _) = pairs[min(index + 1, steps - 1)]
            return {"prompt_embeds": torch.cat([negative, positive])}

        (positive, pooled), (negative, negative_pooled) = pairs[0]
        more = dict(pooled_prompt_embeds=pooled, negative_pooled_prompt_embeds=negative_pooled) if is_xl else {}
        with torch.no_grad():
            picture = model(
                prompt_embeds=positive, negative_prompt_embeds=negative, width=32, height=32, num_inference_steps=steps,
                guidance_scale=request["guidance"], generator=torch.Generator().manual_seed(number), output_type="pt",
                callback_on_step_end=step, callback_on_step_end_tensor_inputs=["prompt_embeds"], **more).images[0]
        tensors[str(number)] = (picture.permute(1, 2, 0) * 255).round()
    config["requests"] = [
        {key: value for key, value in request.items() if key not in ("prompts", "negatives")} | {"prompt_syntax": "weighted"}
        for request in requests]
    return config, table, tensors


LONG = "a red apple, a blue dog, two cats, a picture of " * 9


def requests():
    scene = {"guidance": 5.0, "negative_prompt": "a dog"}
    return [
        scene | {"prompt": "a (red:1.6) apple on [a blue] ((background))"},
        scene | {"prompt": r"\(a red\) apple on a (blue background", "negative_prompt": "(a dog:1.4)", "clip_skip": 1},
        scene | {"prompt": "a red apple BREAK a blue background", "negative_prompt": "a dog BREAK a (cat:0.6)"},
        scene | {"prompt": LONG, "negative_prompt": "a dog BREAK a cat BREAK two cats"},
        scene | {
            "prompt": "a [red apple:(dog:1.3):0.5] on [a|the] background", "steps": 4,
            # The first step counts twice, as the reference counts.
            "prompts": ["a red apple on a background"] * 2
            + ["a red apple on the background", "a (dog:1.3) on a background"]},
    ]


@case("weighted-sd1")
def _(seed, k):
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    parts = sd(seed, k) | {"scheduler": DDIMScheduler(**NOISE, set_alpha_to_one=False, clip_sample=False)}
    return drawn(
        lambda **parts: StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False),
        seed, requests(), **parts)


@case("weighted-sdxl")
def _(seed, k):
    from diffusers import StableDiffusionXLPipeline

    return drawn(
        lambda **parts: StableDiffusionXLPipeline(**parts, add_watermarker=False), seed, requests()[:4], **xl(seed, k))


if __name__ == "__main__":
    goldens.main()
