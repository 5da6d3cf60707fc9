# shellcheck shell=sh
# The answers that clients get.
# Inputs: HD_HELLO
# HD_HELLO: a TLS ClientHello as a format of printf.

# The time limit for an answer, and the time for which an idle connection must stay open.
ANSWER_SECONDS=2

OPEN_SECONDS=0.15

# It is killed after a second if it is not connected by then; later its own time limits apply.
# A server that closes the connection of a TLS client may speak another protocol. `read` returns 1 at the
# end of the stream, and more than 128 after a timeout. bash's own printf would send line by line (see
# http_get).
# shellcheck disable=SC2016  # expanded by bash, from its own arguments
answer_program='
connect() { exec 3<>"/dev/tcp/$address/$port"; }
first() { IFS= read -r -t "$1" -N 1 -u 3 byte; result=$?; }
address=$1 port=$2 hello=$3 patience=$4 stays=$5
connect || exit
trap "" TERM
exec 2>/dev/null
printf -v handshake "\026"
printf -v alert "\025"
enable -n printf
echo answer
printf "$hello" >&3
first "$patience"
case $result:$byte in
"0:$handshake") echo tls ;;
"0:$alert") echo alert ;;
0:*)
    connect && printf "GET / HTTP/1.0\r\n\r\n" >&3 || exit
    IFS=" " read -r -t "$patience" -n 200 -u 3 version status _
    result=$?
    case $result:$version/${status%%[!0-9]*} in
    *:HTTP/*/[1-5][0-9][0-9]) echo "http/${status%%[!0-9]*}" ;;
    1:/) echo closed ;;
    0:* | 1:*) echo other ;;
    *) echo silent ;;
    esac ;;
1:)
    connect || exit
    first "$stays"
    case $result in
    0) echo other ;;
    1) echo closed ;;
    *) echo open ;;
    esac ;;
*) echo silent ;;
esac
'

# answer_of ADDRESS PORT [SECONDS]: one word: tls, alert (of TLS), http/STATUS, other, silent, open (closed only
# after a TLS hello), closed (at once), refused, unreached.
# The second connection may reach another server than the first one, which may have died.
answer_of() {
    hd_output=$(timeout -k 9 1 bash --norc -c "$answer_program" bash "$1" "$2" "$HD_HELLO" \
        "${3-$ANSWER_SECONDS}" "$OPEN_SECONDS" 2>&1)
    case $hd_output in
    answer*[!a-z]*) hd_output=${hd_output##*"
"} ;;
    answer | *reset*) hd_output=closed ;;
    *refused*) hd_output=refused ;;
    *) hd_output=unreached ;;
    esac
    printf '%s\n' "$hd_output"
}

# answers_of ADDRESS PORT TIMES: opens so many connections at the same time, to reach each server; prints each
# answer once.
answers_of() {
    hd_times=0
    {
        while [ "$hd_times" -lt "$3" ]; do
            answer_of "$1" "$2" &
            hd_times=$((hd_times + 1))
        done
        wait
    } | sort -u
}

# as_before ANSWER BEFORE: whether an answer is of the same kind as one of the earlier answers (words joined by
# commas), or better. Earlier versions recorded http without a status, for every status except 400 and 5xx.
as_before() {
    case $1:,$2, in
    tls:*) return 0 ;;
    http*:*,tls,*) return 1 ;;
    http:* | http/2*:*) return 0 ;;
    *:*",$1,"*) return 0 ;;
    http/400:*) return 1 ;;
    http/*:*,http/5* | http/3*:*,http/3*) return 0 ;;
    http/5*:*) return 1 ;;
    http/*:*,http,*) return 0 ;;
    http/*:*,http/*) return 1 ;;
    http/*) return 0 ;;
    *) return 1 ;;
    esac
}

# tcp_opens ADDRESS PORT: whether a connection opens within 1 s.
tcp_opens() {
    # shellcheck disable=SC2016
    timeout 1 bash --norc -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>/dev/null
}
