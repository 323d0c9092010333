#!/usr/bin/env bash
# Prints a source of Debian's backports for apt, made from the machine's own entry of Debian's main archive: the same
# mirror, keys and options, another suite. No host is written down anywhere.
#
#   config/backports_source.sh CODENAME URI FILE...
#
# CODENAME is the release (bookworm), URI the one of its main archive; each FILE is a list of sources, one-line (.list)
# or deb822 (.sources). What is printed is in the form of the file where the entry was found; one-line entries begin
# with `deb`.
#
# Exit codes: 0 printed; 1 no entry of that URI and release has the component main; 2 wrong usage.
set -euo pipefail

if (($# < 3)); then
  sed -n '2,12s/^# \{0,1\}//p' "$0"
  exit 2
fi

codename=$1
uri=${2%/}
shift 2

# `deb [options] uri suite components...`: the options may hold spaces.
# shellcheck disable=SC2016 # the variables are awk's
from_list='
  /^[ \t]*deb[ \t]/ {
    line = $0
    sub(/#.*/, "", line)
    options = ""
    if (match(line, /\[[^]]*\]/)) {
      options = substr(line, RSTART, RLENGTH) " "
      line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
    }
    fields = split(line, field, /[ \t]+/)
    first = field[1] == "" ? 2 : 1
    plain = field[first + 1]
    sub(/\/$/, "", plain)
    if (plain != uri || field[first + 2] != codename)
      next
    for (i = first + 3; i <= fields; ++i)
      if (field[i] == "main") {
        print "deb " options field[first + 1] " " codename "-backports main"
        exit
      }
  }'

# Stanzas of fields; a line that begins with white space continues the field before it, whatever comments are between.
# shellcheck disable=SC2016 # likewise
from_sources='
  function has(list, word,    words, n, i) {
    n = split(list, words, /[ \t]+/)
    for (i = 1; i <= n; ++i) {
      if (words[i] == word || words[i] == word "/")
        return 1
    }
    return 0
  }
  function finish() {
    if (has(value["types"], "deb") && has(value["uris"], uri) && has(value["suites"], codename) &&
        has(value["components"], "main") && tolower(value["enabled"]) !~ /no|false|off|disable/ && !printed) {
      print "Types: deb\nURIs: " uri "\nSuites: " codename "-backports\nComponents: main"
      printf "%s", rest
      printed = 1
    }
    rest = ""
    name = ""
    delete value
  }
  /^#/ { next }
  /^[ \t]*$/ { finish(); next }
  /^[ \t]/ {
    value[name] = value[name] " " $0
    if (keep)
      rest = rest $0 "\n"
    next
  }
  {
    colon = index($0, ":")
    name = tolower(substr($0, 1, colon - 1))
    text = substr($0, colon + 1)
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    value[name] = text
    keep = name !~ /^(types|uris|suites|components|enabled)$/
    if (keep)
      rest = rest $0 "\n"
  }
  END { finish() }'

for file in "$@"; do
  [[ -r $file ]] || continue
  case $file in
    *.sources) program=$from_sources ;;
    *) program=$from_list ;;
  esac
  text=$(awk -v codename="$codename" -v uri="$uri" "$program" "$file")
  if [[ -n $text ]]; then
    printf '%s\n' "$text"
    exit 0
  fi
done
exit 1
