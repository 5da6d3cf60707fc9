# shellcheck shell=sh
# Requests through a VIP from a node that has no part in it.
# Requires: watch_mark.sh
# Inputs: HD_EVERY HD_PORT HD_SECONDS HD_VIP HD_WATCH
# HD_EVERY: seconds between two of them.

# shellcheck disable=SC2016  # expanded by bash, which has sockets and a clock without a process each
ask_often='
at() { printf %s "${EPOCHREALTIME:-$(date +%s.%N)}"; }
one() {
    began=$(at)
    why="no connection"
    if { exec 3<>"/dev/tcp/$vip/$port"; } 2>/dev/null; then
        why="no answer within 3 s"
        printf "GET / HTTP/1.0\r\n\r\n" >&3
        if IFS= read -r -t 3 -n 1 -u 3 answer || [ "$how" = connect ]; then why=; fi
    fi
    printf "\n@%s asked %s %s %s\n" "$token" "$began" "$(at)" "$why"
}
token=$1 vip=$2 port=$3 every=$4 mark=$5 mine=$6 how=http
{ exec 4<>"/dev/tcp/$vip/$port"; } 2>/dev/null || exit 1
printf "GET / HTTP/1.0\r\n\r\n" >&4
IFS= read -r -t 3 -n 1 -u 4 answer || how=connect
exec 4>&-
printf "\n@%s how %s\n" "$token" "$how" || exit 1
while { read -r now_there <"$mark"; } 2>/dev/null && [ "$now_there" = "$mine" ]; do
    one &
    sleep "$every"
done
wait
'

# ask_through: for as long as this node is watched.
ask_through() {
    # shellcheck disable=SC2154  # watch_mark.sh
    timeout "$HD_SECONDS" bash --norc -c "$ask_often" bash "$HD_TOKEN" "$HD_VIP" "$HD_PORT" "$HD_EVERY" \
        "$watch_mark" "$HD_WATCH"
}
