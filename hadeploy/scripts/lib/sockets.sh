# shellcheck shell=sh
# The processes that have a socket.

# pids_in TEXT: the processes in the output of ss, as words "pid=1".
pids_in() { printf '%s\n' "$1" | grep -o 'pid=[0-9]*' | sort -u; }

# listeners PORT HOST...: the processes that listen on this port at one of these hosts, in the same form. HOST:
# ipv4 or ipv6 for all addresses, or an IPv4 address. Sockets at other addresses do not conflict with haproxy.
listeners() {
    hd_wanted_port=$1
    shift
    pids_in "$(
        ss -Hltnp "sport = :$hd_wanted_port" | while read -r _ _ _ hd_local _ hd_users; do
            ! at_host "${hd_local%:*}" "$@" || printf '%s\n' "$hd_users"
        done
    )"
}

# at_host ADDRESS HOST...: whether a socket at ADDRESS, as ss prints it, takes the port at one of these hosts.
at_host() {
    hd_place=${1#\[}
    hd_place=${hd_place%\]}
    hd_place=${hd_place%%\%*}
    shift
    for hd_host in "$@"; do
        case $hd_host:$hd_place in
        *:'*' | ipv6:*:* | "$hd_host:$hd_host" | [0-9]*:0.0.0.0) return 0 ;;
        ipv4:*:*) ;;
        ipv4:*) return 0 ;;
        esac
    done
    return 1
}
