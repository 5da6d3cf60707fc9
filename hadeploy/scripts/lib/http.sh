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

# http_get PORT PATH...: the answers of our haproxy on a local port, on one connection, within 2 s.
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
    [ $? -eq 3 ] || return 0
    # Earlier versions used the user of the image.
    hd_user=$(user_of "$(main_pid "$HD_HAPROXY")") && ask_haproxy "$hd_user"
}

ask_haproxy() {
    timeout 2 bash --norc -c "$http_program" bash "$hd_asked_port" "$hd_requests" "$1" "$MAX_HTTP_BYTES" \
        2>/dev/null
}
