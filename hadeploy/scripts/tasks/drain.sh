# shellcheck shell=sh
# Keeping the VIP off a node, or ending that.
# Requires: handover.sh steps.sh track.sh vrrp_state.sh

# drain_away NAME PORT ADDRESS...: the same for good; where clients are not served here, nothing is lost.
drain_away() {
    hd_drain=$1 hd_service=$2
    shift 2
    answer_all "$hd_service" "$@" || {
        leave "set_track $hd_drain 1" "$@"
        return
    }
    move_away "$hd_drain" "$hd_service" "$@"
}
