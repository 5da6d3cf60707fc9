# shellcheck shell=sh
# If a run is interrupted, each held node ends its hold by itself.
# Requires: adverts.sh backends.sh lock.sh lock_read.sh lock_release.sh restore.sh track.sh undo.sh
# Requires: waiting.sh
# Inputs: HD_HEALTH_PORT HD_LISTENERS HD_LOCK HD_ROOT

# The holder changes to the new settings within so many seconds after its script has begun.
IN_TIME_SECONDS=30

# After an interruption, the holder can change as long as the lock there is in force, plus IN_TIME_SECONDS.
# Locks are renewed every 20 s (rollout/lock.py), so that ends within so many seconds after this node's lock.
UNDECIDED_SECONDS=60

held_back() { [ "$(track_value handover)" = 1 ]; }

# abandoned: whether no run holds the lock, and no script is changing this node.
abandoned() {
    ! { lock_read && ! lock_expired; } && ! script_is_running
}

# guard: runs in the background until the node is no longer held.
guard() {
    # shellcheck disable=SC2154  # lock_read.sh
    (
        trap - EXIT
        flock -n 7 || exit 0
        HD_LOCK=$HD_LOCK-guard
        # shellcheck disable=SC2034  # lock.sh
        HD_PURPOSE='ending an interrupted change' HD_PROCESS=''
        hd_since=
        while held_back; do
            short_sleep
            if abandoned; then
                # Without perl, the guard cannot find out which settings the other nodes have.
                has_no_other_settings || have perl || exit 0
                hd_since=${hd_since:-$(uptime_seconds)}
                end_abandoned "$hd_since"
            else
                hd_since=
            fi
        done
    ) 7>"$lock_file.guard" 8>&- </dev/null >/dev/null 2>&1 &
}

# end_abandoned SINCE: ends the hold, under the lock, with the VRRP settings of the holder. While the holder may
# still change to the new settings, only adverts with the new settings end the hold.
end_abandoned() {
    hd_settings=$(settings_in_adverts)
    if [ "$hd_settings" != live ] && [ "$(uptime_seconds)" -lt $(($1 + UNDECIDED_SECONDS)) ]; then
        return 0
    fi
    exec 8>"$lock_file.busy"
    if flock -n 8 && with_lock_mutex lock_try; then
        if held_back && has_backends; then end_hold "$hd_settings"; fi
        with_lock_mutex lock_drop
    fi
    exec 8>&-
}

# has_backends: whether each listener that ever served clients has a backend here, since this node may win the VIP.
has_backends() {
    # shellcheck disable=SC2034  # backends.sh
    hd_rows=$(results_from "$HD_HEALTH_PORT" "$(recorded health_port)")
    for hd_listener in $HD_LISTENERS; do
        hd_name=${hd_listener%%=*}
        cut -d ' ' -f 1 "$HD_ROOT/served" 2>/dev/null | grep -qxF "$hd_name" || continue
        ! has_rows "$hd_name-backend" || has_result "$hd_name-backend/" up || return 1
    done
}

# in_time COMMAND...: changes the holder to the new settings, but only soon after its script has begun.
in_time() {
    # shellcheck disable=SC2154  # apply.sh
    if [ "$(uptime_seconds)" -gt $((hd_begun + IN_TIME_SECONDS)) ]; then
        printf 'not begun within %s s: the other nodes may not wait for it any longer\n' "$IN_TIME_SECONDS"
        return 1
    fi
    "$@"
}

# has_no_other_settings: whether the node has no other VRRP settings to return to.
has_no_other_settings() { [ ! -d "$HD_ROOT/.undo" ] || same_router; }

# end_hold SETTINGS: SETTINGS is the result of settings_in_adverts. If no node sends adverts, all held nodes
# return to the former settings.
end_hold() {
    if [ "$1" = live ] || has_no_other_settings; then
        set_track handover 0
    else
        HD_TOGETHER=yes restore
    fi
}
