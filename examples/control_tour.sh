#!/usr/bin/env bash
# The part of the tour that shows execution control: rollback, gates, workflows, schedules and rules, and a thousand
# tasks at once.
# Read by quickstart.sh, whose functions and variables it uses; does nothing by itself.
# shellcheck disable=SC2154 # of quickstart.sh: data_dir, task, unexpected, api, batch_size, task_limit
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

run_batch() {
  local tag=quickstart-$$-$EPOCHSECONDS begin=$EPOCHREALTIME end left deadline=$((SECONDS + task_limit)) completed
  printf '\n$ seq -f '\''{"name": "noop %%g", "task_type": "noop", "tags": ["%s"]}'\'' %d |\n' "$tag" "$batch_size"
  printf '    curl --data-binary @- -H "Content-Type: application/x-ndjson" %s/tasks/batch\n' "$api"
  seq -f "{\"name\": \"noop %g\", \"task_type\": \"noop\", \"tags\": [\"$tag\"]}" "$batch_size" |
    curl --silent --show-error --fail-with-body --data-binary @- -H 'Content-Type: application/x-ndjson' \
      "$api/tasks/batch" >"$data_dir/node.out" ||
    {
      unexpected+=("the batch was refused: $(head -c 500 "$data_dir/node.out")")
      return 0
    }
  while
    left=$(curl --silent --max-time 5 "$api/tasks?tags=$tag&status=pending,queued,running,retrying&limit=1") || left=
    [[ $left != '[]' ]] && ((SECONDS < deadline))
  do
    sleep 0.05
  done
  end=$EPOCHREALTIME
  completed=$(curl --silent --max-time 30 "$api/tasks?tags=$tag&status=completed&limit=$batch_size" |
    grep -o '"task_type": *"noop"' | wc -l || true)
  rm -f -- "$data_dir/node.out"
  # EPOCHREALTIME has six digits behind its point (or comma): without it, microseconds.
  printf '%d of %d tasks were stored on disk, run and completed in %d ms, submitting included\n' \
    "$completed" "$batch_size" $(((${end//[.,]/} - ${begin//[.,]/}) / 1000))
  summary+=("$(printf '%-28s %-10s %8s   %s' "$batch_size tasks in one request" "$completed done" "-" "tag $tag")")
  ((completed == batch_size)) || unexpected+=("$completed of $batch_size tasks of the batch completed")
}
