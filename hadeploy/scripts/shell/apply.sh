# shellcheck shell=sh
# Changing a node, one step after the other. Given: HD_ROOT, HD_HAPROXY, HD_KEEPALIVED (container
# names), HD_VIPS (the old and the new ones), HD_OTHERWISE (what to do when a step fails: put_back,
# keep_off or leave_it), HD_ELECTION (seconds within which a lone node becomes master).
OLD=.hadeploy-old
# In a track file any number but 0 keeps the VIP off the node; this one is for a node that is not fit, which
# guard.sh leaves as it is.
KEPT_OFF=2

# step NUMBER COMMAND...: what it prints is the body of its message; the first failure ends the run.
step() {
    hd_step=$1
    shift
    lock_keep
    emit step "$hd_step"
    # What the shell itself dies of (POSIX, 2.8.1) has failed like all else.
    trap not_done EXIT
    "$@" || not_done
    trap - EXIT
    emit ok "$hd_step"
}

not_done() {
    trap - EXIT
    emit failed "$hd_step"
    lock_keep
    "$HD_OTHERWISE"
    finished
    exit 1
}

# begin: what could not be remembered could not be put back, so then nothing is changed.
begin() {
    # shellcheck disable=SC2034  # guard.sh
    hd_begun=$(uptime_seconds)
    know "$HD_HAPROXY" "$HD_KEEPALIVED"
    # A rule that outlived its script would keep clients away.
    # shellcheck disable=SC2086  # a list of words
    sweep $HD_VIPS
    forget_knowledge
    emit step begin
    remember || {
        emit failed begin
        emit unchanged
        finished
        exit 1
    }
}

leave_it() { emit kept; }

# keep_off: its peers speak other VRRP settings than what it would go back to.
keep_off() { set_track handover "$KEPT_OFF" && emit kept-off; }

# remember: what is put back if this node fails: the files and the record as they are, with their sums.
# What a dead run remembered stays, as long as the record is the same: what is live now may be half of a
# change.
remember() {
    if [ -d "$HD_ROOT/.undo" ]; then
        if remembered_whole; then
            cmp -s "$HD_ROOT/.undo/applied.json" "$HD_ROOT/applied.json" && return 0
            keep_previous
        fi
        forget_undo
    fi
    [ -f "$HD_ROOT/applied.json" ] || return 0
    rm -rf "$HD_ROOT/.undo.new"
    mkdir -m 0700 "$HD_ROOT/.undo.new" &&
        cp -pR "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/applied.json" "$HD_ROOT/.undo.new" &&
        (
            cd "$HD_ROOT/.undo.new" &&
                find haproxy keepalived applied.json -type f -exec sha256sum {} + >sums
        ) &&
        durable "$HD_ROOT/.undo.new" &&
        mv "$HD_ROOT/.undo.new" "$HD_ROOT/.undo" && sync "$HD_ROOT"
}

# remembered_whole: whether what was remembered is still what it was then. An older version has written no
# sums, and did not wait for the disk: a power cut left its files empty.
remembered_whole() (
    cd "$HD_ROOT/.undo" 2>/dev/null || return 1
    if [ -f sums ]; then
        sha256sum -c sums >/dev/null 2>&1
    else
        [ -s applied.json ] && [ -s haproxy/haproxy.cfg ] && [ -s keepalived/keepalived.conf ]
    fi
)

# forget_undo: in one instant, so that no half of it is ever taken for the whole.
forget_undo() {
    rm -rf "$HD_ROOT/.undo.gone"
    [ ! -d "$HD_ROOT/.undo" ] || mv "$HD_ROOT/.undo" "$HD_ROOT/.undo.gone" || return 1
    rm -rf "$HD_ROOT/.undo.gone"
}

# keep_previous: the state before the last finished change, for `up --rollback`.
keep_previous() {
    [ -f "$HD_ROOT/.undo/applied.json" ] || return 0
    # What was only on the way is nothing to go back to.
    ! grep -qF '"interim": true' "$HD_ROOT/.undo/applied.json" || {
        forget_undo
        return
    }
    rm -rf "$HD_ROOT/.previous" && mv "$HD_ROOT/.undo" "$HD_ROOT/.previous" && sync "$HD_ROOT"
}

# swap PATH: the staged file takes the live one's place in one instant.
swap() { mv -f "$HD_ROOT/.staging/$1" "$HD_ROOT/$1" && sync "$HD_ROOT/${1%/*}"; }

