# shellcheck shell=sh
# Leaving new connections to a VIP unanswered, for a moment.
# Requires: addresses.sh

# block_syn ADDRESS...: from now on nobody begins a connection to them here: the handshake is left
# unanswered, and the client's kernel tries again a second later, at the next holder. What has begun
# goes on. Without iptables the connections that begin at that very instant may be reset.
block_syn() {
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
            -d "$(with_prefix "$hd_address")" -j DROP
    done
}

# remove_stale_rules ADDRESS...: what a killed script may have left.
remove_stale_rules() {
    for hd_address in "$@"; do
        hd_times=3
        while [ "$hd_times" -gt 0 ] && firewall -D "$hd_address" 2>/dev/null; do
            hd_times=$((hd_times - 1))
        done
    done
}
