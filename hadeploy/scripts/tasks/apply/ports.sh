# shellcheck shell=sh
# Who listens where.
# Requires: sockets.sh
# Inputs: HD_CLIENT_VIPS
# HD_CLIENT_VIPS: those that the node is to serve.

# client_hosts: where haproxy is to listen for clients, as words for `listeners`.
client_hosts() {
    for hd_vip in $HD_CLIENT_VIPS; do
        case $hd_vip in *:*) echo ipv6 ;; *) echo ipv4 ;; esac
    done | sort -u
}

# one_listens PORT: one process, so the worker before this one has left the port to it. One that was
# frozen goes on first: it has been told to leave, and until then clients would wait for it.
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

# bound_to PORT: the addresses that are listened on, one a line; * is every one.
bound_to() {
    ss -Hltn "sport = :$1" | while read -r _ _ _ hd_local _; do
        hd_local=${hd_local%:*}
        hd_local=${hd_local#\[}
        hd_local=${hd_local%\]}
        # One that is for an interface alone has its name: 0.0.0.0%eth0.
        case $hd_local in *%lo) ;; *) hd_local=${hd_local%%\%*} ;; esac
        printf '%s\n' "$hd_local"
    done | sort -u
}

# listens_for_clients PORT: whether a connection to each VIP would be accepted, if it were here.
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
