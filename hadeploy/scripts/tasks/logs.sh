# shellcheck shell=sh
# What our containers log, each line marked as one of its container: whatever a client makes haproxy
# log, it does not pass for anything else. Nothing is changed.
# Requires: engine.sh long_lines.sh
# Inputs: HD_MARK HD_SECONDS
# HD_MARK: only this run knows it. HD_SECONDS: for how long at most.

# prefix_lines ROLE: line by line, at once. `sed -u` would not be quicker than the shell, and busybox has no
# stdbuf.
prefix_lines() {
    if stdbuf -oL true 2>/dev/null; then
        fold_lines | stdbuf -oL sed "s/^/$HD_MARK $1 /"
    else
        while IFS= read -r hd_line; do
            printf '%s %s %s\n' "$HD_MARK" "$1" "$hd_line"
        done
    fi
}

# report_log ROLE CONTAINER ARGUMENT...: what there is, with these arguments of `docker logs`.
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

# heartbeat_each_second: a second goes by; fails when nobody listens any more, or the time is over. Whoever was cut off
# without a word leaves nothing behind for longer than that.
heartbeat_each_second() {
    sleep 1
    hd_left=$((hd_left - 1))
    [ "$hd_left" -gt 0 ] && emit heartbeat >&3
}

# follow_log ROLE CONTAINER ARGUMENT...: as report_log, and what comes from then on, also after the
# container was started anew or recreated.
follow_log() {
    { follow "$@" | prefix_lines "$1"; } 3>&1 &
}

follow() {
    hd_role=$1
    hd_name=$2
    hd_left=$HD_SECONDS
    hd_began=$(date +%s)
    shift 2
    # What a container that does not run has logged is told, too, but once only.
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
            # The next log may hold lines that were told already.
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
