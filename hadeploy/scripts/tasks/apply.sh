# shellcheck shell=sh
# Change a node, one step after the other.
# Requires: addresses.sh adverts.sh backends.sh block_connections.sh container_control.sh disable.sh
# Requires: engine.sh fingerprint.sh finish_handover.sh guard.sh handover.sh server_state.sh lock_release.sh
# Requires: ports.sh prove_haproxy.sh prove_keepalived.sh restore.sh sockets.sh steps.sh track.sh undo.sh
# Requires: vrrp_state.sh waiting.sh
# Inputs: HD_ELECTION HD_HAPROXY HD_HEALTH_PORT HD_KEEPALIVED HD_ROOT HD_VIPS
# HD_HAPROXY, HD_KEEPALIVED: container names. HD_VIPS: the old and the new VIPs. HD_ELECTION: seconds
# within which the only node becomes master.

# begin: saves what a restore needs; if that fails, the script changes nothing.
begin() {
    # shellcheck disable=SC2034  # guard.sh
    hd_begun=$(uptime_seconds)
    cache_pids "$HD_HAPROXY" "$HD_KEEPALIVED"
    # A rule that a killed script left behind would block clients.
    # shellcheck disable=SC2086  # a list of words
    remove_stale_rules $HD_VIPS
    clear_server_state
    emit step begin
    save_undo || {
        emit failed begin
        emit unchanged
        end_script
        exit 1
    }
}

# swap PATH: replaces the live file by the staged one, atomically.
swap() { mv -f "$HD_ROOT/.staging/$1" "$HD_ROOT/$1" && sync "$HD_ROOT/${1%/*}"; }

# record CONTENT CONFIGURATION: writes applied.json, given in base64. It is the last step: afterwards only
# `up --rollback` restores the previous state.
record() {
    printf '%s' "$1" | base64 -d >"$HD_ROOT/applied.json.new" && sync "$HD_ROOT/applied.json.new" ||
        return 1
    record_served || return 1
    hd_kept=$(docker container inspect --format '{{.Id}}' "$HD_HAPROXY$OLD" "$HD_KEEPALIVED$OLD" 2>/dev/null)
    # shellcheck disable=SC2086  # a list of words
    [ -z "$hd_kept" ] || docker rm $hd_kept >/dev/null || return 1
    mv -f "$HD_ROOT/applied.json.new" "$HD_ROOT/applied.json" && sync "$HD_ROOT" || return 1
    # If an interrupted change was undone, its configuration is no target for a rollback.
    if grep -qF "\"configuration\": \"$2\"" "$HD_ROOT/.undo/applied.json" 2>/dev/null; then
        remove_undo
    else
        keep_previous
    fi
    clear_server_state
    rm -rf "$HD_ROOT/.staging"
}

# stop_and_rename NAME NEW_NAME: keeps a container whose name changes, as the old container of the new name.
stop_and_rename() {
    stop "$1" || return 1
    ! exists "$2$OLD" || docker rm "$2$OLD" >/dev/null || return 1
    docker rename "$1" "$2$OLD"
}

# recreate NAME "PATH..." COMMAND...: stops and keeps the old container until the new one is proven. The staged
# files go live while neither runs: after a reboot, the old container would start with them, and an haproxy
# whose container allows too few open files for more connections would restart repeatedly.
recreate() {
    hd_name=$1 hd_files=$2
    shift 2
    if exists "$hd_name"; then
        stop "$hd_name" || return 1
        if exists "$hd_name$OLD"; then
            docker rm "$hd_name" >/dev/null || return 1
        else
            docker rename "$hd_name" "$hd_name$OLD" || return 1
        fi
    fi
    for hd_file in $hd_files; do
        swap "$hd_file" || return 1
    done
    "$@" >/dev/null
}

# if_ports_are_free CONTAINER "PORT..." COMMAND...: runs the command only if no other process has one of the
# ports. A new haproxy that cannot bind makes the old one stop listening while it tries, and clients are
# refused meanwhile (SIGTTOU, haproxy's management guide, 4).
if_ports_are_free() {
    hd_ours=$(main_pid "$1") && hd_ours=$(container_of "$hd_ours") || hd_ours=none
    for hd_port in $2; do
        case $hd_port in "$HD_HEALTH_PORT") hd_hosts=127.0.0.1 ;; *) hd_hosts=$(client_hosts) ;; esac
        # shellcheck disable=SC2086  # words
        for hd_owner in $(listeners "$hd_port" $hd_hosts); do
            hd_owner=${hd_owner#pid=}
            [ "$(container_of "$hd_owner")" != "$hd_ours" ] || continue
            printf 'port %s is taken by %s (pid %s)\n' "$hd_port" \
                "$(cat "/proc/$hd_owner/comm" 2>/dev/null)" "$hd_owner"
            return 1
        done
    done
    shift 2
    "$@"
}

# hold CONTAINER: keeps the VIP off this node while all nodes change. keepalived then neither sends nor
# processes adverts. If the run is interrupted, guard.sh ends the hold.
hold() {
    set_track handover 1 || return 1
    guard
    ! is_master_or_backup "$1" || until_true 15 "keepalived is in FAULT" is_fault_or_stopped "$1"
}

# unpin_when_master CONTAINER ADDRESS...: waits until keepalived holds the addresses again, and unpins them.
unpin_when_master() {
    hd_container=$1
    shift
    drained || {
        until_true "$HD_ELECTION" "keepalived is MASTER again" is_master "$hd_container" &&
            until_true 5 "$* is here" all_here "$@"
    } || return 1
    # shellcheck disable=SC2086  # a list of words
    unpin $HD_VIPS
}

# require_vip_elsewhere ADDRESS...: ends the script if this node has become the holder since the plan was made,
# because the plan has no handover for it.
require_vip_elsewhere() {
    none_here "$@" && return 0
    abort vip-moved
}

# await_vip PORT ADDRESS...: waits until a node answers on them. It never fails: if the first node has failed,
# this node must not be held forever.
await_vip() {
    hd_service=$1
    shift
    hd_awaiting=$(centiseconds)
    listen_ahead "$HD_ELECTION"
    until_true "$HD_ELECTION" "a listener on $*" answer_all "$hd_service" "$@" || :
    emit vip-wait "$(($(centiseconds) - hd_awaiting))"
}
