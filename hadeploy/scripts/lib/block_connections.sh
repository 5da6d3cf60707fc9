# shellcheck shell=sh
# Drop new connections to a VIP for a moment.
# Requires: addresses.sh

# block_syn ADDRESS...: drops the handshakes of new connections to them; the client's kernel tries again a
# second later, and reaches the next holder. Open connections continue. Without iptables, connections
# that begin at this moment may be reset.
block_syn() {
    firewall -I "$@"
    # Removes the rules even if this script is killed.
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

# remove_stale_rules ADDRESS...: removes the rules that a killed script may have left behind.
remove_stale_rules() {
    for hd_address in "$@"; do
        hd_times=3
        while [ "$hd_times" -gt 0 ] && firewall -D "$hd_address" 2>/dev/null; do
            hd_times=$((hd_times - 1))
        done
    done
}
