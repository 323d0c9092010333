#!/usr/bin/env bash
# The tour: builds Overwatch, starts a node, gives it work of every kind, and shows what happens.
#
#   examples/quickstart.sh [--once] [--port N] [--data-dir DIR]
#
#   --once           stop the node at the end; exit 0 when all tasks ended as they should, 1 otherwise
#   --port N         where the node listens on 127.0.0.1 (default 8765)
#   --data-dir DIR   where the node keeps its data (default: a new directory; one in use goes on where it was)
#   --help           this text
#
# Installs the Debian packages that are missing (as root, or with sudo) and asks nothing. Without --once the node
# stays in the foreground until Ctrl-C.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly overwatch=$root/.build/release/runtime/overwatch
readonly batch_size=1000
# Seconds: until a node serves, and until a task of the tour has ended.
readonly start_limit=60
readonly task_limit=60
# Characters of a result in the summary.
readonly excerpt=80

once=no
port=8765
data_dir=
new_data_dir=no
node_pid=
unexpected=() # what did not end as it should
summary=()    # a line per task, and one per result

# shellcheck source=examples/control_tour.sh
source "$root/examples/control_tour.sh"
# shellcheck source=examples/built_in_tour.sh
source "$root/examples/built_in_tour.sh"

bold=""
plain=""
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
fi

fail() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n '2,12s/^# \{0,1\}//p' "$root/examples/quickstart.sh"
}

title() {
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# -- the node ----------------------------------------------------------------

port_is_taken() {
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

stop_node() {
  [[ -n $node_pid ]] || return 0
  kill -TERM "$node_pid" 2>/dev/null || true
  wait "$node_pid" 2>/dev/null || true
  node_pid=
}

build() {
  title "Build"
  "$root/config/install_packages.sh"
  local jobs
  jobs=$("$root/config/build_jobs.sh")
  printf 'Compiling with %d processes. The first time takes some minutes, later ones seconds.\n' "$jobs"
  (cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release --target overwatch -j "$jobs")
}

# A text as a string of the configuration file.
quoted() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# Programs that user_task may run are named in the node's configuration; no request can add one.
write_config() {
  cat >"$data_dir/node.conf" <<CONF
snapshots {
  roots = [$(quoted "$data_dir/node.site")]
}
commands {
  inventory {
    description = "counts files and lines of the source tree"
    argv = [$(quoted "$root/examples/inventory.sh"), $(quoted "$root")]
  }
  third_time_lucky {
    description = "fails twice, then succeeds"
    argv = [$(quoted "$root/examples/third_time_lucky.sh")]
  }
  damage {
    description = "damages the files of a web site, then fails"
    argv = [$(quoted "$root/examples/damage.sh"), $(quoted "$data_dir/node.site")]
  }
  publish {
    description = "changes a web site"
    argv = ["/bin/sh", "-c", $(quoted "echo 'version 2' > '$data_dir/node.site/index.html'")]
  }
  count_slowly {
    description = "runs for ten minutes unless it is stopped"
    argv = ["sleep", "600"]
  }
}
CONF
}

start_node() {
  title "Start a node"
  if [[ -z $data_dir ]]; then
    data_dir=$(mktemp -d "${TMPDIR:-/tmp}/overwatch.XXXXXX")
    new_data_dir=yes
  fi
  mkdir -p -- "$data_dir"
  data_dir=$(cd -- "$data_dir" && pwd)
  make_site
  make_scratch
  write_config
  built_in_config >>"$data_dir/node.conf"
  # A session of its own: Ctrl-C reaches this script, which stops the node in order.
  setsid "$overwatch" start --config-file "$data_dir/node.conf" --data-dir "$data_dir" \
    --http "127.0.0.1:$port" --log-file "$data_dir/node.log" &
  node_pid=$!
  local deadline=$((SECONDS + start_limit))
  until curl --silent --fail --max-time 2 --output /dev/null "$api/health/ready"; do
    kill -0 "$node_pid" 2>/dev/null || fail "the node did not start. The end of its log:
$(tail -n 15 "$data_dir/node.log" 2>/dev/null)"
    ((SECONDS < deadline)) || fail "the node is not ready after $start_limit s; its log is $data_dir/node.log"
    sleep 0.1
  done
  printf 'It listens on %s; its data and its log are in %s\n' "$url" "$data_dir"
}

# -- tasks -------------------------------------------------------------------

# Shows a command as one would type it, then runs it against our node.
run() {
  local word shown=overwatch
  [[ $port == 8765 ]] || shown+=" --url $url"
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_.:=+-]+$ ]] || word="'$word'"
    shown+=" $word"
  done
  printf '\n$ %s\n' "$shown"
  "$overwatch" --url "$url" "$@"
}

