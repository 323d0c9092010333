#!/usr/bin/env bash
# The part of the tour that shows execution control: rollback, gates, workflows, schedules and rules.
# Read by quickstart.sh, whose functions and variables it uses; does nothing by itself.
# shellcheck disable=SC2154 # of quickstart.sh: data_dir, task, unexpected
set -euo pipefail

# What the tour lets a task damage: a web site of two files.
make_site() {
  rm -rf -- "$data_dir/node.site"
  mkdir -- "$data_dir/node.site"
  printf 'version 1\n' >"$data_dir/node.site/index.html"
  printf 'do not lose me\n' >"$data_dir/node.site/notes.txt"
  chmod 640 "$data_dir/node.site/notes.txt"
}

# Every file of the site with its mode and content, as one text.
site() {
  (cd -- "$data_dir/node.site" && find . -type f -printf '%m %p ' -exec cat {} \; | sort)
}

# A command that overwrites, deletes and adds files, and fails: afterwards all is as it was.
show_rollback() {
  local before
  before=$(site)
  printf '\nBefore:\n%s\n' "$before"
  follow "command that damages" failed "damage the site" --payload '{"command": "damage"}' \
    --snapshot-file "$data_dir/node.site"
  printf '\nAfter it failed:\n%s\n' "$(site)"
  [[ $(site) == "$before" ]] || unexpected+=("the damaged files were not put back")
}

# A change that succeeded, and is undone all the same.
show_undo() {
  submit "publish version 2" --payload '{"command": "publish"}' --snapshot-file "$data_dir/node.site" --keep-snapshot 1h
  judge "published, then undone" "$task" completed
  printf '\nPublished: %s\n' "$(<"$data_dir/node.site/index.html")"
  run rollback "$task" --reason "not yet" || unexpected+=("task $task cannot be rolled back")
  printf 'Undone: %s\n' "$(<"$data_dir/node.site/index.html")"
  [[ $(<"$data_dir/node.site/index.html") == "version 1" ]] || unexpected+=("the published change was not undone")
}

show_gate() {
  run gates close release --reason "freeze" || unexpected+=("the gate cannot be closed")
  submit "release" --type noop --gate release --on-closed-gate wait
  local waiting=$task
  run why "$waiting" || unexpected+=("why does not explain task $waiting")
  run gates open release --reason "the freeze is over" || unexpected+=("the gate cannot be opened")
  judge "waited for a gate" "$waiting" completed
}

show_workflow() {
  cat >"$data_dir/node.workflow" <<'WORKFLOW'
{"name": "survey", "tasks": [
  {"name": "count", "payload": {"command": "inventory"}},
  {"name": "check", "task_type": "system_health"},
  {"name": "report", "task_type": "noop", "depends_on": ["count", "check"]}]}
WORKFLOW
  run workflow submit "$data_dir/node.workflow" --wait || unexpected+=("the workflow did not complete")
}

show_schedule() {
  run schedules set nightly --cron "30 2 * * mon-fri" --time-zone Europe/Berlin --type system_health ||
    unexpected+=("the schedule was refused")
  run schedules next nightly || unexpected+=("the schedule has no next times")
  run rules || unexpected+=("the rules cannot be listed")
}
