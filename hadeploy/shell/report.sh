# shellcheck shell=sh
# The first part of every script: a known environment, and a way to report that noise cannot imitate.
# Given: HD_TOKEN.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset DOCKER_HOST DOCKER_CONTEXT
umask 077
exec 2>&1

# emit KIND [WORD...]: one message; what is printed next is its body.
emit() {
    printf '\n@%s' "$HD_TOKEN"
    printf ' %s' "$@"
    printf '\n'
}

have() { command -v "$1" >/dev/null 2>&1; }

# nap: a short wait between two polls.
nap() { sleep 0.1 2>/dev/null || sleep 1; }

# main_pid CONTAINER: the pid of its first process; fails if it does not run.
main_pid() {
    hd_pid=$(docker container inspect --format '{{.State.Pid}}' "$1" 2>/dev/null) || return 1
    [ "$hd_pid" -gt 0 ] 2>/dev/null || return 1
    printf '%s\n' "$hd_pid"
}

# http_get PORT PATH: the head of the answer of a local port, within 2 s.
http_get() {
    # shellcheck disable=SC2016  # expanded by bash, from its own arguments
    timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3; cat <&3' bash "$1" "$2" 2>/dev/null
}

# tcp_opens ADDRESS PORT: whether a connection opens within 1 s.
tcp_opens() {
    # shellcheck disable=SC2016
    timeout 1 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>/dev/null
}
