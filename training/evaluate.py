"""Judges what Lazuli Mini draws and edits on prompts it has never seen; every figure has one for a control beside it.

    python evaluate.py --out DIR [--prompts 500] [--edits 300] [--models models/lazuli-mini]

The judge (`judge.py`) is tried first on exact scenes. The control of prompts judges each picture by another prompt of its
group; the control of edits judges the source, copied, as if it were the result.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from PIL import Image

import judge
import scenes
import world
from painter import Painter

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models" / "lazuli-mini"
# Share of each group among the prompts, and whether it asks for what never trained: a colour of a thing, a pair.
GROUPS = dict(plain=(0.24, None), placed=(0.12, None), hued=(0.2, True), pairs=(0.2, True), triples=(0.08, True),
              counted=(0.16, None))


def rows(number):
    """Held-out rows: dict(group, target, text)."""
    for group, (share, held) in GROUPS.items():
        for i in range(round(share * number)):
            rng = scenes.generator("held out", group, i)
            more = {} if held is None else dict(held=held)
            yield dict(scenes.GROUPS[group][0](rng, rng.randrange(10**6), **more), group=group)


def edit_rows(number):
    """Held-out edits, as many of each kind."""
    kinds = list(scenes.EDITS)
    for i in range(number):
        kind = kinds[i % len(kinds)]
        source, target, words = scenes.EDITS[kind][0](scenes.generator("held out edit", i))
        yield dict(source=source, target=target, text=words, kind=kind)


def verdicts(critic, pictures, asked):
    """What is right in each picture by its scene: one dict of facts a picture, None where the scene has no such fact."""
    places = [(i, item) for i, scene in enumerate(asked) for item in scene["objects"]]
    concepts = critic.name([pictures[i] for i, _ in places], [judge.box(item) for _, item in places])
    best = concepts.topk(5, 1).indices.tolist()
    out = [dict(top1=[], top5=[], style=[], colour=[]) for _ in asked]
    for (i, item), top in zip(places, best):
        row, scene = out[i], asked[i]
        row["top1"].append(top[0] == item["thing"])
        row["top5"].append(item["thing"] in top)
        row["style"].append(judge.style(pictures[i], scene, item) == scene["style"])
        if "hue" in item:
            row["colour"].append(judge.colour(pictures[i], judge.box(item), scene["background"]) == item["hue"])
    for row, picture, scene in zip(out, pictures, asked):
        row["background"] = [judge.background(picture) == scene["background"]]
        things = [item["thing"] for item in scene["objects"]]
        # Both things where they were asked for: each box holds its own thing rather than the other's.
        row["relation"] = [all(row["top5"])] if len(set(things)) > 1 else []
        row["count"] = ([judge.count(picture, judge.background(picture)) == len(things)]
                        if len(things) > 1 and len(set(things)) == 1 else [])
    return out


def means(rows, facts=("background", "top1", "top5", "style", "colour", "relation", "count")):
    """Mean and number of each fact over all places where it is asked for."""
    values = {fact: [v for row in rows for v in row[fact]] for fact in facts}
    return {fact: (round(float(np.mean(v)), 3), len(v)) for fact, v in values.items() if v}


def carried_out(critic, pictures, rows):
    """Whether each picture is what its edit asks for."""
    scenes_asked = [dict(row["target"]) for row in rows]
    turned = [p[:, ::-1] if row["target"].get("mirror") else p for p, row in zip(pictures, rows)]
    facts = verdicts(critic, turned, scenes_asked)
    out = []
    for picture, row, fact in zip(pictures, rows, facts):
        source, target = row["source"], row["target"]
        right = all(fact["top5"])
        if row["kind"] == "grey":
            colours = np.asarray(picture, int)
            right = bool((colours.max(-1) - colours.min(-1)).mean() < 12)
        elif row["kind"] == "mirror":
            exact, old = (world.render(s).astype(float) for s in (target, source))
            right = right and bool(np.abs(picture - exact).mean() < np.abs(picture - old).mean())
        else:
            right = right and all(fact["background"]) and all(fact["colour"])
            if row["kind"] == "style":
                right = right and all(fact["style"])
            kept = {judge.box(item) for item in target["objects"]}
            for item in source["objects"]:
                if judge.box(item) not in kept and row["kind"] in ("remove", "move"):
                    left, top, right_, bottom = judge.box(item)
                    mask = judge.figure(picture, target["background"]).copy()
                    for l, t, r, b in kept:
                        mask[max(t - 4, 0):b + 4, max(l - 4, 0):r + 4] = False
                    right = right and mask[max(top, 0):bottom, max(left, 0):right_].mean() < 0.06
            if row["kind"] == "resize":
                exact, old = (judge.figure(world.render(s), target["background"]).mean() for s in (target, source))
                drawn = judge.figure(picture, target["background"]).mean()
                right = right and abs(drawn - exact) < abs(drawn - old)
        out.append(bool(right))
    return out


def outside(picture, row):
    """PSNR in dB to the source where source and target agree; None where that is less than a tenth of the picture."""
    source, target = world.render(row["source"]), world.render(row["target"])
    same = (source == target).all(-1)
    if same.mean() < 0.1:
        return None
    error = ((picture[same].astype(float) - source[same]) ** 2).mean()
    return float(-10 * np.log10(max(error, 1e-3) / 255**2))


def grid(pictures, columns, path):
    lines = [np.concatenate(pictures[i:i + columns], 1) for i in range(0, len(pictures) // columns * columns, columns)]
    Image.fromarray(np.concatenate(lines)).save(path)


def judge_prompts(critic, painter, options, tell):
    prompts = list(rows(options.prompts))
    exact = judge.decoded([world.render(row["target"]) for row in prompts], options.models)
    tell("judge on exact scenes", means(verdicts(critic, exact, [row["target"] for row in prompts])))
    pictures = painter([row["text"] for row in prompts], steps=options.steps, guidance=options.guidance)
    np.save(options.out / "prompts.npy", np.stack(pictures))
    facts = verdicts(critic, pictures, [row["target"] for row in prompts])
    tell("prompts", means(facts))
    for group in GROUPS:
        tell(f"prompts, {group}", means([f for f, row in zip(facts, prompts) if row["group"] == group]))
    other = [prompts[i - 1] if i and prompts[i - 1]["group"] == row["group"] else prompts[i + 1]
             for i, row in enumerate(prompts)]
    tell("control, another prompt", means(verdicts(critic, pictures, [row["target"] for row in other])))
    every = max(1, len(prompts) // 40)
    grid(pictures[::every][:40], 8, options.out / "prompts.png")
    (options.out / "prompts.txt").write_text("\n".join(row["text"] for row in prompts[::every][:40]) + "\n")


def judge_edits(critic, painter, options, tell):
    edits = list(edit_rows(options.edits))
    exact = judge.decoded([world.render(row["target"]) for row in edits], options.models)
    tell("judge on exact edits", round(float(np.mean(carried_out(critic, exact, edits))), 3))
    tell("PSNR outside, exact edits", round(float(np.mean([d for d in map(outside, exact, edits) if d])), 2))
    sources = [world.render(row["source"]) for row in edits]
    results = painter([row["text"] for row in edits], sources, steps=options.steps, guidance=options.guidance, seed=1000)
    np.save(options.out / "edits.npy", np.stack(results))
    done, copied = carried_out(critic, results, edits), carried_out(critic, sources, edits)
    decibels = [outside(picture, row) for picture, row in zip(results, edits)]

    def figures(part):
        far = [decibels[i] for i in part if decibels[i] is not None]
        return dict(carried_out=round(float(np.mean([done[i] for i in part])), 3), of=len(part),
                    copied=round(float(np.mean([copied[i] for i in part])), 3),
                    decibels=round(float(np.mean(far)), 2) if far else None, measured=len(far))

    for kind in scenes.EDITS:
        tell(f"edits, {kind}", figures([i for i, row in enumerate(edits) if row["kind"] == kind]))
    tell("edits", figures(range(len(edits))))
    grid([picture for i in range(min(20, len(edits))) for picture in (sources[i], results[i])], 8, options.out / "edits.png")
    (options.out / "edits.txt").write_text("\n".join(row["text"] for row in edits[:20]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, default=MODELS)
    parser.add_argument("--unet", type=pathlib.Path)
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    options = parser.parse_args()
    torch.manual_seed(0)
    options.out.mkdir(parents=True, exist_ok=True)
    saved, report = options.out / "judge.pt", {}
    critic = judge.Judge(*torch.load(saved)) if saved.exists() else judge.Judge.train(options.models)
    torch.save(critic.parts, saved)

    def tell(name, value):
        report[name] = value
        print(name, json.dumps(value), flush=True)
        (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")

    painter = Painter(options.models, options.unet)
    if options.prompts:
        judge_prompts(critic, painter, options, tell)
    if options.edits:
        judge_edits(critic, painter, options, tell)


if __name__ == "__main__":
    main()
