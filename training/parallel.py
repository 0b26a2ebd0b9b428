"""Data-parallel training by single-threaded processes, which use a CPU better than one process with many threads."""
import datetime
import os
import pathlib
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

ROOT = pathlib.Path(os.environ.get("MINI_ROOT", pathlib.Path.home() / ".cache" / "lazuli-mini"))
PAUSE = os.environ.get("MINI_PAUSE")  # training sleeps while this file exists
PIDS = os.environ.get("MINI_PIDS")    # where the process ids go, one a line
# Where a CPU has no products in bfloat16, they are sixty times as slow as those in float32.
FAST = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def fast():
    """Within it, products are computed in the type that this CPU is fastest in."""
    return torch.autocast("cpu", torch.bfloat16, enabled=FAST == torch.bfloat16)


class Flat:
    """A model's parameters as views of one vector and its gradients as views of another: one all-reduce a step.

    The gradient vector has one slot more, which carries "stop" from any worker to all of them.
    """

    def __init__(self, model):
        parameters = [p for p in model.parameters() if p.requires_grad]
        count = sum(p.numel() for p in parameters)
        self.weight = torch.empty(count)
        self.message = torch.zeros(count + 1)
        self.gradient = self.message[:count]
        start = 0
        for p in parameters:
            span = slice(start, start + p.numel())
            self.weight[span] = p.data.reshape(-1)
            p.data = self.weight[span].view(p.shape)
            p.grad = self.gradient[span].view(p.shape)
            start = span.stop

    def average(self, stop):
        """Means the gradients over the workers; true when any of them wants to stop."""
        self.message[-1] = float(stop)
        dist.all_reduce(self.message)
        self.gradient.div_(dist.get_world_size())
        return self.message[-1] > 0

    def meet(self, stop):
        """Means the weights of workers that optimise on their own; true when any of them wants to stop."""
        self.message[:-1].copy_(self.weight)
        stopped = self.average(stop)
        self.weight.copy_(self.gradient)
        return stopped

    def clip(self, norm):
        """Scales the gradient down to `norm` and returns what it was."""
        length = float(self.gradient.norm())
        self.gradient.mul_(min(1.0, norm / (length + 1e-6)))
        return length


class Clock:
    """Progress from 0 to 1 between the start and a wall-clock time "HH:MM"."""

    def __init__(self, until):
        hour, minute = map(int, until.split(":"))
        now = datetime.datetime.now()
        end = now.replace(hour=hour, minute=minute, second=0)
        if end <= now:
            end += datetime.timedelta(days=1)
        self.start, self.length = time.time(), (end - now).total_seconds()

    def progress(self):
        return min(1.0, (time.time() - self.start) / self.length)


def wait_while_paused():
    while PAUSE and os.path.exists(PAUSE):
        time.sleep(1)


def _worker(rank, workers, rendezvous, function, arguments):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=workers,
                            timeout=datetime.timedelta(hours=2))
    function(rank, workers, arguments)
    dist.destroy_process_group()


def run(function, arguments, workers):
    """Calls function(rank, workers, arguments) in `workers` processes."""
    ROOT.mkdir(parents=True, exist_ok=True)
    rendezvous = ROOT / f"rendezvous.{os.getpid()}"
    context = mp.spawn(_worker, (workers, str(rendezvous), function, arguments), workers, join=False)
    if PIDS:
        pathlib.Path(PIDS).write_text("".join(f"{pid}\n" for pid in [os.getpid(), *context.pids()]))
    while not context.join():
        pass
    rendezvous.unlink(missing_ok=True)
