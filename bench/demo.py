"""Time and peak memory of a whole command, all of its processes added up.

    python -m bench.demo [COMMAND …]        # by default what `make demo` runs, in a fresh folder

Memory is the proportional set size (PSS: shared pages are split among those who share them), summed over the command
and all its descendants, sampled twice a second.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

import psutil

PERIOD = 0.5  # seconds


def family_pss(process: psutil.Process) -> tuple[int, int]:
    """Bytes and number of processes, of the process and its descendants."""
    total = count = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
            count += 1
        except (psutil.Error, AttributeError):
            continue  # it has just ended
    return total, count


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, "sweeps/transfer_sizes.py", "--builtin", "--out", folder]
        command = sys.argv[1:] or demo
        started = time.perf_counter()
        process = subprocess.Popen(command)
        watched, peak, most = psutil.Process(process.pid), 0, 0
        while process.poll() is None:
            try:
                pss, count = family_pss(watched)
            except psutil.Error:
                break
            peak, most = max(peak, pss), max(most, count)
            time.sleep(PERIOD)
        code = process.wait()
        seconds = time.perf_counter() - started
    print(f"exit {code}; {seconds:.1f} s; peak {peak / 2**30:.2f} GiB PSS over at most {most} processes")


if __name__ == "__main__":
    main()
