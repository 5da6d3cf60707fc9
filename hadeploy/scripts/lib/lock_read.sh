# shellcheck shell=sh
# One writer: a lock on each node, and what it says.
# Requires: waiting.sh
# Inputs: HD_CLUSTER
#
# It is a file on /run, which a reboot clears, and it expires by the node's own uptime: no clock that
# somebody sets, and no other node's, has a say. flock(1) makes each look-and-change one.

# What expires later than that no run has written: the clock of a boot before this one, or garbage.
MOST_LOCK_SECONDS=3600

lock_file=/run/hadeploy/$HD_CLUSTER.lock

lock_folder() { [ -d /run/hadeploy ] || install -d -m 0700 /run/hadeploy; }

# with_lock_mutex COMMAND...: while no other script looks at the lock.
with_lock_mutex() {
    lock_folder || return 1
    (
        flock 9
        "$@"
    ) 9>"$lock_file.mutex"
}

# lock_read: the lock as it is in this instant, for what follows: whoever has it may renew or drop it
# at any time. Fails if there is none.
lock_read() { [ -e "$lock_file" ] && hd_read=$(cat "$lock_file" 2>/dev/null); }

# lock_field NAME: by a pipe: for a here-document some shells need a place for a file, and where none is
# left the lock must hold all the same.
lock_field() {
    printf '%s\n' "$hd_read" | while IFS= read -r hd_line; do
        case $hd_line in "$1="*) printf '%s\n' "${hd_line#*=}" ;; esac
    done
}

# lock_number NAME: a field as a number; nothing if it is none.
lock_number() {
    hd_number=$(lock_field "$1")
    case $hd_number in *[!0-9]* | 0?* | ????????????*) ;; *) printf '%s\n' "$hd_number" ;; esac
}

# lock_expired: so has one that does not say when, and one that would block everybody for ever.
lock_expired() {
    hd_expires=$(lock_number expires)
    [ -n "$hd_expires" ] || return 0
    hd_expires=$((hd_expires - $(uptime_seconds)))
    [ "$hd_expires" -le 0 ] || [ "$hd_expires" -gt "$MOST_LOCK_SECONDS" ]
}

# script_is_running: whether a script of some run is at work on this node.
script_is_running() { [ -e "$lock_file.busy" ] && ! flock -n "$lock_file.busy" true; }

# lock_age: seconds since it was taken; nothing if it does not say.
lock_age() {
    hd_since=$(lock_number since)
    [ -z "$hd_since" ] || printf '%s\n' "$(($(date +%s) - hd_since))"
}

# lock_report: who has it; nothing if nobody does.
lock_report() {
    if lock_read && ! lock_expired; then
        emit lock
        printf 'token=%s\nowner=%s\npurpose=%s\nprocess=%s\nage=%s\nleft=%s\n' \
            "$(lock_field token)" "$(lock_field owner)" "$(lock_field purpose)" \
            "$(lock_field process)" "$(lock_age)" "$(($(lock_number expires) - $(uptime_seconds)))"
        ! script_is_running || echo working=yes
    fi
}
