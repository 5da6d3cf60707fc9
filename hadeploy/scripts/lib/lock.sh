# shellcheck shell=sh
# One writer: take and renew the lock.
# Requires: lock_read.sh lock_release.sh waiting.sh
# Inputs: HD_LOCK HD_OWNER HD_PROCESS HD_PURPOSE
# HD_LOCK: this run's token. HD_PROCESS: identifies the run's process on its machine.

LOCK_SECONDS=120

lock_is_ours() { [ "$(lock_field token)" = "$HD_LOCK" ] && ! lock_expired; }

lock_write() {
    # shellcheck disable=SC2154  # lock_read.sh
    printf 'token=%s\nowner=%s\npurpose=%s\nprocess=%s\nsince=%s\nexpires=%s\n' "$HD_LOCK" \
        "$HD_OWNER" "$HD_PURPOSE" "$HD_PROCESS" "$1" "$(($(uptime_seconds) + LOCK_SECONDS))" \
        >"$lock_file.new" &&
        mv -f "$lock_file.new" "$lock_file"
}

# lock_try: exit code 3: another run holds the lock, and was reported.
lock_try() {
    if lock_read && ! lock_expired && ! lock_is_ours; then
        lock_report
        return 3
    fi
    lock_write "$(date +%s)"
}

# lock_try_renew: if the file cannot be written, this run still holds the lock until it expires.
lock_try_renew() {
    lock_read && lock_is_ours || return 1
    lock_write "$(lock_field since)" || :
}

lock_try_inherit() { lock_read && [ "$(lock_field token)" = "$1" ] && rm -f "$lock_file"; }

# lock_inherit TOKEN: takes the lock of a run whose process is dead, after waiting for the end of its
# script, if one still runs here.
lock_inherit() {
    lock_changes
    with_lock_mutex lock_try_inherit "$1"
    exec 8>&-
    lock_take
}

# unwritable: ends the script because no lock can be written.
unwritable() {
    emit unwritable
    df -P /run "${lock_file%/*}" 2>/dev/null
    df -Pi /run "${lock_file%/*}" 2>/dev/null
    abort
}

# lock_take: ends the script if another run holds the lock, if it cannot be written, or if this run has ended.
lock_take() {
    ! run_has_ended || abort
    with_lock_mutex lock_try && {
        emit taken || :
        return 0
    }
    hd_result=$?
    if ! lock_read || lock_expired || lock_is_ours; then unwritable; fi
    # If the mutex could not be written, lock_try did not run.
    [ "$hd_result" -eq 3 ] || lock_report
    abort locked
}

# lock_keep: renews the lock; ends the script if this run no longer holds it, such as after the sleep of a laptop.
lock_keep() {
    with_lock_mutex lock_try_renew || abort fenced
}

# lock_remove: whichever run holds it.
lock_remove() { with_lock_mutex rm -f "$lock_file" || unwritable; }

# begin_change: from here on, no other script changes this node. The script of a killed run finishes first.
begin_change() {
    lock_changes
    lock_keep
}

lock_changes() {
    # A shell whose `exec` fails ends (POSIX, 2.8.1).
    if ! lock_folder || ! { : >>"$lock_file.busy"; } 2>/dev/null; then unwritable; fi
    exec 8>"$lock_file.busy" && { flock -n 8 || with_heartbeat flock -w 120 8; } && return 0
    abort script-running
}