# record CONTENT CONFIGURATION: what was applied, by whom and when; base64. The last thing to be
# written: from then on there is no way back but `up --rollback`.
record() {
    printf '%s' "$1" | base64 -d >"$HD_ROOT/applied.json.new" && sync "$HD_ROOT/applied.json.new" ||
        return 1
    record_served || return 1
    hd_kept=$(docker container inspect --format '{{.Id}}' "$HD_HAPROXY$OLD" "$HD_KEEPALIVED$OLD" 2>/dev/null)
    # shellcheck disable=SC2086  # a list of words
    [ -z "$hd_kept" ] || docker rm $hd_kept >/dev/null || return 1
    mv -f "$HD_ROOT/applied.json.new" "$HD_ROOT/applied.json" && sync "$HD_ROOT" || return 1
    # A change that was taken back before it was finished is nothing to go back to.
    if grep -qF "\"configuration\": \"$2\"" "$HD_ROOT/.undo/applied.json" 2>/dev/null; then
        forget_undo
    else
        keep_previous
    fi
    forget_knowledge
    rm -rf "$HD_ROOT/.staging"
}

exists() { docker container inspect "$1" >/dev/null 2>&1; }

# stop NAME: in the time that it was given when it was made; somebody else may have given it none.
stop() {
    hd_grace=$(docker container inspect --format '{{.Config.StopTimeout}}' "$1")
    case $hd_grace in '' | *[!0-9]*) hd_grace=30 ;; esac
    stop_within "$hd_grace" "$1"
}

# remove_container NAME: gracefully, so that keepalived takes its addresses with it.
remove_container() {
    exists "$1" || return 0
    stop "$1" && docker rm "$1" >/dev/null
}

# start NAME: one that is stopped, or paused.
start() { timeout 30 docker unpause "$1" >/dev/null 2>&1 || docker start "$1" >/dev/null; }

# put_aside NAME NEW_NAME: it had another name, and is kept as what is there under the new one.
put_aside() {
    stop "$1" || return 1
    ! exists "$2$OLD" || docker rm "$2$OLD" >/dev/null || return 1
    docker rename "$1" "$2$OLD"
}

# recreate NAME "PATH..." COMMAND...: the one that is there is kept, stopped, until the new one is proven. The
# staged files go live while neither runs. A container that runs starts with them when the node restarts; with
# the open files that it was given for fewer connections, haproxy would start again and again.
recreate() {
    hd_name=$1 hd_files=$2
    shift 2
    if exists "$hd_name"; then
        stop "$hd_name" || return 1
        if exists "$hd_name$OLD"; then
            docker rm "$hd_name" >/dev/null || return 1
        else
            docker rename "$hd_name" "$hd_name$OLD" || return 1
        fi
    fi
    for hd_file in $hd_files; do
        swap "$hd_file" || return 1
    done
    "$@" >/dev/null
}

# on_free_ports CONTAINER "PORT..." COMMAND...: only if nobody but that container has one of them. A
# haproxy that cannot bind makes the one before it stop listening for as long as it tries, and clients
# are refused meanwhile (SIGTTOU, haproxy's management guide, 4).
on_free_ports() {
    hd_ours=$(main_pid "$1") && hd_ours=$(container_of "$hd_ours") || hd_ours=none
    for hd_port in $2; do
        for hd_owner in $(ss -Hltnp "sport = :$hd_port" | grep -o 'pid=[0-9]*' | sort -u); do
            hd_owner=${hd_owner#pid=}
            [ "$(container_of "$hd_owner")" != "$hd_ours" ] || continue
            printf 'port %s is taken by %s (pid %s)\n' "$hd_port" \
                "$(cat "/proc/$hd_owner/comm" 2>/dev/null)" "$hd_owner"
            return 1
        done
    done
    shift 2
    "$@"
}

# signal CONTAINER NAME: straight to its first process. `docker kill` would make the engine believe
# that the container was stopped by hand, and leave it down after the next reboot; `docker exec` waits
# for as long as the container's shim likes.
signal() {
    hd_signalled=$(main_pid "$1") || {
        printf '%s does not run\n' "$1"
        return 1
    }
    # keepalived must check haproxy anew: what it checked before the reload proves nothing.
    rm -f "/proc/$hd_signalled/root/tmp/hadeploy-checked"
    kill "-$2" "$hd_signalled"
}

# reload CONTAINER SIGNAL: one that has ended since it was observed is started. The engine may wait for up to a
# minute before it starts one that ended again and again.
reload() {
    signal "$1" "$2" || { stop "$1" && docker start "$1" >/dev/null; }
}

# until_true SECONDS WHAT COMMAND...: polls, and says what it waited for. By the uptime: a clock that
# is set in the meantime would end it at once, or never.
until_true() {
    hd_deadline=$(($(uptime_seconds) + $1))
    hd_what=$2
    shift 2
    hd_told=$(uptime_seconds)
    hd_blinks=5
    until "$@"; do
        # Polls of a slow node are slow, too, so they are no measure.
        if [ "$(uptime_seconds)" -ge $((hd_told + 3)) ]; then
            emit alive
            hd_told=$(uptime_seconds)
        fi
        if [ "$(uptime_seconds)" -ge "$hd_deadline" ]; then
            printf 'not within the deadline: %s\n' "$hd_what"
            return 1
        fi
        if [ "$hd_blinks" -gt 0 ]; then
            hd_blinks=$((hd_blinks - 1))
            blink
        else
            nap
        fi
    done
}

serves() { http_get "$1" /config | grep -qi "^location: /$2[[:space:]]*\$"; }

# prove_haproxy CONTAINER HEALTH_PORT CONFIG_ID SECONDS PORT...: the worker that answers has this very
# configuration, and it alone listens on every service port.
prove_haproxy() {
    hd_container=$1 hd_health=$2 hd_config=$3 hd_seconds=$4
    shift 4
    until_true "$hd_seconds" "haproxy answers with configuration $hd_config" \
        serves "$hd_health" "$hd_config" || {
        last_words "$hd_container"
        return 1
    }
    for hd_port in "$@"; do
        until_true 10 "one haproxy alone listens on port $hd_port" one_listens "$hd_port" || {
            last_words "$hd_container"
            return 1
        }
        listens_for_clients "$hd_port" || return
    done
}

# vrrp_ok CONTAINER CONFIG_ID: it has read this very file, and takes part unless it is drained.
vrrp_ok() {
    hd_said=$(vrrp_dump "$1") || return 1
    case $hd_said in *"Router ID = "*"-$2"*) ;; *) return 1 ;; esac
    case $(printf '%s\n' "$hd_said" | sed -n 's/^   State = //p' | head -n 1) in
    MASTER | BACKUP) return 0 ;;
    FAULT) drained ;;
    *) return 1 ;;
    esac
}

