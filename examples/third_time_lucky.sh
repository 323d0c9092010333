#!/usr/bin/env bash
# A named command for the task type user_task: fails at its first two attempts, so that one sees how a task is
# tried again. Overwatch tells a command the number of its attempt.
set -euo pipefail

if ((OVERWATCH_ATTEMPT < 3)); then
  printf 'attempt %d: what I need is not there yet\n' "$OVERWATCH_ATTEMPT" >&2
  exit 1
fi
printf '{"attempts_needed": %d}\n' "$OVERWATCH_ATTEMPT"
