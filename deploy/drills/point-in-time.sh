#!/bin/bash
# The drill of docs/runbooks/restore-postgres.md on this machine: a PostgreSQL that archives like the cluster
# of k8s/infra/postgres loses its disk, and is restored to a moment before a mistake. Says how long it took.
#
#   deploy/drills/point-in-time.sh [ROWS]      100000 rows unless given
#
# It leaves nothing behind. As root, PostgreSQL runs as the user postgres.
set -euo pipefail

rows=${1:-100000}
programs=$(for place in "$(dirname "$(command -v postgres || echo /none/x)")" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
  [ ! -x "$place/initdb" ] || echo "$place"
done | tail -n 1)
[ -n "$programs" ] || { echo "drill: no PostgreSQL is here: deploy/local/prerequisites.sh" >&2; exit 1; }
dir=$(mktemp -d /tmp/plinth-drill-XXXXXX)
# Where the server is found: elsewhere after the loss, as on another machine.
sockets=$dir/before

main() {
  trap clean EXIT
  prepare
  echo "drill: a cluster that archives every segment, a base backup, $rows rows and more after it"
  psql -c "CREATE TABLE accounts (id bigint PRIMARY KEY, email text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())"
  psql -c "INSERT INTO accounts (id, email) SELECT n, n || '@example.com' FROM generate_series(1, $rows / 2) AS n"
  as_postgres "$programs/pg_basebackup" -h "$sockets" -D "$dir/base" -c fast --no-sync
  psql -c "INSERT INTO accounts (id, email) SELECT n, n || '@example.com' FROM generate_series($rows / 2 + 1, $rows) AS n"
  local wanted moment
  wanted=$(fingerprint)
  moment=$(psql -c "SELECT clock_timestamp()")
  sleep 1
  echo "drill: the mistake: half of all rows deleted, the rest changed; then the disk is lost"
  psql -c "DELETE FROM accounts WHERE id % 2 = 0" -c "UPDATE accounts SET email = 'gone'"
  # What archive_timeout does within five minutes (k8s/infra/postgres/base/cluster.yaml).
  psql -c "SELECT pg_switch_wal()" >/dev/null
  archived
  kill -9 "$(head -n 1 "$dir/data/postmaster.pid")"
  sleep 1
  rm -rf "$dir/data"

  local start=$SECONDS
  sockets=$dir/after
  as_postgres mv "$dir/base" "$dir/data"
  as_postgres sh -c "cat >>'$dir/data/postgresql.auto.conf'" <<EOF
restore_command = 'cp $dir/archive/%f %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
EOF
  as_postgres touch "$dir/data/recovery.signal"
  serve
  until [ "$(psql -c "SELECT pg_is_in_recovery()" 2>/dev/null)" = f ]; do sleep 0.1; done
  local found
  found=$(fingerprint)
  if [ "$found" != "$wanted" ]; then
    echo "drill: FAILED: $wanted was wanted at $moment, and $found is there" >&2
    exit 1
  fi
  echo "drill: restored to $moment within $((SECONDS - start)) s (4 h are allowed): all $rows rows, as they were"
}

prepare() {
  mkdir "$dir/archive" "$dir/before" "$dir/after"
  [ "$(id -u)" -ne 0 ] || chown -R postgres "$dir"
  as_postgres "$programs/initdb" -D "$dir/data" -U postgres -A trust --data-checksums --no-sync >/dev/null
  as_postgres sh -c "cat >>'$dir/data/postgresql.conf'" <<EOF
listen_addresses = ''
archive_mode = on
archive_command = 'test ! -f $dir/archive/%f && cp %p $dir/archive/%f'
archive_timeout = 5min
EOF
  serve
}

serve() {
  as_postgres "$programs/pg_ctl" -D "$dir/data" -l "$dir/log" -o "-k $sockets" -w -s start || { tail -n 5 "$dir/log" >&2; exit 1; }
}

as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then (cd "$dir" && runuser -u postgres -- "$@"); else "$@"; fi
}

psql() {
  as_postgres "$programs/psql" -h "$sockets" -U postgres -d postgres -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# How many rows there are, and a hash of all that they say.
fingerprint() {
  psql -c "SELECT count(*) || ' rows ' || md5(string_agg(id || email || at, ',' ORDER BY id)) FROM accounts"
}

# Waits until nothing is left to archive.
archived() {
  until [ -z "$(find "$dir/data/pg_wal/archive_status" -name '*.ready')" ]; do sleep 0.1; done
}

clean() {
  if [ -f "$dir/data/postmaster.pid" ]; then as_postgres "$programs/pg_ctl" -D "$dir/data" -m immediate -s stop || true; fi
  rm -rf "$dir"
}

main
