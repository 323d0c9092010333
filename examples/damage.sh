#!/usr/bin/env bash
# Damages what it is pointed at, then fails: overwrites a file, deletes one, adds one, changes modes.
#
#   examples/damage.sh DIRECTORY
#
# For the tour: run as a named command with a snapshot of the directory, all of it is put back.
set -euo pipefail

cd -- "$1"
echo "::progress 30 overwriting"
printf 'oops\n' >index.html
echo "::progress 60 deleting"
rm -f -- notes.txt
mkdir -p -- junk
printf 'left behind\n' >junk/file
chmod 777 .
echo "now the directory holds: $(find . -type f | sort | tr '\n' ' ')"
echo "and here it fails" >&2
exit 1
