# shellcheck shell=sh
# One writer: a lock on each node. Given: HD_CLUSTER, HD_LOCK (this run's token), HD_OWNER, HD_PURPOSE,
# HD_PROCESS (what tells the run's process from all others on its machine).
#
# It is a file on /run, which a reboot clears, and it expires by the node's own uptime: no clock that
# somebody sets, and no other node's, has a say. flock(1) makes each look-and-change one.
LOCK_SECONDS=120
# What expires later than that no run has written: the clock of a boot before this one, or garbage.
MOST_LOCK_SECONDS=3600

lock_file=/run/hadeploy/$HD_CLUSTER.lock

uptime_seconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%%.*}"
}

lock_folder() { [ -d /run/hadeploy ] || install -d -m 0700 /run/hadeploy; }

# alone COMMAND...: while no other script looks at the lock.
alone() {
    lock_folder || return 1
    (
        flock 9
        "$@"
    ) 9>"$lock_file.mutex"
}

# lock_look: the lock as it is in this instant, for what follows: whoever has it may renew or drop it
# at any time. Fails if there is none.
lock_look() { [ -e "$lock_file" ] && hd_read=$(cat "$lock_file" 2>/dev/null); }

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

lock_mine() { [ "$(lock_field token)" = "$HD_LOCK" ] && ! lock_expired; }

lock_write() {
    printf 'token=%s\nowner=%s\npurpose=%s\nprocess=%s\nsince=%s\nexpires=%s\n' "$HD_LOCK" \
        "$HD_OWNER" "$HD_PURPOSE" "$HD_PROCESS" "$1" "$(($(uptime_seconds) + LOCK_SECONDS))" \
        >"$lock_file.new" &&
        mv -f "$lock_file.new" "$lock_file"
}

# lock_try: with 3, it has told of another run's.
lock_try() {
    if lock_look && ! lock_expired && ! lock_mine; then
        lock_tell
        return 3
    fi
    lock_write "$(date +%s)"
}

# lock_try_renew: where it cannot be written it is still this run's, until it expires.
lock_try_renew() {
    lock_look && lock_mine || return 1
    lock_write "$(lock_field since)" || :
}

lock_drop() {
    lock_look && [ "$(lock_field token)" = "$HD_LOCK" ] && rm -f "$lock_file"
    return 0
}

# still_working: whether a script of some run is at work on this node.
still_working() { [ -e "$lock_file.busy" ] && ! flock -n "$lock_file.busy" true; }

# lock_age: seconds since it was taken; nothing if it does not say.
lock_age() {
    hd_since=$(lock_number since)
    [ -z "$hd_since" ] || printf '%s\n' "$(($(date +%s) - hd_since))"
}

# lock_tell: who has it; nothing if nobody does.
lock_tell() {
    if lock_look && ! lock_expired; then
        emit lock
        printf 'token=%s\nowner=%s\npurpose=%s\nprocess=%s\nage=%s\nleft=%s\n' \
            "$(lock_field token)" "$(lock_field owner)" "$(lock_field purpose)" \
            "$(lock_field process)" "$(lock_age)" "$(($(lock_number expires) - $(uptime_seconds)))"
        ! still_working || echo working=yes
    fi
}

lock_try_inherit() { lock_look && [ "$(lock_field token)" = "$1" ] && rm -f "$lock_file"; }

# lock_inherit TOKEN: takes the lock of a run whose process is known to be dead, once its script, if
# one still works here, has come to its end.
lock_inherit() {
    busy
    alone lock_try_inherit "$1"
    exec 8>&-
    lock_take
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

# unwritable: ends the script because no lock can be written.
unwritable() {
    emit unwritable
    df -P /run "${lock_file%/*}" 2>/dev/null
    df -Pi /run "${lock_file%/*}" 2>/dev/null
    emit end
    exit 1
}

# lock_take: ends the script if another run has it, if it cannot be written, or if this run has ended.
lock_take() {
    if lock_left; then
        emit end
        exit 1
    fi
    alone lock_try && {
        emit taken || :
        return 0
    }
    hd_told=$?
    if ! lock_look || lock_expired || lock_mine; then unwritable; fi
    # Where its mutex cannot be written it could not even be looked at.
    [ "$hd_told" -eq 3 ] || lock_tell
    emit locked
    emit end
    exit 1
}

# lock_keep: ends the script if this run no longer has it; a laptop that slept changes nothing more.
lock_keep() {
    alone lock_try_renew && return 0
    emit fenced
    emit end
    exit 1
}

# lock_remove: whoever has it.
lock_remove() { alone rm -f "$lock_file" || unwritable; }

# working: from here on no other script changes this node. One whose run was killed still finishes
# its work, and is waited for.
working() {
    busy
    lock_keep
}

busy() {
    # A shell whose `exec` fails ends (POSIX, 2.8.1).
    if ! lock_folder || ! { : >>"$lock_file.busy"; } 2>/dev/null; then unwritable; fi
    exec 8>"$lock_file.busy" && { flock -n 8 || patiently flock -w 120 8; } && return 0
    emit occupied
    emit end
    exit 1
}

# finished: the last words; a script that nobody listens to, or whose run has ended, gives the lock back itself.
finished() {
    if ! emit end || lock_left; then alone lock_drop; fi
}

# ours [COMMAND...]: the containers that carry our label, running or not: id and name.
# shellcheck disable=SC2120  # observe.sh
ours() {
    "$@" docker container ls --all --no-trunc --format '{{.ID}} {{.Names}}' \
        --filter "label=hadeploy.cluster=$HD_CLUSTER"
}

# track_says NAME: keepalived's container may write these files.
track_says() { read_at_most 64 "$HD_ROOT/track/$1"; }

# fingerprint OURS: of all that a plan is made on and a run changes.
fingerprint() {
    {
        find "$HD_ROOT/applied.json" "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" \
            -type f -exec sha256sum {} +
        printf '%s\n' "$1" "drain $(track_says drain)" "handover $(track_says handover)"
    } 2>/dev/null | sort | sha256sum | {
        read -r hd_sum _
        printf '%.16s\n' "$hd_sum"
    }
}

# still_as FINGERPRINT: ends the script if the node is not what the plan was made on.
still_as() {
    # shellcheck disable=SC2119
    [ "$(fingerprint "$(ours 2>/dev/null)")" = "$1" ] && return 0
    emit changed
    # Without its engine a node is another one: then this says why.
    quietly docker version
    emit end
    exit 1
}
