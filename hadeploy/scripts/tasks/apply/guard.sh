# shellcheck shell=sh
# A node that is held back during a change of all nodes ends that state by itself if the run is
# interrupted.
# Requires: adverts.sh backends.sh lock.sh lock_read.sh lock_release.sh restore.sh track.sh undo.sh
# Requires: waiting.sh
# Inputs: HD_HEALTH_PORT HD_LISTENERS HD_LOCK HD_ROOT

# Within how many seconds after its script has begun the holder changes to the new settings.
IN_TIME_SECONDS=30

# A run has begun the holder's script before it ended, at the latest while its lock was in force there. Locks
# are renewed every 20 s (rollout/lock.py), so the holder's expires at most so much later than this node's.
UNDECIDED_SECONDS=60

held_back() { [ "$(track_says handover)" = 1 ]; }

# abandoned: whether no run has the lock and no script is at work.
abandoned() {
    ! { lock_read && ! lock_expired; } && ! script_is_running
}

# guard: starts in the background and ends when the node is not held back any more.
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
                # Nothing tells it which settings count.
                has_no_other_settings || have perl || exit 0
                hd_since=${hd_since:-$(uptime_seconds)}
                end_abandoned "$hd_since"
            else
                hd_since=
            fi
        done
    ) 7>"$lock_file.guard" 8>&- </dev/null >/dev/null 2>&1 &
}

# end_abandoned SINCE: as the only writer, with the settings of the node that has the VIP. As long as that node
# may still change to the new ones, only those count.
end_abandoned() {
    hd_spoken=$(settings_in_adverts)
    if [ "$hd_spoken" != live ] && [ "$(uptime_seconds)" -lt $(($1 + UNDECIDED_SECONDS)) ]; then
        return 0
    fi
    exec 8>"$lock_file.busy"
    if flock -n 8 && with_lock_mutex lock_try; then
        if held_back && has_backends; then end_hold "$hd_spoken"; fi
        with_lock_mutex lock_drop
    fi
    exec 8>&-
}

# has_backends: whether each listener that served clients has a backend here: this node may win the VIP.
has_backends() {
    # shellcheck disable=SC2034  # backends.sh
    hd_rows=$(results_from "$HD_HEALTH_PORT" "$(recorded health_port)")
    for hd_listener in $HD_LISTENERS; do
        hd_name=${hd_listener%%=*}
        cut -d ' ' -f 1 "$HD_ROOT/served" 2>/dev/null | grep -qxF "$hd_name" || continue
        ! has_rows "$hd_name-backend" || has_result "$hd_name-backend/" up || return 1
    done
}

# in_time COMMAND...: the holder's own change to the new settings, which comes soon after its script has begun
# or not at all.
in_time() {
    # shellcheck disable=SC2154  # apply.sh
    if [ "$(uptime_seconds)" -gt $((hd_begun + IN_TIME_SECONDS)) ]; then
        printf 'not begun within %s s: the other nodes may not wait for it any longer\n' "$IN_TIME_SECONDS"
        return 1
    fi
    "$@"
}

# has_no_other_settings: whether the node has no other settings to return to.
has_no_other_settings() { [ ! -d "$HD_ROOT/.undo" ] || same_router; }

# end_hold SPOKEN: if no node sends adverts, all nodes that are held back return to the former settings.
end_hold() {
    if [ "$1" = live ] || has_no_other_settings; then
        set_track handover 0
    else
        HD_TOGETHER=yes restore
    fi
}
