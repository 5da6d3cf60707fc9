# shellcheck shell=sh
# Changing a node, one step after the other.
# Requires: addresses.sh adverts.sh backends.sh block_connections.sh container_control.sh disable.sh
# Requires: engine.sh fingerprint.sh finish_handover.sh guard.sh handover.sh server_state.sh lock_release.sh
# Requires: ports.sh prove_haproxy.sh prove_keepalived.sh restore.sh sockets.sh steps.sh track.sh undo.sh
# Requires: vrrp_state.sh waiting.sh
# Inputs: HD_ELECTION HD_HAPROXY HD_HEALTH_PORT HD_KEEPALIVED HD_ROOT HD_VIPS
# HD_HAPROXY, HD_KEEPALIVED: container names. HD_VIPS: the old and the new ones. HD_ELECTION: seconds
# within which a lone node becomes master.

# begin: what could not be remembered could not be put back, so then nothing is changed.
begin() {
    # shellcheck disable=SC2034  # guard.sh
    hd_begun=$(uptime_seconds)
    cache_pids "$HD_HAPROXY" "$HD_KEEPALIVED"
    # A rule that outlived its script would keep clients away.
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

# swap PATH: the staged file takes the live one's place in one instant.
swap() { mv -f "$HD_ROOT/.staging/$1" "$HD_ROOT/$1" && sync "$HD_ROOT/${1%/*}"; }

# record CONTENT CONFIGURATION: what was applied, by whom and when; base64. The last thing to be
# written: from then on there is no way back but `up --rollback`.
record() {
    printf '%s' "$1" | base64 -d >"$HD_ROOT/applied.json.new" && sync "$HD_ROOT/applied.json.new" ||
        return 1
    record_served || return 1
    hd_kept=$(docker container inspect --format '{{.Id}}' "$HD_HAPROXY$OLD" "$HD_KEEPALIVED$OLD" 2>/dev/null)
    # shellcheck disable=SC2086  # a list of words
    [ -z "$hd_kept" ] || docker rm $hd_kept >/dev/null || return 1
    mv -f "$HD_ROOT/applied.json.new" "$HD_ROOT/applied.json" && sync "$HD_ROOT" || return 1
    # A change that was taken back before it was finished is nothing to go back to.
    if grep -qF "\"configuration\": \"$2\"" "$HD_ROOT/.undo/applied.json" 2>/dev/null; then
        remove_undo
    else
        keep_previous
    fi
    clear_server_state
    rm -rf "$HD_ROOT/.staging"
}

# stop_and_rename NAME NEW_NAME: it had another name, and is kept as what is there under the new one.
stop_and_rename() {
    stop "$1" || return 1
    ! exists "$2$OLD" || docker rm "$2$OLD" >/dev/null || return 1
    docker rename "$1" "$2$OLD"
}

# recreate NAME "PATH..." COMMAND...: the one that is there is kept, stopped, until the new one is proven. The
# staged files go live while neither runs. A container that runs starts with them when the node restarts; with
# the open files that it was given for fewer connections, haproxy would start again and again.
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

# if_ports_are_free CONTAINER "PORT..." COMMAND...: only if nobody but that container has one of them. A
# haproxy that cannot bind makes the one before it stop listening for as long as it tries, and clients
# are refused meanwhile (SIGTTOU, haproxy's management guide, 4).
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

# hold CONTAINER: keeps the VIP off this node while all nodes change; it neither hears nor speaks. If the
# run is interrupted, guard.sh ends that.
hold() {
    set_track handover 1 || return 1
    guard
    ! is_master_or_backup "$1" || until_true 15 "keepalived is in FAULT" is_fault_or_stopped "$1"
}

# unpin_when_master CONTAINER ADDRESS...: keepalived holds them itself again, so nothing is pinned.
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

# require_vip_elsewhere ADDRESS...: ends the script if the holder has failed since the plan was made and one
# of them is here now: nobody planned to hand it over first.
require_vip_elsewhere() {
    none_here "$@" && return 0
    abort vip-moved
}

# await_vip PORT ADDRESS...: until somebody answers on them; but a node that is held back for ever, since
# the first one has failed, would be worse than another order.
await_vip() {
    hd_service=$1
    shift
    hd_awaiting=$(centiseconds)
    listen_ahead "$HD_ELECTION"
    until_true "$HD_ELECTION" "a listener on $*" answer_all "$hd_service" "$@" || :
    emit vip-wait "$(($(centiseconds) - hd_awaiting))"
}
