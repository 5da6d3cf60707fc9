# shellcheck shell=sh
# Starting, stopping and signalling containers.
# Requires: engine.sh waiting.sh

# shellcheck disable=SC2034  # apply.sh, restore.sh
OLD=.hadeploy-old

exists() { docker container inspect "$1" >/dev/null 2>&1; }

# stop NAME: in the time that it was given when it was made; somebody else may have given it none.
stop() {
    hd_grace=$(docker container inspect --format '{{.Config.StopTimeout}}' "$1")
    case $hd_grace in '' | *[!0-9]*) hd_grace=30 ;; esac
    stop_within "$hd_grace" "$1"
}

# remove_container NAME: gracefully, so that keepalived takes its addresses with it.
remove_container() {
    exists "$1" || return 0
    stop "$1" && docker rm "$1" >/dev/null
}

# start NAME: one that is stopped, or paused.
start() { timeout 30 docker unpause "$1" >/dev/null 2>&1 || docker start "$1" >/dev/null; }

# stop_within SECONDS CONTAINER: gracefully; after that time the engine kills it. An engine that does
# not come back from it is given up, or the signs of life would never end.
stop_within() {
    hd_limit=$(($1 + 30))
    with_heartbeat quietly timeout "$hd_limit" docker stop -t "$1" "$2" && return 0
    [ $? -ne 124 ] || printf 'docker stop %s did not end within %s s\n' "$2" "$hd_limit"
    return 1
}

# signal CONTAINER NAME: straight to its first process. `docker kill` would make the engine believe
# that the container was stopped by hand, and leave it down after the next reboot; `docker exec` waits
# for as long as the container's shim likes.
signal() {
    hd_signalled=$(main_pid "$1") || {
        printf '%s does not run\n' "$1"
        return 1
    }
    # keepalived must check haproxy anew: what it checked before the reload proves nothing.
    rm -f "/proc/$hd_signalled/root/tmp/hadeploy-checked"
    kill "-$2" "$hd_signalled"
}

# reload CONTAINER SIGNAL: one that has ended since it was observed is started. The engine may wait for up to
# a minute before it starts one that ended again and again.
reload() {
    signal "$1" "$2" || { stop "$1" && docker start "$1" >/dev/null; }
}

print_last_log_lines() {
    printf -- '--- last lines of %s:\n' "$1"
    last_bytes 16384 docker logs --tail 12 "$1"
}