# Submits a task with the arguments of create-task; its id is in `task` afterwards.
submit() {
  local output
  task=
  output=$(run create-task "$@") || fail "the node refused a task:
$output"
  printf '%s\n' "$output"
  [[ $output =~ task[[:space:]]([0-9a-f-]{36}) ]] || fail "no task id in this answer"
  task=${BASH_REMATCH[1]}
}

# The first value of a field in the JSON text on standard input, without quotes.
field() {
  local text
  text=$(cat)
  if [[ $text =~ \"$1\":[[:space:]]*(\"([^\"]*)\"|[^,\}]*) ]]; then
    printf '%s' "${BASH_REMATCH[2]:-${BASH_REMATCH[1]}}"
  fi
}

# Waits for the end of a task and notes whether it ended as `expected`.
#   judge TITLE TASK EXPECTED
judge() {
  local name=$1 id=$2 expected=$3 record status seconds
  record=$(curl --silent --show-error --max-time $((task_limit + 5)) "$api/tasks/$id?wait=$task_limit") || record=
  status=$(field status <<<"$record")
  seconds=$(field execution_time <<<"$record")
  [[ $seconds =~ ^[0-9]+(\.[0-9]{1,3})? ]] && seconds=${BASH_REMATCH[0]} || seconds=-
  summary+=("$(printf '%-28s %-10s %8s   %s' "$name" "${status:-unknown}" "$seconds" "$id")")
  # The result is the last member of a task.
  if [[ $record =~ \"result\":(.*)\}$ && ${BASH_REMATCH[1]} != null ]]; then
    summary+=("$(printf '%-28s %s' "" "$(shorten "${BASH_REMATCH[1]}")")")
  fi
  [[ $status == "$expected" ]] || unexpected+=("$name ($id) is ${status:-unknown}, not $expected")
}

shorten() {
  if ((${#1} > excerpt)); then
    printf '%s ...' "${1:0:excerpt}"
  else
    printf '%s' "$1"
  fi
}

# Submits a task and prints its log, its progress and its result as they come.
#   follow TITLE EXPECTED NAME create-task options...
follow() {
  local name=$1 expected=$2 output=$data_dir/node.out
  shift 2
  run create-task "$@" --follow | tee "$output" || true # the exit code says how it ended; judge asks the node
  [[ $(<"$output") =~ task[[:space:]]([0-9a-f-]{36}) ]] || fail "no task id in this answer"
  judge "$name" "${BASH_REMATCH[1]}" "$expected"
  rm -f -- "$output"
}

wait_until_running() {
  local deadline=$((SECONDS + task_limit)) status
  until status=$(curl --silent --max-time 5 "$api/tasks/$1" | field status) && [[ $status == running ]]; do
    ((SECONDS < deadline)) || break
    sleep 0.1
  done
}

tour() {
  title "1. A check of this machine, urgent"
  follow "check of this machine" completed "check this machine" --type system_health --priority high

  title "2. A measured profile of this machine"
  follow "profile of this machine" completed "measure this machine" --type performance_check

  title "3. A program of yours: a command that the node's configuration names"
  follow "named command" completed "count the sources" --payload '{"command": "inventory"}'

  title "4. One that fails, and is tried again after a growing delay"
  follow "command that fails twice" completed "third time lucky" --payload '{"command": "third_time_lucky"}' \
    --max-attempts 5 --backoff exponential:500ms:5s

  title "5. One that is due in three seconds; ask why it does not run yet"
  submit "check later" --type system_health --at +3s
  local later=$task
  run why "$later" || unexpected+=("why does not explain task $later")
  judge "scheduled check" "$later" completed
  run logs "$later" || unexpected+=("the log of task $later cannot be read")

  title "6. One that is stopped while it runs"
  submit "count for ten minutes" --payload '{"command": "count_slowly"}'
  local slow=$task
  wait_until_running "$slow"
  run cancel "$slow" || unexpected+=("task $slow cannot be cancelled")
  judge "cancelled command" "$slow" cancelled

  title "7. One that damages files and fails: what it changed is put back"
  show_rollback

  title "8. One that succeeds, and is undone on request"
  show_undo

  title "9. One that waits until a gate is opened"
  show_gate

  title "10. A workflow: a graph of tasks as one thing"
  show_workflow

  title "11. Tasks that come by themselves: a schedule, and the rules that ship"
  show_schedule

  title "12. A backup of real directories: made twice, verified, restored, compared"
  show_backup

  title "13. Maintenance: what would be done, then done"
  show_maintenance

  title "14. A security scan of a directory with two mistakes"
  show_security

  title "15. A thousand at once"
  run_batch
}

print_summary() {
  local line program shown directory
  printf -v program '%q' "$overwatch"
  printf -v directory '%q' "$data_dir"
  shown=$program
  [[ $port == 8765 ]] || shown+=" --url $url"
  title "What happened"
  printf '%-28s %-10s %8s   %s\n' "task" "status" "seconds" "id"
  for line in "${summary[@]}"; do
    printf '%s\n' "$line"
  done
  if ((${#unexpected[@]} > 0)); then
    title "Not as expected"
    printf -- '- %s\n' "${unexpected[@]}"
  fi
  [[ $once == no ]] || return 0
  title "Go on"
  printf 'The node listens on %s, its data and its log are in %s.\n\n' "$url" "$data_dir"
  printf '  %s\n' \
    "$shown list-tasks" \
    "$shown watch" \
    "$shown create-task 'my first task' --type system_health --wait" \
    "curl $api/status" \
    "curl -X POST $api/tasks/health-check" \
    "curl -N $api/events"
  printf '\nCtrl-C stops the node. What it stored is there when it starts again:\n\n  %s\n' \
    "$program start --config-file $directory/node.conf --data-dir $directory --http 127.0.0.1:$port"
}

# -- from top to bottom --------------------------------------------------------

need_value() {
  [[ -n ${2:-} ]] || {
    printf 'quickstart: %s needs a value\n' "$1" >&2
    exit 2
  }
}

while (($# > 0)); do
  case "$1" in
    --once) once=yes ;;
    --port)
      need_value "$@"
      port=$2
      shift
      ;;
    --data-dir)
      need_value "$@"
      data_dir=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      printf 'quickstart: unknown argument %s\n\n' "$1" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done
if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
  printf 'quickstart: --port takes a number from 1 to 65535, not %s\n' "$port" >&2
  exit 2
fi
readonly url=http://127.0.0.1:$port
readonly api=$url/api/overwatch

port_is_taken && fail "port $port is taken: another program listens on 127.0.0.1:$port. Take another one: --port 18765"

trap stop_node EXIT
trap 'exit 130' INT TERM HUP

build
start_node
tour
print_summary

if [[ $once == yes ]]; then
  stop_node
  if ((${#unexpected[@]} > 0)); then
    printf '\nThe data and the log of the node are kept in %s\n' "$data_dir"
    exit 1
  fi
  if [[ $new_data_dir == yes ]]; then
    rm -rf -- "$data_dir" "$scratch"
  fi
  printf '\nAll tasks ended as they should.\n'
  exit 0
fi

stopping=no
trap 'stopping=yes' INT TERM HUP
status=0
wait "$node_pid" || status=$? # also returns when a signal came
if [[ $stopping == no ]]; then
  node_pid=
  ((status == 0)) || fail "the node ended by itself with exit code $status; its log is $data_dir/node.log"
  printf '\nThe node was stopped.\n'
  exit 0
fi
printf '\nStopping the node ...\n'
trap '' INT TERM HUP
stop_node
