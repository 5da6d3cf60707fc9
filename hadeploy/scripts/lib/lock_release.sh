# shellcheck shell=sh
# One writer: giving the lock back.
# Requires: lock_read.sh
# Inputs: HD_LOCK

lock_drop() {
    # shellcheck disable=SC2154  # lock_read.sh
    lock_read && [ "$(lock_field token)" = "$HD_LOCK" ] && rm -f "$lock_file"
    return 0
}

# run_has_ended: whether this run has ended. It may do so while its last script works, or has just been sent; what
# that script says then still arrives.
run_has_ended() { [ "$(cat "$lock_file.left" 2>/dev/null)" = "$HD_LOCK" ]; }

# lock_release: for a run that ends; a script of its that still works gives the lock back itself.
lock_release() {
    lock_folder || return 1
    { printf '%s\n' "$HD_LOCK" >"$lock_file.left"; } 2>/dev/null
    (
        # Whoever only looks whether it is busy is gone at once.
        flock -w 1 8 || exit 0
        with_lock_mutex lock_drop
    ) 8>"$lock_file.busy"
}

# end_script: the last words; a script that nobody listens to, or whose run has ended, gives the lock back itself.
end_script() {
    if ! emit end || run_has_ended; then with_lock_mutex lock_drop; fi
}
