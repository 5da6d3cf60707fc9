# shellcheck shell=sh
# Changing a node, one step after the other. Given: HD_ROOT.

# step NUMBER COMMAND...: what it prints is the body of its message; the first failure ends the run.
step() {
    hd_step=$1
    shift
    lock_keep
    emit step "$hd_step"
    if ! "$@"; then
        emit failed "$hd_step"
        emit end
        exit 1
    fi
    emit ok "$hd_step"
}

# swap PATH: the staged file takes the live one's place in one instant; the live one is kept.
swap() {
    if [ -f "$HD_ROOT/$1" ]; then
        install -d -m 0700 "$HD_ROOT/.last-good" && install -d -m 0700 "$HD_ROOT/.last-good/${1%/*}" &&
            cp -p "$HD_ROOT/$1" "$HD_ROOT/.last-good/$1.new" &&
            mv -f "$HD_ROOT/.last-good/$1.new" "$HD_ROOT/.last-good/$1" || return 1
    fi
    mv -f "$HD_ROOT/.staging/$1" "$HD_ROOT/$1" && sync "$HD_ROOT/${1%/*}"
}

# record CONTENT: what was applied, by whom and when; base64. The last thing to be written.
record() {
    printf '%s' "$1" | base64 -d >"$HD_ROOT/applied.json.new" && sync "$HD_ROOT/applied.json.new" &&
        mv -f "$HD_ROOT/applied.json.new" "$HD_ROOT/applied.json" && rm -rf "$HD_ROOT/.staging"
}

# remove_container NAME: gracefully, so that keepalived takes its addresses with it.
remove_container() {
    docker container inspect "$1" >/dev/null 2>&1 || return 0
    patiently docker stop "$1" >/dev/null && docker rm "$1" >/dev/null
}

# start NAME: one that is stopped, or paused.
start() { docker unpause "$1" >/dev/null 2>&1 || docker start "$1" >/dev/null; }

recreate() {
    hd_name=$1
    shift
    remove_container "$hd_name" && "$@" >/dev/null
}

# signal CONTAINER NAME: from inside. `docker kill` would make the engine believe that the container
# was stopped by hand, and leave it down after the next reboot.
signal() {
    # keepalived must check haproxy anew: what it checked before the reload proves nothing.
    hd_signalled=$(main_pid "$1") && rm -f "/proc/$hd_signalled/root/tmp/hadeploy-checked"
    docker exec "$1" sh -c "kill -$2 1"
}

# until_true SECONDS WHAT COMMAND...: polls, and says what it waited for.
until_true() {
    hd_deadline=$(($(date +%s) + $1))
    hd_what=$2
    shift 2
    until "$@"; do
        if [ "$(date +%s)" -ge "$hd_deadline" ]; then
            printf 'not within the deadline: %s\n' "$hd_what"
            return 1
        fi
        nap
    done
}

serves() { http_get "$1" /config | grep -qi "^location: /$2[[:space:]]*\$"; }

listens() { [ -n "$(ss -Hltn "sport = :$1")" ]; }

# prove_haproxy CONTAINER HEALTH_PORT CONFIG_ID SECONDS PORT...: the worker that answers has this very
# configuration, and every service port listens.
prove_haproxy() {
    hd_container=$1 hd_health=$2 hd_config=$3 hd_seconds=$4
    shift 4
    until_true "$hd_seconds" "haproxy answers with configuration $hd_config" \
        serves "$hd_health" "$hd_config" || {
        last_words "$hd_container"
        return 1
    }
    for hd_port in "$@"; do
        until_true 5 "port $hd_port listens" listens "$hd_port" || {
            last_words "$hd_container"
            return 1
        }
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

takes_part() {
    case $(vrrp_dump "$1" | sed -n 's/^   State = //p' | head -n 1) in
    MASTER | BACKUP) return 0 ;;
    *) return 1 ;;
    esac
}

# set_track FILE NUMBER: in place, since keepalived watches the file and not its name.
set_track() { printf '%s\n' "$2" >"$HD_ROOT/track/$1" && sync "$HD_ROOT/track/$1"; }

# entries ADDRESS...: where they are, as words "eth0=198.51.100.100/32".
entries() {
    for hd_address in "$@"; do
        ip -o address show to "$hd_address" 2>/dev/null |
            sed -n 's/^[0-9]*: *\([^ ]*\) *inet6\{0,1\} \([^ ]*\).*/\1=\2/p'
    done
}

# copy_of ADDRESS/PREFIX: the same address under another prefix length, which makes it another entry.
copy_of() {
    case $1 in
    *:*/128) printf '%s/127\n' "${1%/*}" ;;
    *:*) printf '%s/128\n' "${1%/*}" ;;
    */32) printf '%s/31\n' "${1%/*}" ;;
    *) printf '%s/32\n' "${1%/*}" ;;
    esac
}

entry_gone() {
    hd_gone=${1#*=}
    ! entries "${hd_gone%/*}" | grep -qxF "$1"
}

# hand_over PORT ADDRESS...: the VIPs leave this node, and somebody else answers on them.
hand_over() {
    hd_service=$1
    shift
    hd_entries=$(entries "$@" | sort -u)
    # keepalived takes the address away, and with it what the kernel needs to answer the requests
    # that are already here. A copy of it stays for a moment; the kernel ends that by itself after
    # three seconds, whatever becomes of this script.
    for hd_entry in $hd_entries; do
        ip address add "$(copy_of "${hd_entry#*=}")" dev "${hd_entry%%=*}" noprefixroute \
            valid_lft 3 preferred_lft 3
    done
    set_track handover 1 || return 1
    for hd_entry in $hd_entries; do
        until_true 15 "${hd_entry#*=} has left" entry_gone "$hd_entry" || hd_stays=yes
    done
    nap
    nap
    for hd_entry in $hd_entries; do
        ip address del "$(copy_of "${hd_entry#*=}")" dev "${hd_entry%%=*}"
    done
    if [ -z "${hd_stays-}" ] && answered_elsewhere "$hd_service" "$@"; then
        return 0
    fi
    set_track handover 0
    return 1
}

answered_elsewhere() {
    hd_port=$1
    shift
    for hd_address in "$@"; do
        until_true 10 "another node answers on $hd_address" tcp_opens "$hd_address" "$hd_port" ||
            return 1
    done
}

# end_hand_over CONTAINER: this node may have the VIP again, unless the operator says otherwise.
end_hand_over() {
    set_track handover 0 || return 1
    drained || until_true 30 "keepalived is MASTER or BACKUP" takes_part "$1"
}

# not_bound ADDRESS...: whether none of them is on this node.
not_bound() {
    for hd_address in "$@"; do
        [ -z "$(ip -o address show to "$hd_address")" ] || return 1
    done
}

drained() {
    for hd_track in "$HD_ROOT"/track/*; do
        [ "$(cat "$hd_track")" = 0 ] || return 0
    done
    return 1
}

# prove_keepalived CONTAINER CONFIG_ID SECONDS: it has read the file, takes part, and really runs its
# check of haproxy.
prove_keepalived() {
    if until_true "$3" "keepalived runs its check of haproxy" check_age "$1" >/dev/null &&
        until_true "$3" "keepalived has configuration $2 and is MASTER or BACKUP" \
            vrrp_ok "$1" "$2"; then
        return 0
    fi
    last_words "$1"
    return 1
}

last_words() {
    printf -- '--- last lines of %s:\n' "$1"
    docker logs --tail 12 "$1"
}
