#!/usr/bin/env bash
# A named command for the task type user_task: counts the files and lines of a source tree, folder by folder.
# Shows what a command can say to Overwatch: lines of output become the task's log, `::progress PERCENT TEXT`
# its progress, and a last line of JSON its result.
#
#   inventory.sh DIRECTORY
set -euo pipefail

cd -- "$1"
shopt -s nullglob
folders=(*/)
files=0
lines=0
done_folders=0
for folder in "${folders[@]}"; do
  folder_files=$(find "$folder" -type f -printf x | wc -c)
  folder_lines=$(find "$folder" -type f -exec cat {} + | wc -l)
  printf '%s %d files, %d lines\n' "$folder" "$folder_files" "$folder_lines"
  files=$((files + folder_files))
  lines=$((lines + folder_lines))
  done_folders=$((done_folders + 1))
  printf '::progress %d %s\n' $((100 * done_folders / ${#folders[@]})) "counted $folder"
done
printf '{"folders": %d, "files": %d, "lines": %d}\n' "${#folders[@]}" "$files" "$lines"
