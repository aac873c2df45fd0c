#!/usr/bin/env bash
# Boots small kernels that are not Linux (Tests/Kernels), and compares what the program says of them with what
# they and QEMU say.
# Usage: kernels.sh PROGRAM [WORK]   WORK keeps kernels and dumps (default: a folder, removed at the end)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
work=${2:-}
if [[ -z $work ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
"$here/../Kernels/make.py" "$work"
"$here/kernels.py" "$program" "$work"
