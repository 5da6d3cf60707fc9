# shellcheck shell=sh
# The state of the node that a plan is based on.
# Requires: track.sh
# Inputs: HD_CLUSTER HD_ROOT

# list_containers [COMMAND...]: the containers with our label, running or not: id and name.
# shellcheck disable=SC2120
list_containers() {
    "$@" docker container ls --all --no-trunc --format '{{.ID}} {{.Names}}' \
        --filter "label=hadeploy.cluster=$HD_CLUSTER"
}

# fingerprint CONTAINERS: a hash of everything that a plan is based on and a run changes.
fingerprint() {
    {
        find "$HD_ROOT/applied.json" "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" \
            -type f -exec sha256sum {} +
        printf '%s\n' "$1" "drain $(track_value drain)" "handover $(track_value handover)"
    } 2>/dev/null | sort | sha256sum | {
        read -r hd_sum _
        printf '%.16s\n' "$hd_sum"
    }
}

# require_fingerprint FINGERPRINT: ends the script if the node no longer matches the plan.
require_fingerprint() {
    # shellcheck disable=SC2119
    [ "$(fingerprint "$(list_containers 2>/dev/null)")" = "$1" ] && return 0
    emit changed
    # A stopped engine also changes the fingerprint: print its error.
    quietly docker version
    abort
}
