# shellcheck shell=sh
# Pull an image.
# Requires: waiting.sh
# Inputs: HD_CLUSTER HD_IMAGES HD_PASSWORD HD_REGISTRY HD_USER
# HD_USER: "" for no login. HD_REGISTRY: "" for Docker Hub.

# The same limit as for an archive (images/fetch.py): an image over a slow connection.
PULL_SECONDS=3600

# heartbeat_if_engine_answers: a pull may print nothing while a layer is loaded. If the engine answers another
# request, the pull is slow; otherwise the engine hangs.
heartbeat_if_engine_answers() {
    if timeout 30 docker version >/dev/null 2>&1; then
        heartbeat
    else
        echo 'the Docker engine no longer answers'
        return 1
    fi
}

# log_in: for this script only. The client saves a login in its configuration folder, so it gets its own
# folder, in memory, which is removed at the end of the script, even if the connection is lost.
log_in() {
    install -d -m 0700 /run/hadeploy || return 1
    # A killed script may have left one behind.
    rm -rf "/run/hadeploy/$HD_CLUSTER.login".*
    DOCKER_CONFIG=$(mktemp -d "/run/hadeploy/$HD_CLUSTER.login.XXXXXX") || return 1
    export DOCKER_CONFIG
    trap 'rm -rf "$DOCKER_CONFIG"' EXIT
    trap 'exit 1' INT TERM
    # Without an entry, the client may give the password to a helper program that saves it.
    printf '{"auths": {"%s": {}}}' "$HD_REGISTRY" >"$DOCKER_CONFIG/config.json"
    run_while heartbeat_if_engine_answers give_password
}

# printf is a shell builtin, so the password is on no command line.
give_password() {
    printf %s "$HD_PASSWORD" |
        timeout 60 docker login --username "$HD_USER" --password-stdin ${HD_REGISTRY:+"$HD_REGISTRY"}
}

pull() {
    if [ -n "$HD_USER" ]; then
        emit login
        log_in || { emit refused && return; }
    fi
    emit pulling
    run_while heartbeat_if_engine_answers timeout "$PULL_SECONDS" docker pull "$HD_IMAGES" || emit failed
}
