# shellcheck shell=sh
# Pulling an image.
# Requires: waiting.sh
# Inputs: HD_CLUSTER HD_IMAGES HD_PASSWORD HD_REGISTRY HD_USER
# HD_USER: "" for no login. HD_REGISTRY: "" for Docker Hub.

# As here, where an archive is made (images/fetch.py): an image through a slow line.
PULL_SECONDS=3600

# heartbeat_if_engine_answers: a pull may be silent for as long as a layer takes. What tells a slow one from an engine that
# hangs is that the engine answers something else.
heartbeat_if_engine_answers() {
    if timeout 30 docker version >/dev/null 2>&1; then
        heartbeat
    else
        echo 'the Docker engine does not answer any more'
        return 1
    fi
}

# log_in: for this script only. The client keeps a login in its configuration folder, so it gets one of
# its own, in memory, that goes when the script ends, whoever still listens to it.
log_in() {
    install -d -m 0700 /run/hadeploy || return 1
    # A script that was killed left it behind.
    rm -rf "/run/hadeploy/$HD_CLUSTER.login".*
    DOCKER_CONFIG=$(mktemp -d "/run/hadeploy/$HD_CLUSTER.login.XXXXXX") || return 1
    export DOCKER_CONFIG
    trap 'rm -rf "$DOCKER_CONFIG"' EXIT
    trap 'exit 1' INT TERM
    # Where there is no entry, the client may give the password to a helper program that keeps it.
    printf '{"auths": {"%s": {}}}' "$HD_REGISTRY" >"$DOCKER_CONFIG/config.json"
    run_while heartbeat_if_engine_answers give_password
}

# printf is the shell's own: what it prints is on no command line.
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