# vrrp_state CONTAINER: nothing if it does not tell.
vrrp_state() { vrrp_dump "$1" | sed -n 's/^   State = //p' | head -n 1; }

takes_part() {
    case $(vrrp_state "$1") in
    MASTER | BACKUP) return 0 ;;
    *) return 1 ;;
    esac
}

# set_track FILE NUMBER: in place, since keepalived watches the file and not its name. By no link: what the
# container puts there must not lead to a file of the node.
set_track() {
    printf '%s\n' "$2" |
        dd of="$HD_ROOT/track/$1" oflag=nofollow,nonblock conv=fsync status=none
}

# hold CONTAINER: keeps the VIP off this node while all nodes change; it neither hears nor speaks. If the
# run is interrupted, guard.sh ends that.
hold() {
    set_track handover 1 || return 1
    guard
    ! takes_part "$1" || until_true 15 "keepalived is in FAULT" out_of_it "$1"
}

# out_of_it CONTAINER: one that runs has to say so itself.
out_of_it() { [ "$(vrrp_state "$1")" = FAULT ] || ! quietly main_pid "$1"; }

# let_go CONTAINER ADDRESS...: keepalived holds them itself again, so nothing is pinned.
let_go() {
    hd_container=$1
    shift
    drained || {
        until_true "$HD_ELECTION" "keepalived is MASTER again" is_master "$hd_container" &&
            until_true 5 "$* is here" all_here "$@"
    } || return 1
    # shellcheck disable=SC2086  # a list of words
    unpin $HD_VIPS
}

# finish_handover CONTAINER PORT ADDRESS...: this node may have the VIP again, unless the operator says otherwise.
finish_handover() {
    hd_container=$1
    shift
    hears_holder "$@" && set_track handover 0 || return 1
    drained || until_true "$((30 + $(listening_seconds)))" "keepalived is MASTER, or BACKUP and hears the holder" \
        has_heard "$hd_container"
}

# has_heard CONTAINER: it is MASTER, or BACKUP and has heard an advert. Before the first one it names the
# priority 0.
has_heard() {
    hd_said=$(vrrp_dump "$1") || return 1
    case $(printf '%s\n' "$hd_said" | sed -n 's/^   State = //p' | head -n 1) in
    MASTER) return 0 ;;
    BACKUP) ! printf '%s\n' "$hd_said" | matches '^   Master priority = 0$' ;;
    *) return 1 ;;
    esac
}

drained() {
    for hd_track in drain handover; do
        # One that is missing counts as 0.
        case $(track_says "$hd_track") in 0 | '') ;; *) return 0 ;; esac
    done
    return 1
}

is_master() { [ "$(vrrp_state "$1")" = MASTER ]; }

last_words() {
    printf -- '--- last lines of %s:\n' "$1"
    last_bytes 16384 docker logs --tail 12 "$1"
}
