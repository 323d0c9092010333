#!/usr/bin/env bash
# The tests of the API's description that need Node.js and packages from npm.
#
#   npm_test.sh install DIRECTORY                       puts the locked packages into DIRECTORY
#   npm_test.sh lint DIRECTORY DOCUMENT                 the document is free of findings
#   npm_test.sh responses DIRECTORY DOCUMENT OVERWATCH  a node of this program answers as the document says
#
# Exit codes: 0 passed, 77 skipped (the last line says why), anything else failed.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly oldest_node=18.15.0         # what responses.mjs uses: statfsSync
readonly oldest_node_of_lint=20.19.0 # what @redocly/cli supports

skip() {
  printf 'SKIPPED: %s\n' "$*"
  exit 77
}

need_node() {
  local version
  command -v node >/dev/null || skip "node is not installed"
  command -v npm >/dev/null || skip "npm is not installed"
  version=$(node --print process.versions.node)
  [[ $(printf '%s\n%s\n' "$1" "$version" | sort --version-sort | head -n 1) == "$1" ]] ||
    skip "node $version is older than $1"
}

need_packages() {
  [[ -f $1/installed ]] || skip "the packages of npm are not installed; the test openapi.install says why"
}

install() {
  local directory=$1
  mkdir -p "$directory"
  if cmp --silent "$here/package-lock.json" "$directory/installed"; then
    return
  fi
  rm -f "$directory/installed"
  cp "$here/package.json" "$here/package-lock.json" "$directory"
  cd "$directory"
  if ! npm ci --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-retry-mintimeout=2000 \
    --fetch-timeout=30000; then
    npm ping --fetch-retries=0 --fetch-timeout=30000 || skip "the npm registry does not answer"
    return 1
  fi
  cp package-lock.json installed
}

main() {
  local mode=${1:-} directory=${2:-}
  case "$mode/$#" in
    install/2)
      need_node "$oldest_node"
      install "$directory"
      ;;
    lint/3)
      need_node "$oldest_node_of_lint"
      need_packages "$directory"
      REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
        "$directory/node_modules/.bin/redocly" lint --config "$here/redocly.yaml" "$3"
      ;;
    responses/4)
      need_node "$oldest_node"
      need_packages "$directory"
      node "$here/responses.mjs" "$directory" "$3" "$4"
      ;;
    *)
      sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
      return 2
      ;;
  esac
}

main "$@"
