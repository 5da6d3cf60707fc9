# shellcheck shell=sh
# Restore a node to the state in its record.
# Requires: addresses.sh container_control.sh server_state.sh prove_haproxy.sh prove_keepalived.sh track.sh
# Requires: undo.sh vrrp_state.sh waiting.sh
# Inputs: HD_ELECTION HD_HAPROXY HD_KEEPALIVED HD_ROOT HD_VIPS
# Optional inputs: HD_TOGETHER
# HD_TOGETHER: "yes" during a change of VRRP settings on all nodes, in which all nodes are restored.

# restore: restores the saved files and containers, and proves them. Without a saved state, the node stays as
# it is. In every case it unpins the VIPs, which would otherwise be here and on the next holder.
restore() {
    restore_node
    # shellcheck disable=SC2086  # a list of words
    unpin $HD_VIPS
}

restore_node() {
    if [ ! -d "$HD_ROOT/.undo" ]; then
        emit no-restore
        return 0
    fi
    emit restoring
    if ! undo_is_complete; then
        printf 'the saved configuration is damaged (%s/.undo); the live files stay\n' "$HD_ROOT"
        emit unrestored
        return 0
    fi
    if [ "${HD_TOGETHER-}" != yes ] && ! same_router; then
        restore_haproxy
        printf 'its peers no longer have the VRRP settings that it would return to\n'
        emit unrestored
        is_master_or_backup "$HD_KEEPALIVED" || keep_off
        return 0
    fi
    if [ "${HD_TOGETHER-}" = yes ]; then
        # shellcheck disable=SC2086  # a list of words
        pin_and_proxy $((60 + HD_ELECTION)) $HD_VIPS
    fi
    if restore_haproxy && restore_role keepalived "$HD_KEEPALIVED" "$(former_container 2)" HUP; then
        if [ "${hd_unfit-}" = yes ] && [ "$(track_value handover)" != 0 ]; then
            set_track handover "$KEPT_OFF"
            emit restored-off
        else
            emit restored
            set_track handover 0
        fi
        back_in_place
        clear_server_state
        remove_undo
        rm -rf "$HD_ROOT/.staging"
    else
        emit unrestored
    fi
}

# vrrp_settings FILE: the settings that a node must share with its peers.
vrrp_settings() {
    sed -n '/^ *\(vrrp_version\|interface\|virtual_router_id\|advert_int\|auth_pass\)/p
        /^ *\(unicast_src_ip\|mcast_src_ip\|unicast_peer\)/p
        /virtual_ipaddress {/,/}/p' "$1"
}

same_router() {
    [ "$(vrrp_settings "$HD_ROOT/.undo/keepalived/keepalived.conf")" = \
        "$(vrrp_settings "$HD_ROOT/keepalived/keepalived.conf")" ]
}

# back_in_place: waits until keepalived holds the pinned VIPs again.
back_in_place() {
    for hd_vip in $HD_VIPS; do
        ! pinned "$hd_vip" || drained || until_true "$HD_ELECTION" "$hd_vip is here" all_here "$hd_vip"
    done
}

restore_haproxy() { restore_role haproxy "$HD_HAPROXY" "$(former_container 1)" USR2; }

# restore_role ROLE CONTAINER FORMER_NAME SIGNAL: stops a new container before the former files go live, as
# recreate stops the former one before the new files.
restore_role() {
    hd_changed=
    # A configuration that lost servers has no valid state of them.
    if [ "$1" = haproxy ]; then
        if [ -n "${hd_lost-}" ]; then clear_server_state; else save_server_state "$HD_ROOT/.undo/haproxy/haproxy.cfg"; fi
    fi
    ! exists "$2$OLD" || remove_container "$2" || return 1
    for hd_kept in "$HD_ROOT/.undo/$1"/*; do
        hd_live=$HD_ROOT/$1/${hd_kept##*/}
        if [ -f "$hd_kept" ] && [ "${hd_kept##*/}" != server-state ] && ! cmp -s "$hd_kept" "$hd_live"; then
            cp -p "$hd_kept" "$hd_live.new" && sync "$hd_live.new" && mv -f "$hd_live.new" "$hd_live" ||
                return 1
            hd_changed=yes
        fi
    done
    sync "$HD_ROOT/$1"
    if exists "$2$OLD"; then
        docker rename "$2$OLD" "$3" || return 1
        was_stopped "$1" || docker start "$3" >/dev/null || return 1
    elif was_stopped "$1"; then
        stop "$3" || return 1
    elif [ -n "$hd_changed" ]; then
        reload "$3" "$4" || return 1
    fi
    was_stopped "$1" || prove_restored "$1" "$3"
}

# prove_restored ROLE CONTAINER
prove_restored() {
    if [ "$1" = haproxy ]; then
        prove_haproxy "$2" "$(recorded health_port)" "$(recorded haproxy_config_id)" 15
    else
        prove_keepalived "$2" "$(recorded keepalived_config_id)" 30 0 0
    fi
}
