"""Times a GGUF in llama.cpp (Python package xllamacpp): reading a prompt of 512 tokens and writing 64.

    python llama_cpp.py THREADS MODEL.gguf
"""
import json
import resource
import statistics
import sys

import xllamacpp

THREADS, MODEL = int(sys.argv[1]), sys.argv[2]
PROMPT, ANSWER, REPEATS = 512, 64, 5

parameters = xllamacpp.CommonParams()
parameters.model.path = MODEL
parameters.n_ctx = 2 * (PROMPT + ANSWER)
parameters.n_parallel = 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = THREADS
parameters.warmup = True
server = xllamacpp.Server(parameters)
timings = []
for repeat in range(REPEATS + 1):
    prompt = [100 + (token * 7 + repeat) % 1000 for token in range(PROMPT)]
    answer = server.handle_completions(
        {"prompt": prompt, "n_predict": ANSWER, "ignore_eos": True, "cache_prompt": False, "temperature": 0})
    timings.append((answer if isinstance(answer, dict) else json.loads(answer))["timings"])
for name, key in ((f"decoder prompt {PROMPT} tokens", "prompt_per_second"), (f"decoder {ANSWER} tokens", "predicted_per_second")):
    rate = statistics.median(timing[key] for timing in timings[1:])
    print(json.dumps({"name": name, "tokens_per_second": round(rate, 1),
                      "rss_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}))
