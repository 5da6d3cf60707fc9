# shellcheck shell=sh
# The VIPs on this node: where they are, and keeping them for a moment.
# Requires: waiting.sh

# vip_entries ADDRESS...: where they are, as words "eth0=198.51.100.100/32"; pinned ones do not count.
vip_entries() {
    for hd_address in "$@"; do
        ip -o address show to "$hd_address" 2>/dev/null |
            sed -n 's/^[0-9]*: *\([^ ]*\) *inet6\{0,1\} \([^ ]*\).*/\1=\2/p' | grep -v '^lo='
    done
}

with_prefix() { case $1 in *:*) printf '%s/128\n' "$1" ;; *) printf '%s/32\n' "$1" ;; esac; }

pinned() { [ -n "$(ip -o address show dev lo to "$1")" ]; }

# pin_vip SECONDS ADDRESS...: those of them that are here stay here whatever keepalived does, so that
# connections are answered. They are on lo, which keepalived does not watch, and the kernel itself
# ends it after that time, whatever becomes of this script (ip-address(8), valid_lft).
pin_vip() {
    hd_seconds=$1
    shift
    for hd_address in "$@"; do
        if [ -n "$(vip_entries "$hd_address")" ] || pinned "$hd_address"; then
            # The kernel leaves the route of an IPv6 address with a lifetime on lo for ever, so that
            # this node could not reach the next holder; as deprecated it is nobody's source address.
            ip address replace "$(with_prefix "$hd_address")" dev lo noprefixroute \
                valid_lft "$hd_seconds" preferred_lft 0 || return 1
        fi
    done
}

# pin_and_proxy SECONDS ADDRESS...: pinned, and found also by those who have not spoken to them lately.
pin_and_proxy() {
    pin_vip "$@" || return 1
    shift
    for hd_entry in $(vip_entries "$@"); do
        hd_address=${hd_entry#*=}
        case $hd_address in *:*) proxy_ndp "${hd_entry%%=*}" "${hd_address%/*}" ;; esac
    done
}

# proxy_ndp INTERFACE ADDRESS: as long as it is pinned. For what is not on the interface itself the kernel
# answers neighbour solicitations only as a proxy, and only where it forwards (ndisc_recv_ns in
# net/ipv6/ndisc.c); such answers do not override a real holder's, so one too many does no harm.
proxy_ndp() {
    # One that vouches already sees to its end, too.
    ! ip neighbour show proxy dev "$1" | grep -qF "$2 " || return 0
    hd_switch=/proc/sys/net/ipv6/conf/$1/proxy_ndp
    hd_switched=$(cat "$hd_switch")
    [ "$(cat "${hd_switch%/*}/forwarding")" = 1 ] && ip neighbour replace proxy "$2" dev "$1" &&
        echo 1 >"$hd_switch" || return 0
    (
        while pinned "$2"; do short_sleep; done
        echo "$hd_switched" >"$hd_switch"
        ip neighbour del proxy "$2" dev "$1"
    ) 8>&- >/dev/null 2>&1 &
}

unpin() {
    for hd_address in "$@"; do
        ! pinned "$hd_address" || ip address del "$(with_prefix "$hd_address")" dev lo
    done
}

none_here() { [ -z "$(vip_entries "$@")" ]; }

all_here() {
    for hd_address in "$@"; do
        [ -n "$(vip_entries "$hd_address")" ] || return 1
    done
}
