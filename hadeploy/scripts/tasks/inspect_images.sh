# shellcheck shell=sh
# Report the images that are missing on a node.
# Inputs: HD_IMAGES

inspect_images() {
    for hd_image in $HD_IMAGES; do
        docker image inspect --format '{{.Id}}' "$hd_image" >/dev/null 2>&1 || emit missing-image "$hd_image"
    done
}
