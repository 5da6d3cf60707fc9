# shellcheck shell=sh
# Requests to haproxy's status pages.
# Requires: engine.sh
# Inputs: HD_HAPROXY

# haproxy's user on the node (desired/layout.py), and the size limit of its answers.
HAPROXY_UID=2100000000

MAX_HTTP_BYTES=8388608

# It asks only if the listening socket belongs to one of the users in $3: any user of the node can take the
# port while haproxy does not run. The kernel lists the owners in lines of 150 characters, listening sockets
# first (proc_pid_net(5)); a read can miss a socket while others change, so there are four tries. bash's own
# printf sends line by line, and the second line would wait for the acknowledgement of the first, which the
# kernel delays by 40 ms (RFC 1122, 4.2.3.2 and 4.2.3.4): so the printf program is used.
# shellcheck disable=SC2016  # expanded by bash, from its own arguments
http_program='
owner() {
    for tries in 1 2 3 4; do
        while IFS= read -r -N 150 row; do
            words=($row)
            case ${words[3]-} in 0A | st) ;; *) break ;; esac
            case ${words[1]} in
            "0100007F:$1" | "7F000001:$1" | "00000000:$1")
                echo "${words[7]}"
                return
                ;;
            esac
        done </proc/net/tcp
    done
}
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf -v port "%04X" "$1"
case " $3 " in *" $(owner "$port") "*) ;; *) exit 3 ;; esac
enable -n printf
printf "$2" >&3
exec head -c "$4" <&3
'

# Any user of the node can use up the connections of the health port. haproxy also answers on a Unix socket in its
# container, which only root can reach (desired/layout.py).
ROOT_SOCKET=/tmp/hadeploy.sock

# A port with so many connections is full (desired/check_script.py).
MANY_CONNECTIONS=50

# shellcheck disable=SC2016  # expanded by perl
socket_program='
use strict;
my ($path, $most) = @ARGV;
my $request = join "", <STDIN>;
socket my $haproxy, 1, 1, 0 or exit 1;
connect $haproxy, pack "S a*", 1, $path or exit 1;
syswrite $haproxy, $request;
open STDIN, "<&", $haproxy and exec "head", "-c", $most;
'

# http_get PORT PATH...: the answers of our haproxy on a local port, on one connection, within 2 s. Status 4: the
# port is full, and the answers are from the socket.
http_get() {
    hd_asked_port=$1
    shift
    hd_requests=
    while [ $# -gt 1 ]; do
        hd_requests="${hd_requests}GET $1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        shift
    done
    hd_requests="${hd_requests}GET $1 HTTP/1.0\r\n\r\n"
    ask_haproxy "0 $HAPROXY_UID"
    case $? in
    3)
        # Earlier versions used the user of the image.
        hd_user=$(user_of "$(main_pid "$HD_HAPROXY")") && ask_haproxy "$hd_user"
        ;;
    124) is_crowded "$hd_asked_port" && ask_socket && return 4 ;;
    esac
    return 0
}

ask_haproxy() {
    timeout 2 bash --norc -c "$http_program" bash "$hd_asked_port" "$hd_requests" "$1" "$MAX_HTTP_BYTES" \
        2>/dev/null
}

# ask_socket: $hd_requests, on the socket. Nothing leads out of the container from there.
ask_socket() {
    hd_asked_pid=$(main_pid "$HD_HAPROXY") || return 1
    hd_socket=/proc/$hd_asked_pid/root$ROOT_SOCKET
    [ -S "$hd_socket" ] && [ ! -L "$hd_socket" ] || return 1
    # shellcheck disable=SC2059  # with line ends
    printf "$hd_requests" | timeout 2 perl -e "$socket_program" "$hd_socket" "$MAX_HTTP_BYTES" 2>/dev/null
}

# crowd PORT: lines "UID CONNECTIONS" of the users that have connections to a local port, or wait for some; the
# first has most.
crowd() {
    ss -Htne state established state syn-sent dst "127.0.0.1:$1" 2>/dev/null |
        sed -e 's/.* uid:\([0-9]*\).*/\1/' -e t -e 's/.*/0/' | sort | uniq -c | sort -rn |
        while read -r hd_count hd_uid; do printf '%s %s\n' "$hd_uid" "$hd_count"; done
}

is_crowded() {
    hd_connections=0
    while read -r _ hd_count; do
        hd_connections=$((hd_connections + ${hd_count:-0}))
    done <<END
$(crowd "$1")
END
    [ "$hd_connections" -ge "$MANY_CONNECTIONS" ]
}
