# shellcheck shell=sh
# One writer: release the lock.
# Requires: lock_read.sh
# Inputs: HD_LOCK

lock_drop() {
    # shellcheck disable=SC2154  # lock_read.sh
    lock_read && [ "$(lock_field token)" = "$HD_LOCK" ] && rm -f "$lock_file"
    return 0
}

# run_has_ended: whether this run has ended. Its last script may still be running, or be on its way.
run_has_ended() { [ "$(cat "$lock_file.left" 2>/dev/null)" = "$HD_LOCK" ]; }

# lock_release: for a run that ends; if one of its scripts still runs, that script releases the lock.
lock_release() {
    lock_folder || return 1
    { printf '%s\n' "$HD_LOCK" >"$lock_file.left"; } 2>/dev/null
    (
        # 1 s: script_is_running takes this lock only for a moment.
        flock -w 1 8 || exit 0
        with_lock_mutex lock_drop
    ) 8>"$lock_file.busy"
}

# end_script: the last message; the script releases the lock if its connection is lost or its run has ended.
end_script() {
    if ! emit end || run_has_ended; then with_lock_mutex lock_drop; fi
}
