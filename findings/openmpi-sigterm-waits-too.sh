#!/usr/bin/env bash
# In Open MPI 4.1, the parameter that puts off SIGKILL when a rank has died also puts off SIGTERM, by as much.
#
# Versions   Open MPI 4.1.4 of Debian 12
# Guess      `odls_base_sigkill_timeout` ("time to wait for a process to die after issuing a kill signal to it",
#            default 1) is the time between SIGTERM and SIGKILL: whoever raises it gives ranks time to save.
# Seen       When a rank dies, the others get SIGCONT at once, SIGTERM after that time, SIGKILL after twice that time.
# Why        mpirun sends the three signals in a row, and waits between any two of them.
# Matters    to programs that save at SIGTERM: the time can be raised, but the others wait for the dead rank's
#            message just as long before they hear of its death.
# Output
#   timeout 1: SIGTERM 1 s after the death of the other rank
#   timeout 4: SIGTERM 4 s after the death of the other rank
set -euo pipefail
if ! mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
  echo "This needs mpirun of Open MPI: apt-get install openmpi-bin" >&2
  exit 2
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat > "$dir/rank.sh" <<'RANK'
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then sleep 1; date +%s%3N > "$1/death"; kill -9 $$; fi
trap 'date +%s%3N > "$1/term"; exit 1' TERM
while :; do sleep 0.05; done
RANK

seconds() {
  mpirun --oversubscribe --mca odls_base_sigkill_timeout "$1" -n 2 sh "$dir/rank.sh" "$dir" >/dev/null 2>&1 || true
  echo $((($(cat "$dir/term") - $(cat "$dir/death") + 500) / 1000))
}

surprise=no
for timeout in 1 4; do
  after=$(seconds "$timeout")
  echo "timeout $timeout: SIGTERM $after s after the death of the other rank"
  [ "$timeout" = 4 ] && [ "$after" -ge 3 ] && surprise=yes
done
if [ "$surprise" = no ]; then
  echo "SIGTERM comes at once now." >&2
  exit 1
fi
