# shellcheck shell=sh
# Prove that haproxy serves with its new configuration.
# Requires: container_control.sh http.sh ports.sh waiting.sh

serves() { http_get "$1" /config | grep -qi "^location: /$2[[:space:]]*\$"; }

# prove_haproxy CONTAINER HEALTH_PORT CONFIG_ID SECONDS PORT...: the worker that answers has this configuration,
# and it is the only process that listens on each port.
prove_haproxy() {
    hd_container=$1 hd_health=$2 hd_config=$3 hd_seconds=$4
    shift 4
    until_true "$hd_seconds" "haproxy answers with configuration $hd_config" \
        serves "$hd_health" "$hd_config" || {
        print_last_log_lines "$hd_container"
        return 1
    }
    for hd_port in "$@"; do
        until_true 10 "one haproxy alone listens on port $hd_port" one_listens "$hd_port" || {
            print_last_log_lines "$hd_container"
            return 1
        }
        listens_for_clients "$hd_port" || return
    done
}
