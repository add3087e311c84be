#!/bin/sh
# Runs Mosquitto in a container of its own. Whoever writes its files is in another container and
# cannot signal it, so it looks once a second whether they changed and signals itself.
set -eu
folder=$1
# Each connected device is an open file; some engines start a container with 1,024.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
mosquitto -c "$folder/mosquitto.conf" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT
stamp() { stat -c '%i %Y' "$folder/devices.passwords" "$folder/platform.passwords" 2>/dev/null || true; }
seen=$(stamp)
while kill -0 "$broker" 2>/dev/null; do
    sleep 1
    now=$(stamp)
    if [ "$now" != "$seen" ]; then
        seen=$now
        kill -HUP "$broker" 2>/dev/null || true
    fi
done
wait "$broker"
