"""Draws many pictures at once with the plain networks; `reference.py` says exactly what one picture is."""
import numpy as np
import torch

import network
import parallel
import text


class Painter:
    """The model in torch, several pictures at once: the first has seed `seed`, each next one `spread` more."""

    def __init__(self, models, unet=None):
        self.unet = network.load(network.Denoiser(), unet or models / "unet").eval()
        self.vae = network.load(network.Autoencoder(), models / "vae").eval()
        self.text = text.TextEncoder()

    @torch.no_grad()
    def __call__(self, words, sources=None, steps=20, guidance=3.0, batch=20, seed=0, spread=1):
        pictures = []
        prefix = text.GENERATE if sources is None else text.EDIT
        empty = self.text([text.formatted("", prefix)])[0]
        sigmas = np.append(np.linspace(1, 1 / steps, steps), 0)
        for start in range(0, len(words), batch):
            states = self.text([text.formatted(w, prefix) for w in words[start:start + batch]])
            n, longest = len(states), max(len(s) for s in states)
            padded, mask = torch.zeros(2 * n, longest, 576), torch.zeros(2 * n, longest, dtype=torch.bool)
            for i, s in enumerate([empty] * n + states):
                padded[i, :len(s)], mask[i, :len(s)] = s, True
            x = torch.cat([torch.randn((1, 8, 16, 16), generator=torch.Generator().manual_seed(seed + spread * (start + i)))
                           for i in range(n)])
            source = torch.zeros_like(x)
            if sources is not None:
                pixels = torch.from_numpy(np.stack(sources[start:start + batch])).permute(0, 3, 1, 2)
                source = self.vae.encoder(pixels.float() / 127.5 - 1)
            for sigma, following in zip(sigmas, sigmas[1:]):
                with parallel.fast():
                    v = self.unet(torch.cat([torch.cat([x, source], 1)] * 2), torch.full((2 * n,), 1000 * float(sigma)),
                                  padded, mask).float()
                x = x + float(following - sigma) * (v[:n] + guidance * (v[n:] - v[:n]))
            y = self.vae.decoder(x).clamp(-1, 1)
            pictures.extend(((y + 1) * 127.5 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy())
        return pictures
