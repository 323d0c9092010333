#!/usr/bin/env bash
# Prints how many compilers may run at once: one per processor, but no more than memory allows. Code that
# includes CAF's templates takes about 1.5 GB per compiler.
set -euo pipefail

readonly mb_per_compiler=1536

processors=$(nproc)
memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
memory_mb=$((${memory_kb:-0} / 1024))

# A container may have less than its machine.
if [[ -r /sys/fs/cgroup/memory.max ]]; then
  limit=$(</sys/fs/cgroup/memory.max)
  if [[ $limit =~ ^[0-9]+$ ]] && ((limit / 1048576 < memory_mb)); then
    memory_mb=$((limit / 1048576))
  fi
fi

compilers=$((memory_mb / mb_per_compiler))
((compilers <= processors)) || compilers=$processors
((compilers >= 1)) || compilers=1
printf '%d\n' "$compilers"
