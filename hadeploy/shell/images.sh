# shellcheck shell=sh
# Images on a node. Given: HD_IMAGE.

# pull: with a sign of life every few seconds, since one large layer can be silent for minutes.
pull() {
    emit pulling
    docker pull "$HD_IMAGE" &
    hd_pull=$!
    while kill -0 "$hd_pull" 2>/dev/null; do
        emit alive
        sleep 2
    done
    wait "$hd_pull" || emit failed
}

inspect_image() {
    emit image
    docker image inspect --format '{{.Id}}' "$HD_IMAGE"
}
