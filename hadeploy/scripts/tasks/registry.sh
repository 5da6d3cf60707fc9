# shellcheck shell=sh
# Whether the engine can have images from their registry; nothing is pulled.
# Requires: waiting.sh
# Inputs: HD_AUTH HD_IMAGES
# HD_AUTH: the login as the engine's API wants it, "" for none.

# Of what a registry says; the status comes last.
MOST_REGISTRY_BYTES=65536

ask_registry() {
    have curl || return 0
    for hd_image in $HD_IMAGES; do
        emit registry "$hd_image"
        with_heartbeat ask_for "$hd_image"
    done
}

# ask_for IMAGE: the engine itself asks, so its proxies, certificates and insecure registries count.
# printf is the shell's own: what it prints is on no command line.
ask_for() {
    printf 'X-Registry-Auth: %s\n' "$HD_AUTH" |
        timeout 30 curl --silent --show-error --header @- --write-out '\n%{http_code}\n' \
            --unix-socket /var/run/docker.sock "http://localhost/distribution/$1/json" |
        tail -c "$MOST_REGISTRY_BYTES"
}
