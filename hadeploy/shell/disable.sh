# shellcheck shell=sh
# Stopping and disabling foreign containers; they are never removed. Given: HD_ROOT, HD_VIPS,
# HD_HAPROXY, HD_KEEPALIVED, apply.sh, handover.sh, restore.sh.

# stop_by_hand ID: for good: not even a restart of the engine brings it back.
stop_by_hand() {
    hd_policy=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}}' "$1")
    # The engine can refuse it for one that is just being restarted.
    quietly docker update --restart no "$1" || :
    stop_within 35 "$1" || {
        # It runs on, so the engine must start it again as before.
        quietly docker update --restart "${hd_policy:-no}" "$1"
        return 1
    }
    hd_called=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.Name}}' "$1")
    case $hd_called in 'no '*) ;; *) quietly docker update --restart no "$1" || return 1 ;; esac
    case $hd_called in
    *" /$HD_HAPROXY" | *" /$HD_KEEPALIVED") docker rename "$1" "${hd_called##*/}.by-hand" ;;
    esac
}

# disable_container ID NAME: what it was made with stays in adopted/NAME. A keepalived that ends takes the VIP away
# with it, even if this cluster's keepalived holds it on the same node; that one adds it again.
disable_container() {
    hd_aside=$HD_ROOT/adopted/$2
    install -d -m 0700 "$HD_ROOT/adopted" "$hd_aside" &&
        docker container inspect "$1" >"$hd_aside/container.json" || return 1
    hd_before=
    ! quietly main_pid "$HD_KEEPALIVED" || hd_before=$(vrrp_state "$HD_KEEPALIVED")
    # shellcheck disable=SC2086  # a list of words
    pin 90 $HD_VIPS || return 1
    if ! stop_by_hand "$1"; then
        # shellcheck disable=SC2086
        unpin $HD_VIPS
        return 1
    fi
    [ "$hd_before" != MASTER ] || back_in_place
    # shellcheck disable=SC2086
    unpin $HD_VIPS
}
