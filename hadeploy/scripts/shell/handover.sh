# shellcheck shell=sh
# Moving addresses without losing what is under way. Given: what apply.sh has. hand_over requires answer.sh, and
# with HD_COMPARE=no does not compare what clients are answered.

# How many connections ask at once, so that more than one server has its turn.
HANDOVER_ASKED=3

# How often an answer that is not as before is asked for: one server may be busy.
MOST_TRIES=3

# entries ADDRESS...: where they are, as words "eth0=198.51.100.100/32"; pinned ones do not count.
entries() {
    for hd_address in "$@"; do
        ip -o address show to "$hd_address" 2>/dev/null |
            sed -n 's/^[0-9]*: *\([^ ]*\) *inet6\{0,1\} \([^ ]*\).*/\1=\2/p' | grep -v '^lo='
    done
}

whole() { case $1 in *:*) printf '%s/128\n' "$1" ;; *) printf '%s/32\n' "$1" ;; esac; }

pinned() { [ -n "$(ip -o address show dev lo to "$1")" ]; }

# pin SECONDS ADDRESS...: those of them that are here stay here whatever keepalived does, so that
# connections are answered. They are on lo, which keepalived does not watch, and the kernel itself
# ends it after that time, whatever becomes of this script (ip-address(8), valid_lft).
pin() {
    hd_seconds=$1
    shift
    for hd_address in "$@"; do
        if [ -n "$(entries "$hd_address")" ] || pinned "$hd_address"; then
            # The kernel leaves the route of an IPv6 address with a lifetime on lo for ever, so that
            # this node could not reach the next holder; as deprecated it is nobody's source address.
            ip address replace "$(whole "$hd_address")" dev lo noprefixroute \
                valid_lft "$hd_seconds" preferred_lft 0 || return 1
        fi
    done
}

# stay SECONDS ADDRESS...: pinned, and found also by those who have not spoken to them lately.
stay() {
    pin "$@" || return 1
    shift
    for hd_entry in $(entries "$@"); do
        hd_address=${hd_entry#*=}
        case $hd_address in *:*) vouch "${hd_entry%%=*}" "${hd_address%/*}" ;; esac
    done
}

