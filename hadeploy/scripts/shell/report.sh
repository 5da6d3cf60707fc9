# shellcheck shell=sh
# The first part of every script: a known environment, and a way to report that noise cannot imitate.
# Given: HD_TOKEN, HD_CLUSTER.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset DOCKER_HOST
export DOCKER_CONTEXT=default
umask 077
# A node's work goes on to its end, or back to its beginning, when nobody listens any more.
trap '' PIPE HUP
exec 2>&1

NEWLINE='
'

# emit KIND [WORD...]: one message; what is printed next is its body. It is one write: what others
# print at the same time does not come in between.
emit() { printf '\n@%s %s\n' "$HD_TOKEN" "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# durable PATH...: they, and all below them, are on the disk. Only then may a rename let them count: a
# power cut may keep the new name and lose what the file has in it.
durable() { find "$@" -exec sync {} +; }

# nap: a short wait between two polls.
nap() { sleep 0.1 2>/dev/null || sleep 1; }

# blink: a shorter one, for what is mostly over soon.
blink() { sleep 0.02 2>/dev/null || sleep 1; }

# centiseconds: of uptime.
centiseconds() {
    read -r hd_uptime _ </proc/uptime
    printf '%s\n' "${hd_uptime%.*}${hd_uptime#*.}"
}

# alive: whether or not anybody listens.
alive() { emit alive || :; }

# patiently COMMAND...: with a sign of life every few seconds, for what can be silent for minutes. It is
# ended where there is none to give.
patiently() {
    "$@" &
    hd_busy=$!
    hd_waited=0
    while kill -0 "$hd_busy" 2>/dev/null; do
        nap
        hd_waited=$((hd_waited + 1))
        [ $((hd_waited % 50)) -ne 0 ] || alive || kill "$hd_busy"
    done
    wait "$hd_busy"
}

# ask_engine: its version.
ask_engine() {
    timeout 20 docker version --format '{{json .Server}}' && return 0
    [ $? -ne 124 ] || give_up_engine
    return 1
}

# give_up_engine: one that hangs is asked once, and from then on fails at once: what else there is to see
# on the node is not held up.
give_up_engine() {
    echo 'no answer within 20 s'
    # shellcheck disable=SC2317  # wherever docker is called from now on
    docker() { return 1; }
}

quietly() { "$@" >/dev/null; }

# matches GREP-ARGUMENT...: as grep -q, but reads to the end: with SIGPIPE ignored, whatever still writes
# would print an error.
# shellcheck disable=SC2143
matches() { [ -n "$(grep "$@")" ]; }

# stop_within SECONDS CONTAINER: gracefully; after that time the engine kills it. An engine that does
# not come back from it is given up, or the signs of life would never end.
stop_within() {
    hd_limit=$(($1 + 30))
    patiently quietly timeout "$hd_limit" docker stop -t "$1" "$2" && return 0
    [ $? -ne 124 ] || printf 'docker stop %s did not end within %s s\n' "$2" "$hd_limit"
    return 1
}

# know CONTAINER...: asks the engine once where they run; it is asked again only for one that has moved.
hd_running=
# The label may be anything; in JSON it is one word without tabs or line breaks, unless it has spaces.
hd_place='{{.Name}} {{.State.Pid}} {{.Id}} {{json (index .Config.Labels "hadeploy.cluster")}}'
know() { hd_running=$(docker container inspect --format "$hd_place" "$@" 2>/dev/null); }

# runs_in PID CONTAINER
runs_in() {
    while read -r hd_cgroup; do
        case $hd_cgroup in *"$2"*) return 0 ;; esac
    done <"/proc/$1/cgroup"
    return 1
} 2>/dev/null

# known_pid CONTAINER: of one that runs where it did, and is ours.
known_pid() {
    while read -r hd_run_name hd_run_pid hd_run_id hd_run_label _; do
        [ "$hd_run_name $hd_run_label" = "/$1 \"$HD_CLUSTER\"" ] || continue
        runs_in "$hd_run_pid" "$hd_run_id" || return 1
        printf '%s\n' "$hd_run_pid"
        return 0
    done <<END
$hd_running
END
    return 1
}

# main_pid CONTAINER: the pid of its first process; fails if it does not run, or is not ours.
main_pid() {
    known_pid "$1" && return 0
    hd_found=$(docker container inspect \
        --format '{{.State.Pid}} {{index .Config.Labels "hadeploy.cluster"}}' "$1" 2>/dev/null) || return 1
    [ "${hd_found#* }" = "$HD_CLUSTER" ] || return 1
    [ "${hd_found%% *}" -gt 0 ] 2>/dev/null || return 1
    printf '%s\n' "${hd_found%% *}"
}

# is_ours CONTAINER: whether it carries our label, running or not.
is_ours() {
    [ "$(docker container inspect --format '{{index .Config.Labels "hadeploy.cluster"}}' "$1" \
        2>/dev/null)" = "$HD_CLUSTER" ]
}

# container_of PID: the container that a process belongs to, or nothing.
# Without another process: it is asked for many.
container_of() {
    hd_id=
    hd_ifs=$IFS
    IFS=/-_.:
    {
        while [ -z "$hd_id" ] && read -r hd_cgroup; do
            # shellcheck disable=SC2086  # split where the names of cgroups are
            for hd_word in $hd_cgroup; do
                case "${#hd_word} $hd_word" in
                *" "*[!0-9a-f]*) ;;
                "64 "*) hd_id=$hd_word ;;
                esac
            done
        done <"/proc/$1/cgroup"
    } 2>/dev/null
    IFS=$hd_ifs
    printf '%s\n' "$hd_id"
}

# read_at_most BYTES FILE: of one that a container can write: by no link, which could lead anywhere on the
# node, and without waiting for a pipe.
read_at_most() { dd if="$2" iflag=nofollow,nonblock,fullblock bs="$1" count=1 status=none 2>/dev/null; }

# last_bytes BYTES COMMAND...: the end of what it prints in 10 s.
last_bytes() {
    hd_bytes=$1
    shift
    timeout 10 "$@" 2>&1 | tail -c "$hd_bytes"
}

# What a container prints may be one line without end, which is broken before a program keeps it in memory as a
# whole.
MOST_LINE_BYTES=65536

# fold_lines: line by line, at once; without stdbuf (busybox) as they come.
fold_lines() {
    if stdbuf -oL true 2>/dev/null; then stdbuf -oL fold -b -w "$MOST_LINE_BYTES"; else cat; fi
}

# brief BYTES COMMAND...: its exit code, also in hd_code, and what it prints in hd_said; it fails if that is more.
brief() {
    hd_most=$1
    shift
    hd_said=$({ "$@" 2>&1 && printf '\n0' || printf '\n%s' "$?"; } 2>/dev/null | head -c "$hd_most")
    hd_code=${hd_said##*"$NEWLINE"}
    hd_said=${hd_said%"$NEWLINE"*}
    case $hd_code in '' | *[!0-9]*) hd_code=1 ;; esac
    return "$hd_code"
}

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

# user_of PID: as a number.
user_of() {
    while read -r hd_key hd_value _; do
        [ "$hd_key" != Uid: ] || {
            printf '%s\n' "$hd_value"
            return 0
        }
    done <"/proc/$1/status"
    return 1
} 2>/dev/null

# tcp_opens ADDRESS PORT: whether a connection opens within 1 s.
tcp_opens() {
    # shellcheck disable=SC2016
    timeout 1 bash --norc -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>/dev/null
}
