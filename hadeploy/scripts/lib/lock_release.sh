# shellcheck shell=sh
# One writer: giving the lock back.
# Requires: lock_look.sh
# Inputs: HD_LOCK

lock_drop() {
    # shellcheck disable=SC2154  # lock_look.sh
    lock_look && [ "$(lock_field token)" = "$HD_LOCK" ] && rm -f "$lock_file"
    return 0
}

# lock_left: whether this run has ended. It may do so while its last script works, or has just been sent; what
# that script says then still arrives.
lock_left() { [ "$(cat "$lock_file.left" 2>/dev/null)" = "$HD_LOCK" ]; }

# lock_release: for a run that ends; a script of its that still works gives the lock back itself.
lock_release() {
    lock_folder || return 1
    { printf '%s\n' "$HD_LOCK" >"$lock_file.left"; } 2>/dev/null
    (
        # Whoever only looks whether it is busy is gone at once.
        flock -w 1 8 || exit 0
        alone lock_drop
    ) 8>"$lock_file.busy"
}

# finished: the last words; a script that nobody listens to, or whose run has ended, gives the lock back itself.
finished() {
    if ! emit end || lock_left; then alone lock_drop; fi
}
