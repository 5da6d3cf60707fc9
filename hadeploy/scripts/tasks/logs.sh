# shellcheck shell=sh
# The logs of our containers. Each line is marked with its container, so that nothing that a client makes
# haproxy log is mistaken for a message. It changes nothing.
# Requires: engine.sh long_lines.sh
# Inputs: HD_MARK HD_SECONDS
# HD_MARK: a random token of this run. HD_SECONDS: the time limit.

# prefix_lines ROLE: prints each line at once. busybox has no stdbuf, and its `sed -u` is not faster than the
# shell. The mark is not an argument: all users of the node can see arguments.
prefix_lines() {
    if stdbuf -oL true 2>/dev/null; then
        fold_lines | stdbuf -oL sed -f /proc/self/fd/9 9<<END
s/^/$HD_MARK $1 /
END
    else
        while IFS= read -r hd_line; do
            printf '%s %s %s\n' "$HD_MARK" "$1" "$hd_line"
        done
    fi
}

# report_log ROLE CONTAINER ARGUMENT...: the log so far, with these arguments of `docker logs`.
report_log() {
    hd_role=$1
    hd_name=$2
    shift 2
    is_ours "$hd_name" || {
        emit absent "$hd_role"
        return 0
    }
    {
        {
            timeout "$HD_SECONDS" docker logs --timestamps "$@" "$hd_name" 2>&1 ||
                emit cut-off "$hd_role" "$?" >&3
        } | prefix_lines "$hd_role"
    } 3>&1
}

# heartbeat_each_second: waits a second; fails if the connection is lost or the time is over. So no process
# outlives a lost connection for long.
heartbeat_each_second() {
    sleep 1
    hd_left=$((hd_left - 1))
    [ "$hd_left" -gt 0 ] && emit heartbeat >&3
}

# follow_log ROLE CONTAINER ARGUMENT...: as report_log, and then all new lines, also after a restart or a
# recreation of the container.
follow_log() {
    { follow "$@" | prefix_lines "$1"; } 3>&1 &
}

follow() {
    hd_role=$1
    hd_name=$2
    hd_left=$HD_SECONDS
    hd_began=$(date +%s)
    shift 2
    # The log of a stopped container is printed once.
    hd_ready=is_ours
    while :; do
        if "$hd_ready" "$hd_name" >/dev/null; then
            [ "$hd_ready" = is_ours ] || emit running "$hd_role" >&3
            timeout "$HD_SECONDS" docker logs --follow --timestamps "$@" "$hd_name" 2>&1 3>&- &
            hd_log=$!
            while kill -0 "$hd_log" 2>/dev/null; do
                heartbeat_each_second || {
                    kill "$hd_log"
                    return
                }
            done
            # The next log may repeat lines.
            echo again
            set -- --since "$hd_began"
            hd_ready=main_pid
            main_pid "$hd_name" >/dev/null || emit stopped "$hd_role" >&3
        elif [ "$hd_ready" = is_ours ]; then
            hd_ready=main_pid
            emit stopped "$hd_role" >&3
        fi
        heartbeat_each_second || return
    done
}
