"""How a peer in Python is timed: alone, or in turns with others (open.ts, which sends a line for every turn)."""
import json
import resource
import statistics
import sys
import time

WARMUP, REPETITIONS = 2, 6


def play(peer, includes, amount, work, in_turns):
    """Times `work`, which handles `amount` tokens or bytes per call. Prints JSON, a line each.

    in_turns: who this is; then `seconds` for every line of the standard input; `peakMB` at its end. Otherwise: all of it at once."""
    about = {"peer": peer, "includes": includes, "amount": amount}
    if in_turns:
        say(about)
        for _ in sys.stdin:
            say({"seconds": timed(work)})
        say({"peakMB": peak()})
    else:
        times = [timed(work) for _ in range(WARMUP + REPETITIONS)][WARMUP:]
        say({**about, "median": statistics.median(times), "min": min(times), "max": max(times), "peakMB": peak()})


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(record):
    print(json.dumps(record), flush=True)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
