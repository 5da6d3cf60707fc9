# shellcheck shell=sh
# Waiting: polls, deadlines and heartbeats.

uptime_seconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%%.*}"
}

# centiseconds: the uptime in hundredths of a second.
centiseconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%.*}${hd_uptime#*.}"
}

now() { date +%s.%N; }

# short_sleep: a short wait between two polls.
short_sleep() { sleep 0.1 2>/dev/null || sleep 1; }

# very_short_sleep: for conditions that mostly become true within milliseconds.
very_short_sleep() { sleep 0.02 2>/dev/null || sleep 1; }

# heartbeat: succeeds even if the connection is lost.
heartbeat() { emit heartbeat || :; }

# heartbeat_if_due [COMMAND]: sends a heartbeat, or runs the command, every 3 s; fails if the command fails.
# It is called once for each poll, and measures time, since the polls of a slow node are slow.
heartbeat_if_due() {
    hd_polled=$(uptime_seconds)
    [ "$hd_polled" -ge $((${hd_last_heartbeat:=$hd_polled} + 3)) ] || return 0
    hd_last_heartbeat=$hd_polled
    "${1:-heartbeat}"
}

# with_heartbeat COMMAND...: for commands that may print nothing for minutes.
with_heartbeat() { run_while heartbeat "$@"; }

# run_while CHECK COMMAND...: as with_heartbeat, but CHECK sends the heartbeats, and kills the command by failing.
run_while() {
    hd_check=$1
    shift
    "$@" &
    hd_busy=$!
    while kill -0 "$hd_busy" 2>/dev/null; do
        short_sleep
        heartbeat_if_due "$hd_check" || kill "$hd_busy"
    done
    wait "$hd_busy"
}

# poll_until UPTIME COMMAND...: polls with heartbeats; fails at that uptime in seconds. The deadline is an
# uptime, because the clock may be set in the meantime.
poll_until() {
    hd_deadline=$1
    shift
    hd_short_polls=5
    until "$@"; do
        heartbeat_if_due
        [ "$(uptime_seconds)" -lt "$hd_deadline" ] || return 1
        if [ "$hd_short_polls" -gt 0 ]; then
            hd_short_polls=$((hd_short_polls - 1))
            very_short_sleep
        else
            short_sleep
        fi
    done
}

# until_true SECONDS WHAT COMMAND...: polls; if the time is over, prints WHAT.
until_true() {
    hd_what=$2
    hd_deadline=$(($(uptime_seconds) + $1))
    shift 2
    poll_until "$hd_deadline" "$@" && return 0
    printf 'not within the deadline: %s\n' "$hd_what"
    return 1
}
