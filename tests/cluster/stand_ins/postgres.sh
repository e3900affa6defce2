#!/bin/sh
# A database `mlflow` of the user `mlflow` with the password of POSTGRES_PASSWORD, as whoever the container runs as.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
export PGDATA=/tmp/data
echo "$POSTGRES_PASSWORD" > /tmp/password
"$bin/initdb" --username mlflow --pwfile /tmp/password --auth scram-sha-256 > /dev/null
"$bin/pg_ctl" --silent --wait --options "-k /tmp -h ''" start
PGPASSWORD=$POSTGRES_PASSWORD "$bin/createdb" --host /tmp --username mlflow mlflow
"$bin/pg_ctl" --silent --wait stop
echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
exec "$bin/postgres" -k /tmp -h '*'
