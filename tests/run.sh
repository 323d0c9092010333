#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests. Ends with CTest's summary; exits non-zero when
# anything failed. Works from any directory, as root or as a user with sudo.
#
#   tests/run.sh            every test, and those of single parts under AddressSanitizer and UBSan
#   tests/run.sh --dev      every test, nothing else: the quick one
#   tests/run.sh --asan     only the tests of single parts under AddressSanitizer and UBSan
#   tests/run.sh --tsan     only the tests of actors and threads under ThreadSanitizer
#   tests/run.sh --tidy     only clang-tidy over the sources, and shellcheck over the scripts
#   tests/run.sh --all      all of the above
#   tests/run.sh ... -- A   passes A to CTest, for example: tests/run.sh --dev -- -R SchedulerTest
#
# Options can be combined. The dev tests run last, so their summary is the end of the output.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

# Folders whose tests run under the sanitizers too: our own code, in its own process. ThreadSanitizer knows nothing of
# what happens inside Debian's libraries, so it gets what runs on CAF's deterministic scheduler or on our own threads.
readonly sanitized=(messages actors storage config http handlers rules security backup maintenance replication simulation fuzz)
# Of these, what measures its own memory, or is killed a hundred times: too slow there.
readonly unsanitized='backup\.(LargeTest|CrashTest)|storage\.(LargeStateTest|ReplacementCrashTest)'
readonly threaded=(messages actors http handlers)
# Of these, what needs threads of CAF's: their synchronisation is invisible to it, so its reports would be false.
readonly real_scheduler='PoolTest|JournalTest\.Checkpoint'
# Tests at once. More would make those with real processes wait for each other on a small machine.
readonly parallel_tests=2

usage() {
  sed -n '2,13s/^# \{0,1\}//p' "$root/tests/run.sh"
}

say() {
  printf '\n== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
}

# build(preset folders...): the tests of these folders, or everything without one.
build() {
  local preset=$1 folder targets=()
  shift
  for folder in "$@"; do
    [[ ! -e $root/tests/$folder/CMakeLists.txt ]] || targets+=(--target "test_$folder")
  done
  say "building $preset with $jobs compiler(s)"
  cmake --preset "$preset" -S "$root" >/dev/null
  cmake --build "$root/.build/$preset" -j "$jobs" "${targets[@]}"
}

# The expression that selects the tests of these folders.
tests_of() {
  local IFS='|'
  printf '^(%s)\.' "$*"
}

# run_tests(preset ctest options...). A failure ends the script; what was printed last is CTest's summary.
run_tests() {
  local preset=$1
  shift
  say "testing $preset"
  ctest --test-dir "$root/.build/$preset" -j "$parallel_tests" --output-on-failure --no-tests=error \
    "$@" "${ctest_options[@]}"
}

run_asan() {
  build asan "${sanitized[@]}"
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1 \
    UBSAN_OPTIONS=print_stacktrace=1 run_tests asan -R "$(tests_of "${sanitized[@]}")" -E "$unsanitized"
}

run_tsan() {
  build tsan "${threaded[@]}"
  TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$root/tests/tsan.supp" \
    run_tests tsan -R "$(tests_of "${threaded[@]}")" -E "$real_scheduler"
}

run_tidy() {
  local scripts
  say "shellcheck"
  mapfile -t scripts < <(cd "$root" && find .ci config examples tests -name '*.sh' -o -path .ci/run)
  (cd "$root" && shellcheck "${scripts[@]}")
  say "clang-tidy"
  cmake --preset dev -S "$root" >/dev/null
  (cd "$root" && find messages actors config http runtime -name '*.cpp' -print0 | sort -z |
    xargs -0 -n 1 -P "$jobs" clang-tidy --quiet -p .build/dev)
}

main() {
  local steps=() step
  ctest_options=()
  while (($# > 0)); do
    case "$1" in
      --dev | --asan | --tsan | --tidy) steps+=("${1#--}") ;;
      --all) steps+=(tidy tsan asan dev) ;;
      -h | --help)
        usage
        exit 0
        ;;
      --)
        shift
        ctest_options=("$@")
        break
        ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    shift
  done
  ((${#steps[@]} > 0)) || steps=(asan dev)

  if [[ " ${steps[*]} " == *" tidy "* ]]; then
    "$root/config/install_packages.sh" tidy
  else
    "$root/config/install_packages.sh" tests
  fi
  jobs=$("$root/config/build_jobs.sh")

  # Compile errors show in the first minutes: dev is built before anything runs.
  if [[ " ${steps[*]} " == *" dev "* ]]; then
    build dev
  fi
  for step in tidy tsan asan; do
    if [[ " ${steps[*]} " == *" $step "* ]]; then
      "run_$step"
    fi
  done
  if [[ " ${steps[*]} " == *" dev "* ]]; then
    run_tests dev
  fi
}

main "$@"
