# shellcheck shell=sh
# Start, stop and signal containers.
# Requires: engine.sh waiting.sh

# shellcheck disable=SC2034  # apply.sh, restore.sh
OLD=.hadeploy-old

exists() { docker container inspect "$1" >/dev/null 2>&1; }

# stop NAME: with the stop timeout of the container; one that was set up by hand may have none.
stop() {
    hd_grace=$(docker container inspect --format '{{.Config.StopTimeout}}' "$1")
    case $hd_grace in '' | *[!0-9]*) hd_grace=30 ;; esac
    stop_within "$hd_grace" "$1"
}

# remove_container NAME: gracefully, so that keepalived removes its addresses.
remove_container() {
    exists "$1" || return 0
    stop "$1" && docker rm "$1" >/dev/null
}

# start NAME: a stopped or paused container.
start() { timeout 30 docker unpause "$1" >/dev/null 2>&1 || docker start "$1" >/dev/null; }

# stop_within SECONDS CONTAINER: gracefully; after that time the engine kills it. If the engine itself
# hangs, the command ends 30 s later, so that the heartbeats end, too.
stop_within() {
    hd_limit=$(($1 + 30))
    with_heartbeat quietly timeout "$hd_limit" docker stop -t "$1" "$2" && return 0
    [ $? -ne 124 ] || printf 'docker stop %s did not end within %s s\n' "$2" "$hd_limit"
    return 1
}

# signal CONTAINER NAME: directly to its first process. After `docker kill`, the engine counts the
# container as stopped by hand, and does not start it after the next reboot. `docker exec` can block
# for as long as the container's shim blocks.
signal() {
    hd_signalled=$(main_pid "$1") || {
        printf '%s does not run\n' "$1"
        return 1
    }
    # keepalived must check haproxy again: a check from before the reload proves nothing.
    rm -f "/proc/$hd_signalled/root/tmp/hadeploy-checked"
    kill "-$2" "$hd_signalled"
}

# reload CONTAINER SIGNAL: starts a container that has ended since it was observed. The engine may wait up to
# a minute before it restarts a container that ends repeatedly.
reload() {
    signal "$1" "$2" || { stop "$1" && docker start "$1" >/dev/null; }
}

print_last_log_lines() {
    printf -- '--- last lines of %s:\n' "$1"
    last_bytes 16384 docker logs --tail 12 "$1"
}
