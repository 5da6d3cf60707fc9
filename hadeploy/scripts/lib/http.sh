# shellcheck shell=sh
# Requests to haproxy's own pages.
# Requires: engine.sh
# Inputs: HD_HAPROXY

# haproxy's user on the node (desired/layout.py), and the most that it may say.
HAPROXY_UID=2100000000

MOST_HTTP_BYTES=8388608

# Answers only where the listener belongs to one of the users in $3: any user of the node can take the port
# while haproxy does not run. Whose it is says the kernel, in lines of 150 characters (proc_pid_net(5)); what
# listens comes first. One can be missed while others change. What bash itself prints goes out line by line,
# and the second line would wait for the first one's acknowledgement, which the kernel delays by 40 ms
# (RFC 1122, 4.2.3.2 and 4.2.3.4); so its printf is the program.
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

# http_get PORT PATH...: the answers of our haproxy on a local port, within 2 s, on one connection.
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
    # Earlier versions left the user to the image.
    hd_user=$(user_of "$(main_pid "$HD_HAPROXY")") && ask_haproxy "$hd_user"
}

ask_haproxy() {
    timeout 2 bash --norc -c "$http_program" bash "$hd_asked_port" "$hd_requests" "$1" "$MOST_HTTP_BYTES" \
        2>/dev/null
}
