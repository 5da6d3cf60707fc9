# shellcheck shell=sh
# The VIPs on this node: find them, and keep them for a moment.
# Requires: waiting.sh

# vip_entries ADDRESS...: the interfaces with these addresses, as words "eth0=198.51.100.100/32", without
# pinned addresses.
vip_entries() {
    for hd_address in "$@"; do
        ip -o address show to "$hd_address" 2>/dev/null |
            sed -n 's/^[0-9]*: *\([^ ]*\) *inet6\{0,1\} \([^ ]*\).*/\1=\2/p' | grep -v '^lo='
    done
}

with_prefix() { case $1 in *:*) printf '%s/128\n' "$1" ;; *) printf '%s/32\n' "$1" ;; esac; }

pinned() { [ -n "$(ip -o address show dev lo to "$1")" ]; }

# pin_vip SECONDS ADDRESS...: keeps the addresses that this node has, whatever keepalived does, so that
# connections are answered. It adds them to lo, which keepalived does not watch. The kernel removes
# them after that time, even if this script is killed (ip-address(8), valid_lft).
pin_vip() {
    hd_seconds=$1
    shift
    for hd_address in "$@"; do
        if [ -n "$(vip_entries "$hd_address")" ] || pinned "$hd_address"; then
            # The kernel never removes the route of an IPv6 address with a lifetime on lo, and the node
            # could not reach the next holder: so noprefixroute. A deprecated address is no source address.
            ip address replace "$(with_prefix "$hd_address")" dev lo noprefixroute \
                valid_lft "$hd_seconds" preferred_lft 0 || return 1
        fi
    done
}

# pin_and_proxy SECONDS ADDRESS...: pins them, and lets IPv6 neighbours without a cache entry find them.
pin_and_proxy() {
    pin_vip "$@" || return 1
    shift
    for hd_entry in $(vip_entries "$@"); do
        hd_address=${hd_entry#*=}
        case $hd_address in *:*) proxy_ndp "${hd_entry%%=*}" "${hd_address%/*}" ;; esac
    done
}

# proxy_ndp INTERFACE ADDRESS: answers neighbour solicitations while the address is pinned. For an address
# that is not on the interface, the kernel answers only as a proxy, and only if it forwards (ndisc_recv_ns
# in net/ipv6/ndisc.c). Such an answer does not override that of the real holder, so it does no harm.
proxy_ndp() {
    # If there is a proxy entry, another background process removes it.
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
