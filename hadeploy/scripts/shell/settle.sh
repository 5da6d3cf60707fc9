# shellcheck shell=sh
# Waiting on the node itself, where a poll costs no round trip, until what was changed is worth a look.
# Given: HD_SETTLE (seconds at most), HD_VIPS, HD_PORTS, HD_CONTAINERS, lock.sh, preflight.sh.

# A container that was started only just now proves nothing; whole seconds are compared in the end.
SETTLED_CENTISECONDS=300

# age_of PID: centiseconds since it was started (proc(5), /proc/PID/stat, field 22).
age_of() {
    hd_stat=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20)
    printf '%s\n' "$(($(centiseconds) - ${hd_stat:-0}))"
}

vips_answer() {
    know_routes
    for hd_vip in $HD_VIPS; do
        ours_to_ask "$hd_vip" || continue
        for hd_port in $HD_PORTS; do
            tcp_opens "$hd_vip" "$hd_port" || return 1
        done
    done
}

# old_enough: one that does not run will not become older.
old_enough() {
    for hd_pid in $hd_pids; do
        [ ! -d "/proc/$hd_pid" ] || [ "$(age_of "$hd_pid")" -ge "$SETTLED_CENTISECONDS" ] || return 1
    done
}

# wait_for COMMAND...: within what is left of HD_SETTLE seconds.
wait_for() {
    until "$@"; do
        [ $(($(centiseconds) - hd_settling)) -lt $((HD_SETTLE * 100)) ] || return 1
        [ "$(uptime_seconds)" -lt $((hd_told + 3)) ] || {
            alive
            hd_told=$(uptime_seconds)
        }
        nap
    done
}

# settle: tells how long the VIP took to answer here.
settle() {
    hd_settling=$(centiseconds)
    hd_told=$(uptime_seconds)
    emit settling
    wait_for vips_answer
    emit settled
    printf '%s\n' "$(($(centiseconds) - hd_settling))"
    hd_pids=$(for hd_name in $HD_CONTAINERS; do main_pid "$hd_name"; done)
    wait_for old_enough
}
