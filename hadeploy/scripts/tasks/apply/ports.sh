# shellcheck shell=sh
# The addresses and processes that listen on a port.
# Requires: sockets.sh
# Inputs: HD_CLIENT_VIPS
# HD_CLIENT_VIPS: the VIPs that the node must serve.

# client_hosts: where haproxy must listen for clients, as words for `listeners`.
client_hosts() {
    for hd_vip in $HD_CLIENT_VIPS; do
        case $hd_vip in *:*) echo ipv6 ;; *) echo ipv4 ;; esac
    done | sort -u
}

# one_listens PORT: whether a single process listens, so the old worker has closed the port. A frozen old
# worker is continued: it has been told to stop, and until then it would accept connections.
one_listens() {
    hd_listening=0
    # shellcheck disable=SC2046  # words
    for hd_owner in $(listeners "$1" $(client_hosts)); do
        hd_owner=${hd_owner#pid=}
        hd_listening=$((hd_listening + 1))
        case $(sed 's/.*) //' "/proc/$hd_owner/stat" 2>/dev/null) in T*) kill -CONT "$hd_owner" ;; esac
    done
    [ "$hd_listening" -eq 1 ]
}

# bound_to PORT: the addresses with a listening socket, one per line; * means all addresses.
bound_to() {
    ss -Hltn "sport = :$1" | while read -r _ _ _ hd_local _; do
        hd_local=${hd_local%:*}
        hd_local=${hd_local#\[}
        hd_local=${hd_local%\]}
        # A socket that is bound to an interface has its name: 0.0.0.0%eth0.
        case $hd_local in *%lo) ;; *) hd_local=${hd_local%%\%*} ;; esac
        printf '%s\n' "$hd_local"
    done | sort -u
}

# listens_for_clients PORT: whether haproxy would accept connections to each VIP on this node.
listens_for_clients() {
    hd_bound=$(bound_to "$1")
    for hd_vip in $HD_CLIENT_VIPS; do
        case $hd_vip in *:*) hd_every=:: ;; *) hd_every=0.0.0.0 ;; esac
        printf '%s\n' "$hd_bound" | grep -qxF -e '*' -e "$hd_every" -e "$hd_vip" && continue
        printf 'haproxy listens on %s only, so it does not serve %s\n' \
            "$(printf '%s\n' "$hd_bound" | sed "s/\$/:$1/" | paste -s -d ' ' -)" "$hd_vip"
        return 1
    done
}
