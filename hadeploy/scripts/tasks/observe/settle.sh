# shellcheck shell=sh
# After a change, wait until the node is worth observing. It waits on the node, where a poll needs no round
# trip.
# Requires: answer.sh engine.sh preflight.sh waiting.sh
# Inputs: HD_CONTAINERS HD_PORTS HD_VIPS
# HD_SETTLE: seconds at most.

# A container that has only just started proves nothing. The proof compares whole seconds.
SETTLED_CENTISECONDS=300

# age_of PID: centiseconds since its start (proc(5), /proc/PID/stat, field 22).
age_of() {
    hd_stat=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20)
    printf '%s\n' "$(($(centiseconds) - ${hd_stat:-0}))"
}

vips_answer() {
    read_routes
    for hd_vip in $HD_VIPS; do
        may_be_asked "$hd_vip" || continue
        for hd_port in $HD_PORTS; do
            tcp_opens "$hd_vip" "$hd_port" || return 1
        done
    done
}

# old_enough: ignores processes that have ended.
old_enough() {
    for hd_pid in $hd_pids; do
        [ ! -d "/proc/$hd_pid" ] || [ "$(age_of "$hd_pid")" -ge "$SETTLED_CENTISECONDS" ] || return 1
    done
}

# settle: reports how long the VIP took to answer on this node.
settle() {
    hd_settling=$(centiseconds)
    hd_settled=$(($(uptime_seconds) + HD_SETTLE))
    emit settling
    poll_until "$hd_settled" vips_answer
    emit settled
    printf '%s\n' "$(($(centiseconds) - hd_settling))"
    hd_pids=$(for hd_name in $HD_CONTAINERS; do main_pid "$hd_name"; done)
    poll_until "$hd_settled" old_enough
}
