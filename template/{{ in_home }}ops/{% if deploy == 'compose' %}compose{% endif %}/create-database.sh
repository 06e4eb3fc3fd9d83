#!/bin/sh
# Runs once, on an empty volume: the service's role owns its database and nothing else.
set -eu

psql --username postgres --set ON_ERROR_STOP=1 --set password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE service LOGIN PASSWORD :'password';
CREATE DATABASE service OWNER service;
REVOKE CONNECT, TEMPORARY ON DATABASE service FROM PUBLIC;
SQL
