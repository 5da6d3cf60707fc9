# shellcheck shell=sh
# Drain a node, or end its drain.
# Requires: handover.sh steps.sh track.sh vrrp_state.sh

# drain_away NAME PORT ADDRESS...: moves the VIPs away until `undrain`. If the VIPs serve no clients, it does not
# wait for an answer of another node.
drain_away() {
    hd_drain=$1 hd_service=$2
    shift 2
    answer_all "$hd_service" "$@" || {
        leave "set_track $hd_drain 1" "$@"
        return
    }
    move_away "$hd_drain" "$hd_service" "$@"
}
