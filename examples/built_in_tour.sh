#!/usr/bin/env bash
# The part of the tour that shows work that ships with every node: backup, maintenance, security scan.
# Read by quickstart.sh, whose functions and variables it uses; does nothing by itself.
# shellcheck disable=SC2154 # of quickstart.sh: data_dir, root, unexpected
set -euo pipefail

# Maintenance leaves a node's own directory alone, so the tour gives it another one.
make_scratch() {
  scratch=$data_dir.scratch
  mkdir -p -- "$scratch/cache" "$scratch/secrets"
  printf 'old\n' >"$scratch/cache/upload.part"
  printf 'new\n' >"$scratch/cache/photo.jpg"
  touch -d '3 days ago' "$scratch/cache/upload.part"
  printf -- '-----BEGIN PRIVATE %s-----\n' KEY >"$scratch/secrets/server.pem"
  chmod 644 "$scratch/secrets/server.pem"
  printf 'anybody may write here\n' >"$scratch/secrets/open.txt"
  chmod 666 "$scratch/secrets/open.txt"
}

built_in_config() {
  cat <<CONF
backup {
  sources = [$(quoted "$data_dir/node.site"), $(quoted "$root/examples"), $(quoted "$root/messages")]
  destination = $(quoted "$scratch/backups")
  roots = [$(quoted "$scratch")]
  keep-last = 3
}
maintenance {
  roots = [$(quoted "$scratch")]
  cleanup {
    uploads { path = $(quoted "$scratch/cache"), glob = "*.part", older-than = 24h }
  }
}
CONF
}

# Two backups of real directories, the second after a change; everything read back; restored elsewhere and compared.
show_backup() {
  run backup create || unexpected+=("the backup failed")
  printf 'changed\n' >>"$data_dir/node.site/index.html"
  run backup create || unexpected+=("the second backup failed")
  run backup list || unexpected+=("the backups cannot be listed")
  run backup verify || unexpected+=("the backups are not whole")
  run backup restore --target "$scratch/restored" || unexpected+=("the backup cannot be restored")
  if diff -r -- "$data_dir/node.site" "$scratch/restored$data_dir/node.site" &&
    diff -r -- "$root/messages" "$scratch/restored$root/messages"; then
    printf '\nWhat was restored is what was backed up.\n'
  else
    unexpected+=("what was restored is not what was backed up")
  fi
}

show_maintenance() {
  run maintenance run --dry-run --action cleanup || unexpected+=("the dry run of maintenance failed")
  [[ -e $scratch/cache/upload.part ]] || unexpected+=("a dry run has removed a file")
  run maintenance run || unexpected+=("maintenance failed")
  [[ ! -e $scratch/cache/upload.part ]] || unexpected+=("an old file was not cleaned up")
  [[ -e $scratch/cache/photo.jpg ]] || unexpected+=("a file was removed that no rule names")
}

# A directory with two mistakes, which the scan must find.
show_security() {
  local findings
  run security scan --check files --path "$scratch/secrets" --fail-on never || unexpected+=("the security scan failed")
  findings=$("$overwatch" --url "$url" --json security) || findings=
  [[ $findings == *server.pem* && $findings == *open.txt* ]] || unexpected+=("the scan has not found what was planted")
}
