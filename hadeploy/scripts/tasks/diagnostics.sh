# shellcheck shell=sh
# A second observation after a failed proof: facts that take time to read, or matter only then. It changes
# nothing.
# Requires: engine.sh keepalived.sh packet_filter.sh waiting.sh
# Inputs: HD_HAPROXY HD_KEEPALIVED HD_LINES HD_SECONDS
# HD_SECONDS: the time between two reads of keepalived's statistics. HD_LINES: lines of each log.

MAX_LOG_BYTES=262144

# log_end ROLE CONTAINER
log_end() {
    is_ours "$2" || return 0
    emit log "$1"
    last_bytes "$MAX_LOG_BYTES" docker logs --tail "$HD_LINES" "$2"
}

# report_frozen ROLE CONTAINER: reports whether one of its processes is stopped (SIGSTOP).
report_frozen() {
    hd_first=$(main_pid "$2") || return 0
    for hd_stat in /proc/[0-9]*/stat; do
        hd_pid=${hd_stat#/proc/}
        hd_pid=${hd_pid%/stat}
        case $(cut -d ' ' -f 3 "$hd_stat" 2>/dev/null) in
        T) ;;
        *) continue ;;
        esac
        [ "$(container_of "$hd_pid")" = "$(container_of "$hd_first")" ] || continue
        emit frozen "$1"
        return 0
    done
}

main() {
    ask_engine >/dev/null
    emit stats before 0
    vrrp_stats "$HD_KEEPALIVED"
    log_end haproxy "$HD_HAPROXY"
    log_end keepalived "$HD_KEEPALIVED"
    report_frozen haproxy "$HD_HAPROXY"
    report_frozen keepalived "$HD_KEEPALIVED"
    observe_firewall
    with_heartbeat sleep "$HD_SECONDS"
    emit stats after "$HD_SECONDS"
    vrrp_stats "$HD_KEEPALIVED"
    emit end
}
