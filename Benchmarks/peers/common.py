"""Timing that all peers share: medians of wall time over repeated runs after a warm-up, as JSON lines."""
import json
import resource
import statistics
import sys
import time


def measure(name, run, repeats=5, **facts):
    """Prints {"name", "seconds", ...facts, "rss_gib"}; seconds is the median over `repeats` after one warm-up."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    record = {"name": name, "seconds": round(median, 6)}
    if "gflop" in facts:
        record["gflops"] = round(facts.pop("gflop") / median, 1)
    record |= facts
    record["rss_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    print(json.dumps(record), flush=True)


def threads():
    """Threads to use: the second argument, 2 unless given."""
    return int(sys.argv[2]) if len(sys.argv) > 2 else 2
