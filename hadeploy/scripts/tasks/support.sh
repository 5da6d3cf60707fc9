# shellcheck shell=sh
# The facts of a node for a bug report; it changes nothing. Each part becomes a file of the archive, of
# limited length.
# Requires: engine.sh keepalived.sh lock_read.sh
# Inputs: HD_BYTES HD_CLUSTER HD_HAPROXY HD_KEEPALIVED HD_LINES HD_ROOT
# HD_LINES, HD_BYTES: the limits of each log.

# run_and_show COMMAND...: prints the command line, and its output.
run_and_show() {
    have "$1" || return 0
    printf '$ %s\n' "$*"
    timeout 10 "$@" 2>&1 | head -c "$HD_BYTES"
    echo
}

# emit_log NAME CONTAINER
emit_log() {
    is_ours "$2" || return 0
    emit part "$1"
    timeout 10 docker logs --timestamps --tail "$HD_LINES" "$2" 2>&1 | tail -c "$HD_BYTES"
}

our_containers() {
    docker container ls --all --quiet --no-trunc --filter "label=hadeploy.cluster=$HD_CLUSTER"
}

support_versions() {
    emit part versions.txt
    run_and_show uname -a
    run_and_show cat /etc/os-release
    ask_engine
    run_and_show docker info --format '{{.Driver}} {{.CgroupDriver}} cgroup v{{.CgroupVersion}} {{.DockerRootDir}}'
    run_and_show ip -V
    run_and_show uptime
}

support_containers() {
    emit part containers.txt
    run_and_show docker container ls --all --no-trunc --filter "label=hadeploy.cluster=$HD_CLUSTER"
    emit part inspect.json
    # shellcheck disable=SC2046  # a list of ids
    timeout 10 docker container inspect $(our_containers) 2>/dev/null | head -c "$HD_BYTES"
    emit_log haproxy.log "$HD_HAPROXY"
    emit_log keepalived.log "$HD_KEEPALIVED"
}

support_network() {
    emit part network.txt
    run_and_show ip address show
    run_and_show ip -s link show
    run_and_show ip route show table all
    run_and_show ip -6 route show
    run_and_show ip neigh show
    emit part sockets.txt
    run_and_show ss -ltnup
    emit part firewall.txt
    run_and_show iptables-save -c
    run_and_show ip6tables-save -c
    run_and_show nft list ruleset
}

support_rest() {
    emit part keepalived.data
    vrrp_dump "$HD_KEEPALIVED"
    emit part keepalived.stats
    vrrp_stats "$HD_KEEPALIVED"
    emit part files.txt
    run_and_show ls -lanR "$HD_ROOT"
    emit part lock.txt
    # The token would allow others to act as that run.
    # shellcheck disable=SC2154  # lock_read.sh
    grep -v '^token=' "$lock_file" 2>/dev/null
}

main() {
    support_versions
    support_containers
    support_network
    support_rest
    emit end
}
