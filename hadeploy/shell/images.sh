# shellcheck shell=sh
# Images on a node. Given: HD_IMAGE.

pull() {
    emit pulling
    patiently docker pull "$HD_IMAGE" || emit failed
}

inspect_image() {
    emit image
    docker image inspect --format '{{.Id}}' "$HD_IMAGE"
}
