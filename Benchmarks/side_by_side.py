"""Runs Lazuli and its peers on the same work, one after the other in one run, and writes the comparison.

    python side_by_side.py --checkpoint SD15 --decoder MODEL.gguf [--programs ../.build/release] [--out results/NAME.md]

SD15 is a full-size Stable Diffusion 1.5 (peers/make_sd15.py writes one with random weights). Run it on a quiet machine:
the first lines of the result say how busy it was.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def lines(command):
    """The JSON lines that a command prints, by name; {} when it fails, with its last words on standard error."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=HERE / "peers")
    if result.returncode != 0:
        print(f"{command[1]} failed: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {}
    records = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return {record["name"]: record for record in records}


def cell(record, base=None):
    if record is None:
        return "–"
    if "tokens_per_second" in record:
        text = f"{record['tokens_per_second']:.0f} tokens/s"
        ratio = base and base["tokens_per_second"] / record["tokens_per_second"]
    else:
        text = f"{record['seconds']:.2f} s" if record["seconds"] >= 1 else f"{record['seconds'] * 1000:.1f} ms"
        ratio = base and record["seconds"] / base["seconds"]
    return text + (f" ({ratio:.2f}×)" if ratio else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=HERE.parent / ".build" / "release")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--decoder", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    checkpoint, decoder = arguments.checkpoint.resolve(), arguments.decoder.resolve()
    load = os.getloadavg()[0]
    python, threads = sys.executable, arguments.threads
    lazuli = lines([arguments.programs.resolve() / "lazuli", "bench", "--json", "--threads", threads, "--checkpoint", checkpoint,
                    "--decoder", decoder])
    torch = lines([python, "torch_kernels.py", "bf16", threads]) | lines([python, "torch_sd15.py", "bf16", threads, checkpoint])
    openvino = lines([python, "openvino_sd15.py", "bf16", threads, checkpoint])
    llama = lines([python, "llama_cpp.py", threads, decoder])
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    family = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith(("cpu family", "model\t"))][:2]
    text = [f"# {datetime.date.today()}, {model} (family {family[0]}, model {family[1]}), {threads} threads, bf16", "",
            f"Load before the run {load:.2f}. Medians. In brackets: that peer's time, or Lazuli's rate, as a multiple of the "
            "other's, so above 1 Lazuli is ahead.", "",
            "| work | Lazuli | of peak | torch | OpenVINO | llama.cpp |", "| --- | --- | --- | --- | --- | --- |"]
    for name, ours in lazuli.items():
        share = f"{ours['percent_of_peak']:.0f} %" if "percent_of_peak" in ours else ""
        peers = " | ".join(cell(peer.get(name), ours) for peer in (torch, openvino, llama))
        text.append(f"| {name} | {cell(ours)} | {share} | {peers} |")
    peaks = [f"Lazuli {max(record['rss_gib'] for record in lazuli.values()):.2f} GiB"] if lazuli else []
    peaks += [f"{name} {max(record['rss_gib'] for record in peer.values()):.2f} GiB"
              for name, peer in (("torch", torch), ("OpenVINO", openvino)) if peer]
    text += ["", "Largest resident memory: " + ", ".join(peaks) + "."]
    (arguments.out.write_text if arguments.out else print)("\n".join(text) + "\n")


main()
