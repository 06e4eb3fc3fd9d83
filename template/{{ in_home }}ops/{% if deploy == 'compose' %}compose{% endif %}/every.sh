#!/bin/sh
# every.sh SECONDS COMMAND...: runs the command now and then again and again. /tmp/succeeded is as
# old as the last success, which is what the healthcheck looks at. A failure is tried again soon.
set -u

interval=$1
shift

while :; do
    if "$@"; then
        touch /tmp/succeeded
        pause=$interval
    else
        echo "$* failed; it is tried again in 15 minutes" >&2
        pause=900
    fi
    sleep "$pause"
done
