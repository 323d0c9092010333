#!/usr/bin/env bash
# Three nodes on this machine: gives them work through each, kills the one that leads in the middle, and shows that
# nothing was lost.
#
#   examples/cluster.sh [--rounds N]
#
#   --rounds N   how many times each node is given ten tasks (default 20)
#   --help       this text
#
# Uses the build of examples/quickstart.sh, or makes it. Takes about half a minute, leaves nothing behind, and exits 1 when a
# task is missing. The nodes use the ports 8761 to 8763 and 7701 to 7703.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly overwatch=$root/.build/release/runtime/overwatch
readonly nodes=(a b c)
readonly tasks_per_request=10
# Seconds: until all nodes are in the cluster, and until all tasks have ended.
readonly start_limit=60
readonly end_limit=120

rounds=20
place=
declare -A pids=()
declare -A ports=([a]=8761 [b]=8762 [c]=8763)

fail() {
  printf 'cluster: %s\n' "$*" >&2
  exit 1
}

clean_up() {
  local node
  for node in "${!pids[@]}"; do
    kill -TERM "${pids[$node]}" 2>/dev/null || true
  done
  wait
  [[ -z $place ]] || rm -rf -- "$place"
}

build() {
  [[ -x $overwatch ]] && return
  "$root/config/install_packages.sh"
  (cd "$root" && cmake --preset release >/dev/null \
    && cmake --build --preset release --target overwatch -j "$("$root/config/build_jobs.sh")")
}

# ask(node path [curl options...]): the body of the answer; fails unless the status is 2xx.
ask() {
  local node=$1 path=$2
  shift 2
  curl --silent --fail --max-time 40 "http://127.0.0.1:${ports[$node]}/api/overwatch$path" "$@"
}

start_node() {
  (cd "$place" && exec "$overwatch" start --config-file "$root/config/cluster/$1.conf") >>"$place/$1.log" 2>&1 &
  pids[$1]=$!
}

# The first node that runs.
any_node() {
  local node
  for node in "${nodes[@]}"; do
    if [[ -n ${pids[$node]:-} ]]; then
      printf '%s' "$node"
      return
    fi
  done
}

# Of the first partition.
leader() {
  ask "$(any_node)" /cluster | grep -o '"leader":"[^"]*"' | head -n 1 | cut -d '"' -f 4
}

# Whether every node has a vote in every partition.
is_complete() {
  local status
  status=$(ask "$(any_node)" /cluster) || return
  (($(grep -o '"role":"voter"' <<<"$status" | wc -l) == ${#nodes[@]} * $(grep -o '"partition":' <<<"$status" | wc -l)))
}

# count(status): tasks with this status.
count() {
  ask "$(any_node)" "/tasks?limit=1000&status=$1" | grep -o '"status":"'"$1"'"' | wc -l
}

wait_for_cluster() {
  local i
  for ((i = 0; i < start_limit * 5; ++i)); do
    ! is_complete 2>/dev/null || return 0
    sleep 0.2
  done
  fail "the nodes did not find each other; see their last words:
$(tail -n 3 "$place"/*.log)"
}

# submit(node): ten tasks; their ids go to the list of what was acknowledged.
submit() {
  local body='[' i ids
  for ((i = 0; i < tasks_per_request; ++i)); do
    body+="{\"name\":\"via $1\",\"task_type\":\"system_health\"},"
  done
  if ids=$(ask "$1" /tasks/batch -X POST -d "${body%,}]"); then
    grep -o '"id":"[^"]*"' <<<"$ids" | cut -d '"' -f 4 >>"$place/acknowledged"
  else
    printf '%s\n' "$1" >>"$place/refused"
  fi
}

row() {
  printf '%5s s  %-8s %-10s %12s %10s  %s\n' "$SECONDS" "$(leader)" "${!pids[*]}" \
    "$(wc -l <"$place/acknowledged")" "$(count completed)" "$1"
}

give_work() {
  local round node note victim
  for ((round = 1; round <= rounds; ++round)); do
    note=
    if ((round == rounds / 2)); then
      victim=$(leader)
      kill -KILL "${pids[$victim]}"
      wait "${pids[$victim]}" 2>/dev/null || true
      unset "pids[$victim]"
      note="kill -9 $victim, which led"
    elif ((round == rounds * 3 / 4)) && [[ -z ${pids[$victim]:-} ]]; then
      start_node "$victim"
      note="$victim is started again"
    fi
    for node in "${nodes[@]}"; do
      [[ -z ${pids[$node]:-} || ($node == "${victim:-}" && -n $note) ]] || submit "$node"
    done
    row "$note"
  done
}

# Every id that was acknowledged is completed, whichever node is asked.
check() {
  local node missing
  for node in "${nodes[@]}"; do
    ask "$node" "/tasks?limit=1000&status=completed" | grep -o '{"id":"[^"]*"' | cut -d '"' -f 4 | sort -u >"$place/$node.completed"
    missing=$(sort "$place/acknowledged" | comm -23 - "$place/$node.completed" | wc -l)
    printf 'node %s knows %s completed tasks; of the acknowledged ones %s are missing\n' "$node" \
      "$(wc -l <"$place/$node.completed")" "$missing"
    ((missing == 0)) || return 1
  done
  (($(sort "$place/acknowledged" | uniq -d | wc -l) == 0))
}

main() {
  while (($# > 0)); do
    case "$1" in
      --rounds)
        rounds=${2:-}
        if [[ ! $rounds =~ ^[0-9]{1,2}$ ]] || ((rounds < 4 || rounds > 30)); then
          fail "--rounds takes a number from 4 to 30"
        fi
        shift
        ;;
      -h | --help)
        sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
      *) fail "unknown option $1; see --help" ;;
    esac
    shift
  done
  build
  place=$(mktemp -d)
  trap clean_up EXIT
  local node i
  for node in "${nodes[@]}"; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/${ports[$node]}") 2>/dev/null || fail "port ${ports[$node]} is taken; stop what uses it"
    start_node "$node"
  done
  wait_for_cluster
  : >"$place/acknowledged"
  SECONDS=0
  "$overwatch" --url "http://127.0.0.1:${ports[a]}" cluster status
  printf '\n%7s  %-8s %-10s %12s %10s\n' "" LEADER RUNNING ACKNOWLEDGED COMPLETED
  give_work
  for ((i = 0; i < end_limit * 2 && $(count completed) < $(wc -l <"$place/acknowledged"); ++i)); do
    sleep 0.5
  done
  wait_for_cluster
  row "the end"
  printf '\n'
  check || fail "tasks are missing: keep $place (a copy is in $place.kept) $(cp -r "$place" "$place.kept")"
  [[ ! -e $place/refused ]] || printf '%s requests were refused; nothing of them was acknowledged\n' "$(wc -l <"$place/refused")"
  printf '\nNothing was lost.\n'
}

main "$@"
