# shellcheck shell=sh
# Stopping and disabling foreign containers; they are never removed.
# Requires: addresses.sh backends.sh container_control.sh engine.sh restore.sh vrrp_state.sh
# Inputs: HD_HAPROXY HD_KEEPALIVED HD_ROOT HD_VIPS

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
    *" /$HD_HAPROXY" | *" /$HD_KEEPALIVED") docker rename "$1" "$(free_name "${hd_called##*/}.by-hand")" ;;
    esac
}

# free_name NAME: that name, or with the first number behind it that no container has.
free_name() {
    hd_free=$1
    hd_number=1
    while docker container inspect --format '{{.Id}}' "$hd_free" >/dev/null 2>&1; do
        hd_number=$((hd_number + 1))
        hd_free=$1-$hd_number
    done
    printf '%s\n' "$hd_free"
}

# make_adopted_folder ID NAME: the folder adopted/NAME for that container, as hd_aside. What is there of another one moves
# to adopted/NAME-2, ...
make_adopted_folder() {
    hd_aside=$HD_ROOT/adopted/$2
    if [ -e "$hd_aside" ] && ! grep -qF "\"$1\"" "$hd_aside/container.json" 2>/dev/null; then
        hd_number=2
        while [ -e "$hd_aside-$hd_number" ]; do hd_number=$((hd_number + 1)); done
        mv "$hd_aside" "$hd_aside-$hd_number" || return 1
    fi
    install -d -m 0700 "$HD_ROOT/adopted" "$hd_aside"
}

# disable_container ID NAME: what it was made with stays in adopted/NAME. A keepalived that ends takes the VIP away
# with it, even if this cluster's keepalived holds it on the same node; that one adds it again.
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

# prove_disabled SECONDS: what was served before is served without them; else those that ran run again.
prove_disabled() {
    prove_backends "$1" && return 0
    for hd_pair in ${hd_disabled-}; do
        quietly docker update --restart "${hd_pair#*=}" "${hd_pair%%=*}"
        quietly docker start "${hd_pair%%=*}"
    done
    return 1
}
