# shellcheck shell=sh
# Waiting: polls, deadlines and signs of life.

uptime_seconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%%.*}"
}

# centiseconds: of uptime.
centiseconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%.*}${hd_uptime#*.}"
}

now() { date +%s.%N; }

# short_sleep: a short wait between two polls.
short_sleep() { sleep 0.1 2>/dev/null || sleep 1; }

# very_short_sleep: a shorter one, for what is mostly over soon.
very_short_sleep() { sleep 0.02 2>/dev/null || sleep 1; }

# alive: whether or not anybody listens.
alive() { emit alive || :; }

# keep_alive [COMMAND]: a sign of life, or that command, every few seconds; fails if the command does.
# Called once for each poll. Polls of a slow node are slow, too, so they are no measure.
keep_alive() {
    hd_polled=$(uptime_seconds)
    [ "$hd_polled" -ge $((${hd_alive:=$hd_polled} + 3)) ] || return 0
    hd_alive=$hd_polled
    "${1:-alive}"
}

# patiently COMMAND...: with signs of life, for what can be silent for minutes.
patiently() { while_so alive "$@"; }

# while_so CHECK COMMAND...: as patiently, but CHECK gives the signs of life, and ends the command by failing.
while_so() {
    hd_check=$1
    shift
    "$@" &
    hd_busy=$!
    while kill -0 "$hd_busy" 2>/dev/null; do
        short_sleep
        keep_alive "$hd_check" || kill "$hd_busy"
    done
    wait "$hd_busy"
}

# poll_until UPTIME COMMAND...: polls with signs of life; fails at that uptime in seconds. A clock that is
# set in the meantime would end it at once, or never.
poll_until() {
    hd_deadline=$1
    shift
    hd_blinks=5
    until "$@"; do
        keep_alive
        [ "$(uptime_seconds)" -lt "$hd_deadline" ] || return 1
        if [ "$hd_blinks" -gt 0 ]; then
            hd_blinks=$((hd_blinks - 1))
            very_short_sleep
        else
            short_sleep
        fi
    done
}

# until_true SECONDS WHAT COMMAND...: polls, and says what it waited for.
until_true() {
    hd_what=$2
    hd_deadline=$(($(uptime_seconds) + $1))
    shift 2
    poll_until "$hd_deadline" "$@" && return 0
    printf 'not within the deadline: %s\n' "$hd_what"
    return 1
}
