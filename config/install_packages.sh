#!/usr/bin/env bash
# Installs the Debian 12 packages that Overwatch needs and this machine lacks. Asks nothing.
#
#   config/install_packages.sh          what a build and a node need
#   config/install_packages.sh tests    the same, and what the tests need
#   config/install_packages.sh tidy     the same as tests, and the linters
#
# Exit codes: 0 everything is there; 1 something is missing and could not be installed; 2 wrong usage.
set -euo pipefail

# Seconds to wait for another program that holds apt's lock.
readonly lock_timeout=600
# Attempts of one apt-get run, and seconds between them: mirrors and locks are often away for a moment only.
readonly tries=5
readonly pause=6

readonly build_packages=(
  g++ cmake ninja-build ccache pkg-config curl
  libcaf-dev libboost-json1.81-dev libspdlog-dev librocksdb-dev libcivetweb-dev libcli11-dev libcurl4-openssl-dev libssl-dev
  libsodium-dev libsqlite3-dev
  libhowardhinnant-date-dev liblua5.4-dev libzstd-dev zlib1g-dev tzdata
)
# The Raft library that Debian 12 has is older, and loses acknowledged entries. Debian 13 has a newer one; for 12 it is
# in backports.
readonly raft_package=libraft-dev
readonly raft_version=0.22
readonly test_packages=(libgtest-dev libgmock-dev librapidcheck-dev python3)
# A missing one makes its test skip, so failing to install it is only a warning. `prometheus` brings promtool,
# `libfaketime` sets the clock of one process, `iproute2` and `nftables` make and cut the links of test hosts.
readonly optional_test_packages=(prometheus libfaketime iproute2 nftables)
readonly tidy_packages=(clang-tidy shellcheck)

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}

fail() {
  printf 'install_packages: %s\n' "$*" >&2
  exit 1
}

is_installed() {
  [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Prints those of its arguments that are not installed.
missing_of() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

# Fills `as_root` with what has to stand before a command that changes the system.
find_root() {
  as_root=()
  [[ $(id -u) -eq 0 ]] && return
  if ! command -v sudo >/dev/null; then
    fail "these packages are missing: $*. Run as root, or install them: apt-get install $*"
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif [[ -t 0 ]]; then
    as_root=(sudo) # sudo itself may ask for the password, once
  else
    fail "these packages are missing and sudo wants a password: $*. Run: sudo apt-get install $*"
  fi
}

apt() {
  local try
  for ((try = 1; ; ++try)); do
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
      apt-get -qq -o "DPkg::Lock::Timeout=$lock_timeout" -o Dpkg::Use-Pty=0 "$@" </dev/null; then
      return 0
    fi
    ((try < tries)) || return 1
    printf 'install_packages: apt-get %s failed; trying again in %d s (%d of %d)\n' "$1" "$pause" "$try" "$tries" >&2
    sleep "$pause"
  done
}

# True when apt's lists know a version of every package named.
lists_know() {
  local package
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

# Installs the packages named. Lists are fetched only when they do not know a package or are too old to
# find its file.
install() {
  local fresh=no
  if ! lists_know "$@"; then
    apt update || return 1
    fresh=yes
    lists_know "$@" || return 1
  fi
  printf 'install_packages: installing %s\n' "$*" >&2
  apt install --yes --no-install-recommends "$@" >/dev/null && return 0
  [[ $fresh == no ]] || return 1
  apt update && apt install --yes --no-install-recommends "$@" >/dev/null
}

# The package `prometheus` starts a server when it is installed; only promtool of it is wanted. Debian's
# policy hook keeps services from starting while it is there; afterwards the unit is disabled.
install_without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    # shellcheck disable=SC2064 # the values of now: the locals are gone when the script ends
    trap "${as_root[*]} rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  install "$@" || return 1
  if command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable --quiet prometheus.service || true # no init system here: nothing to disable
  fi
}

raft_is_installed() {
  local version
  version=$(dpkg-query --show --showformat '${Version}' "$raft_package" 2>/dev/null) || return 1
  [[ -n $version ]] && dpkg --compare-versions "$version" ge "$raft_version"
}

# Prints the newest version of the Raft library that apt's lists know and that is new enough.
known_raft() {
  local version newest=
  while read -r version; do
    dpkg --compare-versions "$version" ge "$raft_version" || continue
    [[ -n $newest ]] && dpkg --compare-versions "$version" le "$newest" || newest=$version
  done < <(apt-cache madison "$raft_package" 2>/dev/null | cut -d'|' -f2 | tr -d ' ')
  printf '%s' "$newest"
}

# Adds the backports suite beside the machine's own entry of Debian's main archive.
add_backports() {
  local here codename uri source extension=sources
  here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # shellcheck disable=SC2016 # the variable is apt's
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
    "Codename: $codename" 'Component: main' | head -n 1)
  [[ -n $uri ]] || return 1
  source=$("$here/backports_source.sh" "$codename" "$uri" /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
    /etc/apt/sources.list.d/*.sources) || return 1
  [[ $source != deb\ * ]] || extension=list
  printf 'install_packages: adding %s-backports, where %s %s is\n' "$codename" "$raft_package" "$raft_version" >&2
  printf '%s\n' "$source" |
    "${as_root[@]}" tee "/etc/apt/sources.list.d/overwatch-backports.$extension" >/dev/null
}

install_raft() {
  local version
  version=$(known_raft)
  if [[ -z $version ]]; then
    apt update || return 1
    version=$(known_raft)
  fi
  if [[ -z $version ]]; then
    add_backports && apt update || return 1
    version=$(known_raft)
  fi
  [[ -n $version ]] || return 1
  printf 'install_packages: installing %s %s\n' "$raft_package" "$version" >&2
  apt install --yes --no-install-recommends "$raft_package=$version" "libraft0=$version" >/dev/null
}

main() {
  local wanted=("${build_packages[@]}") optional=() missing
  case "${1:-}" in
    "") ;;
    tests)
      wanted+=("${test_packages[@]}")
      optional=("${optional_test_packages[@]}")
      ;;
    tidy)
      wanted+=("${test_packages[@]}" "${tidy_packages[@]}")
      optional=("${optional_test_packages[@]}")
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac

  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "this is not a Debian system. Debian 12 is needed, with: ${wanted[*]}"
  fi

  mapfile -t missing < <(missing_of "${wanted[@]}")
  if ((${#missing[@]} > 0)); then
    find_root "${missing[@]}"
    install "${missing[@]}" || true # what counts is what is there afterwards
    mapfile -t missing < <(missing_of "${missing[@]}")
    ((${#missing[@]} == 0)) ||
      fail "could not install: ${missing[*]}. They are packages of Debian 12 (bookworm, main); apt-get says why, above."
  fi

  if ! raft_is_installed; then
    find_root "$raft_package"
    install_raft || true # as above
    raft_is_installed ||
      fail "could not install $raft_package $raft_version or newer. It is in Debian 13, and in backports of Debian 12:" \
        "add that suite to apt's sources and run: apt-get install -t bookworm-backports $raft_package"
  fi

  ((${#optional[@]} > 0)) || return 0
  mapfile -t missing < <(missing_of "${optional[@]}")
  if ((${#missing[@]} > 0)); then
    find_root "${missing[@]}"
    install_without_services "${missing[@]}" ||
      printf 'install_packages: could not install %s; the tests that use it will be skipped\n' "${missing[*]}" >&2
  fi
}

main "$@"