# vouch INTERFACE ADDRESS: as long as it is pinned. For what is not on the interface itself the kernel
# answers neighbour solicitations only as a proxy, and only where it forwards (ndisc_recv_ns in
# net/ipv6/ndisc.c); such answers do not override a real holder's, so one too many does no harm.
vouch() {
    # One that vouches already sees to its end, too.
    ! ip neighbour show proxy dev "$1" | grep -qF "$2 " || return 0
    hd_switch=/proc/sys/net/ipv6/conf/$1/proxy_ndp
    hd_switched=$(cat "$hd_switch")
    [ "$(cat "${hd_switch%/*}/forwarding")" = 1 ] && ip neighbour replace proxy "$2" dev "$1" &&
        echo 1 >"$hd_switch" || return 0
    (
        while pinned "$2"; do nap; done
        echo "$hd_switched" >"$hd_switch"
        ip neighbour del proxy "$2" dev "$1"
    ) 8>&- >/dev/null 2>&1 &
}

unpin() {
    for hd_address in "$@"; do
        ! pinned "$hd_address" || ip address del "$(whole "$hd_address")" dev lo
    done
}

none_here() { [ -z "$(entries "$@")" ]; }

all_here() {
    for hd_address in "$@"; do
        [ -n "$(entries "$hd_address")" ] || return 1
    done
}

# still_elsewhere ADDRESS...: ends the script if the holder has failed since the plan was made and one
# of them is here now: nobody planned to hand it over first.
still_elsewhere() {
    none_here "$@" && return 0
    emit moved
    emit end
    exit 1
}

# no_more ADDRESS...: from now on nobody begins a connection to them here: the handshake is left
# unanswered, and the client's kernel tries again a second later, at the next holder. What has begun
# goes on. Without iptables the connections that begin at that very instant may be reset.
no_more() {
    firewall -I "$@"
    # Whatever becomes of this script, it does not stay.
    (sleep 10 && firewall -D "$@") 8>&- >/dev/null 2>&1 &
}

# firewall OPTION ADDRESS...
firewall() {
    hd_option=$1
    shift
    for hd_address in "$@"; do
        case $hd_address in *:*) hd_tables=ip6tables ;; *) hd_tables=iptables ;; esac
        ! have "$hd_tables" || "$hd_tables" -w 2 "$hd_option" INPUT -p tcp --syn \
            -d "$(whole "$hd_address")" -j DROP
    done
}

# sweep ADDRESS...: what a killed script may have left.
sweep() {
    for hd_address in "$@"; do
        hd_times=3
        while [ "$hd_times" -gt 0 ] && firewall -D "$hd_address" 2>/dev/null; do
            hd_times=$((hd_times - 1))
        done
    done
}

# leave "COMMAND" ADDRESS...: the command makes keepalived give them up; connections that have begun
# get their answers, for a moment still from here.
leave() {
    hd_command=$1
    shift
    # keepalived takes the address away, and with it what the kernel needs to answer the requests
    # that are already here.
    pin 20 "$@" || return 1
    no_more "$@"
    nap
    hd_left=no
    # shellcheck disable=SC2086  # words
    if $hd_command && until_true 15 "$* has left" none_here "$@"; then
        hd_left=yes
        nap
        nap
    fi
    unpin "$@"
    firewall -D "$@"
    [ "$hd_left" = yes ]
}

# hand_over PORT ADDRESS...: the VIPs leave this node, and another one answers clients on them as this one did.
hand_over() { move_away handover "$@"; }

# drain_away NAME PORT ADDRESS...: the same for good; where clients are not served here, nothing is lost.
drain_away() {
    hd_drain=$1 hd_service=$2
    shift 2
    answer_all "$hd_service" "$@" || {
        leave "set_track $hd_drain 1" "$@"
        return
    }
    move_away "$hd_drain" "$hd_service" "$@"
}

# move_away NAME PORT ADDRESS...
move_away() {
    hd_track_name=$1 hd_service=$2
    shift 2
    answered_here "$hd_service" "$@"
    if leave "set_track $hd_track_name 1" "$@" && answered_elsewhere "$hd_service" "$@"; then
        return 0
    fi
    set_track "$hd_track_name" 0
    return 1
}

# await_vip PORT ADDRESS...: until somebody answers on them; but a node that is held back for ever, since
# the first one has failed, would be worse than another order.
await_vip() {
    hd_service=$1
    shift
    hd_awaiting=$(centiseconds)
    listen_ahead "$HD_ELECTION"
    until_true "$HD_ELECTION" "somebody answers on $*" answer_all "$hd_service" "$@" || :
    emit awaited "$(($(centiseconds) - hd_awaiting))"
}

answer_all() {
    hd_at=$1
    shift
    for hd_address in "$@"; do
        tcp_opens "$hd_address" "$hd_at" || return 1
    done
}

# answered_here PORT ADDRESS...: what clients are answered there, as lines "ADDRESS ANSWERS" in hd_answered; none
# where they are not served.
answered_here() {
    hd_port=$1
    shift
    hd_answered=
    [ "${HD_COMPARE-}" != no ] || return 0
    hd_answered=$(
        for hd_vip in "$@"; do
            hd_now=$(answers_of "$hd_vip" "$hd_port" "$HANDOVER_ASKED" |
                grep -vxE 'closed|refused|unreached' | paste -s -d , -)
            [ -z "$hd_now" ] || printf '%s %s\n' "$hd_vip" "$hd_now"
        done
    )
}

# answered_elsewhere PORT ADDRESS...: another node answers there, and clients as hd_answered says.
answered_elsewhere() {
    hd_port=$1
    shift
    for hd_vip in "$@"; do
        until_true 10 "another node answers on $hd_vip" tcp_opens "$hd_vip" "$hd_port" || return 1
        hd_before=$(printf '%s\n' "$hd_answered" | sed -n "s/^$hd_vip //p")
        [ -n "$hd_before" ] || continue
        hd_tries=0
        until answered_so "$hd_vip" "$hd_port" "$hd_before"; do
            hd_tries=$((hd_tries + 1))
            [ "$hd_tries" -lt "$MOST_TRIES" ] || {
                emit lost ":$hd_port@$hd_vip=$hd_before=$hd_answer"
                return 1
            }
            nap
        done
    done
}

# answered_so ADDRESS PORT BEFORE: the first answer that is not as before is in hd_answer.
answered_so() {
    for hd_answer in $(answers_of "$1" "$2" "$HANDOVER_ASKED"); do
        as_before "$hd_answer" "$3" || return 1
    done
}
