# shellcheck shell=sh
# The versions of this node, as the programs print them.
# Inputs: HD_HAPROXY HD_KEEPALIVED

# version NAME COMMAND...: the first line of its output.
version() {
    emit version "$1"
    shift
    timeout 10 "$@" </dev/null 2>&1 | head -c 4096 | head -n 1
}

main() {
    # shellcheck disable=SC2016  # the file sets the variable
    version system sh -c '. /etc/os-release && printf "%s" "$PRETTY_NAME"'
    version Docker docker version --format '{{.Server.Version}}'
    version haproxy docker exec "$HD_HAPROXY" haproxy -v
    version keepalived docker exec "$HD_KEEPALIVED" keepalived --version
    emit end
}
