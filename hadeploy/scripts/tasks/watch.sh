# shellcheck shell=sh
# Watch a node during a failure. The output of the programs is reported line by line; drill/events.py
# parses it.
# Requires: long_lines.sh waiting.sh watch_mark.sh
# Inputs: HD_CLUSTER HD_KEEPALIVED HD_SECONDS HD_WATCH
# HD_WATCH: this run's token.

# shellcheck disable=SC2154  # watch_mark.sh
watched() { [ "$(cat "$watch_mark" 2>/dev/null)" = "$HD_WATCH" ] && [ "$(uptime_seconds)" -lt "$1" ]; }

# each_line: reports the lines of the pipe, until it ends or the connection is lost.
each_line() {
    while IFS= read -r hd_line; do
        [ -z "$hd_line" ] || emit event "$hd_line" || return
    done
}

# follow_keepalived: from the beginning of the watch, so that a restart of the container hides nothing.
follow_keepalived() {
    timeout "$HD_SECONDS" docker logs --follow --timestamps --since "$hd_since" "$HD_KEEPALIVED" \
        >"$hd_pipe" 2>&1 &
    hd_log=$!
}

# follow_addresses: returns once `ip monitor` receives events, so that it does not miss the failure.
follow_addresses() {
    # shellcheck disable=SC2016  # expanded by the inner shell, whose PID becomes that of ip
    TZ=UTC timeout "$HD_SECONDS" sh -c 'echo $$ >"$0" && exec ip -ts -o monitor address' \
        "$hd_folder/listener" >"$hd_pipe" &
    hd_addresses=$!
    hd_listen_until=$(($(uptime_seconds) + 10))
    until listens || [ "$(uptime_seconds)" -ge "$hd_listen_until" ]; do very_short_sleep; done
}

# listens: whether `ip monitor` has a socket of NETLINK_ROUTE (0) with groups; its port id is the PID
# (netlink(7)). If a process of another PID namespace has that number, the kernel chooses another one.
listens() {
    hd_listener=$(cat "$hd_folder/listener" 2>/dev/null) && [ -n "$hd_listener" ] &&
        grep -q "^[^ ]*  *0  *$hd_listener  *0*[1-9a-f]" /proc/net/netlink
}

# The line is one field, because docker writes each field separately, and another program could write into
# the pipe in between.
hd_event='{{printf "%d %s %s\n" .TimeNano .Action .Actor.Attributes.name}}'

# watch_node: watches until the mark is gone, at most HD_SECONDS.
watch_node() {
    install -d -m 0700 /run/hadeploy && printf '%s\n' "$HD_WATCH" >"$watch_mark" || return 1
    hd_until=$(($(uptime_seconds) + HD_SECONDS))
    hd_since=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    hd_folder=$(mktemp -d /run/hadeploy/watch.XXXXXX) && hd_pipe=$hd_folder/pipe && mkfifo "$hd_pipe" ||
        return 1
    # Descriptor 7 keeps the pipe open for writing, so that it does not end with a program.
    { fold_lines | each_line; } <"$hd_pipe" &
    hd_reader=$!
    exec 7>"$hd_pipe"
    follow_addresses
    hd_events=
    hd_log=
    hd_reported=0
    while watched "$hd_until"; do
        # These end with the engine, and with the container.
        kill -0 "$hd_events" 2>/dev/null || {
            timeout "$HD_SECONDS" docker events --since "$hd_since" \
                --filter "label=hadeploy.cluster=$HD_CLUSTER" --filter type=container \
                --format "$hd_event" >"$hd_pipe" 2>/dev/null &
            hd_events=$!
        }
        kill -0 "$hd_log" 2>/dev/null || follow_keepalived
        if [ "$(uptime_seconds)" -gt "$hd_reported" ]; then
            hd_reported=$(uptime_seconds)
            emit clock "$(now)" || break
        fi
        short_sleep
    done
    kill "$hd_addresses" "$hd_events" "$hd_log" 2>/dev/null
    exec 7>&-
    wait "$hd_reader"
    rm -rf "$hd_folder"
    # A later watch may have written its mark by now.
    [ "$(cat "$watch_mark" 2>/dev/null)" != "$HD_WATCH" ] || rm -f "$watch_mark"
}
