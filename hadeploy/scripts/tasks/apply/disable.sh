# shellcheck shell=sh
# Stop and disable foreign containers; they are never removed.
# Requires: addresses.sh backends.sh container_control.sh engine.sh restore.sh vrrp_state.sh
# Inputs: HD_HAPROXY HD_KEEPALIVED HD_ROOT HD_VIPS

# stop_by_hand ID: permanently: a restart of the engine does not start it either.
stop_by_hand() {
    hd_policy=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}}' "$1")
    # The engine can refuse it during a restart of the container.
    quietly docker update --restart no "$1" || :
    stop_within 35 "$1" || {
        # It still runs, so it gets its restart policy back.
        quietly docker update --restart "${hd_policy:-no}" "$1"
        return 1
    }
    hd_called=$(docker container inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.Name}}' "$1")
    case $hd_called in 'no '*) ;; *) quietly docker update --restart no "$1" || return 1 ;; esac
    case $hd_called in
    *" /$HD_HAPROXY" | *" /$HD_KEEPALIVED") docker rename "$1" "$(free_name "${hd_called##*/}.by-hand")" ;;
    esac
}

# free_name NAME: NAME if no container has it, or NAME-2, NAME-3, ...
free_name() {
    hd_free=$1
    hd_number=1
    while docker container inspect --format '{{.Id}}' "$hd_free" >/dev/null 2>&1; do
        hd_number=$((hd_number + 1))
        hd_free=$1-$hd_number
    done
    printf '%s\n' "$hd_free"
}

# make_adopted_folder ID NAME: sets hd_aside to the folder adopted/NAME for this container. The folder of
# another container moves to adopted/NAME-2, ...
make_adopted_folder() {
    hd_aside=$HD_ROOT/adopted/$2
    if [ -e "$hd_aside" ] && ! grep -qF "\"$1\"" "$hd_aside/container.json" 2>/dev/null; then
        hd_number=2
        while [ -e "$hd_aside-$hd_number" ]; do hd_number=$((hd_number + 1)); done
        mv "$hd_aside" "$hd_aside-$hd_number" || return 1
    fi
    install -d -m 0700 "$HD_ROOT/adopted" "$hd_aside"
}

# disable_container ID NAME: saves its specification in adopted/NAME. A keepalived that stops removes the VIP,
# even if our keepalived holds it on the same node; ours adds it again.
disable_container() {
    make_adopted_folder "$1" "$2" && docker container inspect "$1" >"$hd_aside/container.json" &&
        durable "$HD_ROOT/adopted" || return 1
    hd_before=
    ! quietly main_pid "$HD_KEEPALIVED" || hd_before=$(vrrp_state "$HD_KEEPALIVED")
    # shellcheck disable=SC2086  # a list of words
    pin_vip 90 $HD_VIPS || return 1
    hd_ran=$(docker container inspect \
        --format '{{.State.Running}} {{.Id}}={{.HostConfig.RestartPolicy.Name}}' "$1")
    case $hd_ran in 'true '*) hd_disabled="${hd_ran#* } ${hd_disabled-}" ;; esac
    if ! stop_by_hand "$1"; then
        # shellcheck disable=SC2086
        unpin $HD_VIPS
        return 1
    fi
    [ "$hd_before" != MASTER ] || back_in_place
    # shellcheck disable=SC2086
    unpin $HD_VIPS
}

# prove_disabled SECONDS: proves the backends without the disabled containers; if that fails, starts them again.
prove_disabled() {
    prove_backends "$1" && return 0
    for hd_pair in ${hd_disabled-}; do
        quietly docker update --restart "${hd_pair#*=}" "${hd_pair%%=*}"
        quietly docker start "${hd_pair%%=*}"
    done
    return 1
}
