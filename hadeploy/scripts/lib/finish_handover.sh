# shellcheck shell=sh
# The end of a handover.
# Requires: adverts.sh keepalived.sh track.sh waiting.sh

# finish_handover CONTAINER PORT ADDRESS...: lets this node take the VIP again, unless the operator drained it.
finish_handover() {
    hd_container=$1
    shift
    hears_holder "$@" && set_track handover 0 || return 1
    drained || until_true "$((30 + $(listening_seconds)))" "keepalived is MASTER, or BACKUP and hears the holder" \
        has_heard "$hd_container"
}

# has_heard CONTAINER: whether keepalived is MASTER, or BACKUP and has received an advert. Before the first
# advert it reports the priority 0.
has_heard() {
    hd_said=$(vrrp_dump "$1") || return 1
    case $(printf '%s\n' "$hd_said" | sed -n 's/^   State = //p' | head -n 1) in
    MASTER) return 0 ;;
    BACKUP) ! printf '%s\n' "$hd_said" | matches '^   Master priority = 0$' ;;
    *) return 1 ;;
    esac
}
