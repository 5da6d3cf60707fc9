# shellcheck shell=sh
# Check that the engine can get images from their registry; nothing is pulled.
# Requires: waiting.sh
# Inputs: HD_AUTH HD_IMAGES
# HD_AUTH: the login in the form of the engine's API, "" for none.

# The most of an answer that is reported; the status comes last.
MAX_REGISTRY_BYTES=65536

ask_registry() {
    have curl || return 0
    for hd_image in $HD_IMAGES; do
        emit registry "$hd_image"
        with_heartbeat ask_for "$hd_image"
    done
}

# ask_for IMAGE: the engine itself asks, with its proxies, certificates and insecure registries.
# printf is a shell builtin, so the login is on no command line.
ask_for() {
    printf 'X-Registry-Auth: %s\n' "$HD_AUTH" |
        timeout 30 curl --silent --show-error --header @- --write-out '\n%{http_code}\n' \
            --unix-socket /var/run/docker.sock "http://localhost/distribution/$1/json" |
        tail -c "$MAX_REGISTRY_BYTES"
}
