# shellcheck shell=sh
# One writer: read the lock of this node.
# Requires: waiting.sh
# Inputs: HD_CLUSTER
#
# The lock is a file in /run, which a reboot clears. It expires by the node's own uptime, so it does not
# depend on clocks. flock(1) makes reading and changing it one atomic operation.

# No run writes a later expiry: it is from an earlier boot, or garbage.
MAX_LOCK_SECONDS=3600

lock_file=/run/hadeploy/$HD_CLUSTER.lock

lock_folder() { [ -d /run/hadeploy ] || install -d -m 0700 /run/hadeploy; }

# with_lock_mutex COMMAND...: while no other script reads or writes the lock.
with_lock_mutex() {
    lock_folder || return 1
    (
        flock 9
        "$@"
    ) 9>"$lock_file.mutex"
}

# lock_read: reads the lock for the functions below, since its holder may renew or remove it at any time.
# Fails if there is none.
lock_read() { [ -e "$lock_file" ] && hd_read=$(cat "$lock_file" 2>/dev/null); }

# lock_field NAME: through a pipe: some shells write a here-document to a file, and the lock must also work
# on a full disk.
lock_field() {
    printf '%s\n' "$hd_read" | while IFS= read -r hd_line; do
        case $hd_line in "$1="*) printf '%s\n' "${hd_line#*=}" ;; esac
    done
}

# lock_number NAME: a field as a number; nothing if it is no number.
lock_number() {
    hd_number=$(lock_field "$1")
    case $hd_number in *[!0-9]* | 0?* | ????????????*) ;; *) printf '%s\n' "$hd_number" ;; esac
}

# lock_expired: also true for a lock without an expiry, or with one that no run writes.
lock_expired() {
    hd_expires=$(lock_number expires)
    [ -n "$hd_expires" ] || return 0
    hd_expires=$((hd_expires - $(uptime_seconds)))
    [ "$hd_expires" -le 0 ] || [ "$hd_expires" -gt "$MAX_LOCK_SECONDS" ]
}

# script_is_running: whether a script of any run is changing this node.
script_is_running() { [ -e "$lock_file.busy" ] && ! flock -n "$lock_file.busy" true; }

# lock_age: seconds since it was taken; nothing if the lock has no such field.
lock_age() {
    hd_since=$(lock_number since)
    [ -z "$hd_since" ] || printf '%s\n' "$(($(date +%s) - hd_since))"
}

# lock_report: reports the holder; nothing if no run holds the lock.
lock_report() {
    if lock_read && ! lock_expired; then
        emit lock
        printf 'token=%s\nowner=%s\npurpose=%s\nprocess=%s\nage=%s\nleft=%s\n' \
            "$(lock_field token)" "$(lock_field owner)" "$(lock_field purpose)" \
            "$(lock_field process)" "$(lock_age)" "$(($(lock_number expires) - $(uptime_seconds)))"
        ! script_is_running || echo working=yes
    fi
}
