#!/usr/bin/env bash
# Boots real guests, and compares what the program says of them with what they say of themselves.
# Usage: guests.sh PROGRAM [WORK]     WORK keeps kernels and dumps (default: a folder that is removed at the end)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
work=${2:-}
if [[ -z $work ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

guests=(linux-x86_64 linux-i686-pae linux-x86_64-5.10 linux-x86_64-6.12 linux-aarch64 linux-riscv64)
booted=()
for guest in "${guests[@]}"; do
  # A release that Debian no longer keeps cannot be fetched; the others still tell.
  if PAGEWALK=$program "$here/../../Samples/make.sh" --work "$work" --out "$work" --steps fetch "$guest"; then
    PAGEWALK=$program "$here/../../Samples/make.sh" --work "$work" --out "$work" --steps build,boot "$guest"
    booted+=("$guest")
  else
    echo "guests.sh: the kernel of $guest cannot be fetched: left out" >&2
  fi
done
[[ ${#booted[@]} -gt 0 ]] || { echo "guests.sh: no guest could be booted" >&2; exit 1; }
"$here/guests.py" "$program" "$work" "${booted[@]}"
