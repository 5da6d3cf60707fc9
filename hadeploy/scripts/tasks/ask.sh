# shellcheck shell=sh
# Requests through a VIP, from a node that the failure does not affect.
# Requires: watch_mark.sh
# Inputs: HD_EVERY HD_PORT HD_SECONDS HD_VIP HD_WATCH
# HD_EVERY: seconds between two requests.

# shellcheck disable=SC2016  # expanded by bash, which needs no process for a socket or the time
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
    printf "\n@%s request %s %s %s\n" "$HD_TOKEN" "$began" "$(at)" "$why"
}
vip=$1 port=$2 every=$3 mark=$4 how=http
{ exec 4<>"/dev/tcp/$vip/$port"; } 2>/dev/null || exit 1
printf "GET / HTTP/1.0\r\n\r\n" >&4
IFS= read -r -t 3 -n 1 -u 4 answer || how=connect
exec 4>&-
printf "\n@%s request-kind %s\n" "$HD_TOKEN" "$how" || exit 1
while { read -r now_there <"$mark"; } 2>/dev/null && [ "$now_there" = "$HD_WATCH" ]; do
    one &
    sleep "$every"
done
wait
'

# ask_through: as long as this node is watched.
ask_through() {
    # Other users see the arguments of a process, not its environment.
    # shellcheck disable=SC2154  # watch_mark.sh
    HD_TOKEN=$HD_TOKEN HD_WATCH=$HD_WATCH timeout "$HD_SECONDS" bash --norc -c "$ask_often" bash \
        "$HD_VIP" "$HD_PORT" "$HD_EVERY" "$watch_mark"
}
