# shellcheck shell=sh
# Take over a cluster that was set up by hand; its containers are stopped, never removed.
# Requires: container_control.sh disable.sh engine.sh handover.sh
# Inputs: HD_BY_HAND HD_HAPROXY HD_KEEPALIVED HD_ROOT
# HD_BY_HAND: their ids, each with its restart policy: "id=always".

# keep_aside ID ROLE [NAME CONTENT]...: saves the specification of the container, and its files.
keep_aside() {
    make_adopted_folder "$1" "$2" || return 1
    # shellcheck disable=SC2154  # disable.sh
    docker container inspect "$1" >"$hd_aside/container.json" || return 1
    shift 2
    while [ $# -gt 1 ]; do
        printf '%s' "$2" | base64 -d >"$hd_aside/$1" || return 1
        shift 2
    done
    durable "$hd_aside" && sync "$HD_ROOT/adopted" "$HD_ROOT"
}

# take_over ID PORT ADDRESS...: stops the holder's keepalived; another node then answers on the VIPs.
take_over() {
    hd_classic=$1 hd_service=$2
    shift 2
    answered_here "$hd_service" "$@"
    leave "stop_by_hand $hd_classic" "$@" && answered_elsewhere "$hd_service" "$@"
}

# restore_classic: removes our containers, and starts those that were set up by hand.
restore_classic() {
    emit restoring
    for hd_name in "$HD_KEEPALIVED" "$HD_HAPROXY"; do
        # A container that was set up by hand may still have this name.
        ! is_ours "$hd_name" || remove_container "$hd_name"
    done
    hd_given=yes
    for hd_pair in $HD_BY_HAND; do
        hd_id=${hd_pair%%=*}
        hd_called=$(docker container inspect --format '{{.Name}}' "$hd_id")
        hd_called=${hd_called#/}
        case $hd_called in *.by-hand | *.by-hand-*) docker rename "$hd_id" "${hd_called%.by-hand*}" ;; esac
        docker update --restart "${hd_pair#*=}" "$hd_id" >/dev/null && docker start "$hd_id" >/dev/null ||
            hd_given=no
    done
    rm -rf "$HD_ROOT/.staging"
    if [ "$hd_given" = yes ]; then emit restored; else emit unrestored; fi
}
