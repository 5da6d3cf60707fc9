# shellcheck shell=sh
# Prove that keepalived takes part in VRRP with the present check of haproxy.
# Requires: container_control.sh engine.sh keepalived.sh track.sh vrrp_state.sh waiting.sh
# Inputs: HD_CHECK_SCRIPT HD_ROOT
# HD_CHECK_SCRIPT: the path of the check in the container.

# vrrp_ok CONTAINER CONFIG_ID: keepalived has loaded this configuration, and is MASTER or BACKUP, or drained.
vrrp_ok() {
    hd_output=$(vrrp_dump "$1") || return 1
    case $hd_output in *"Router ID = "*"-$2"*) ;; *) return 1 ;; esac
    case $(printf '%s\n' "$hd_output" | sed -n 's/^   State = //p' | head -n 1) in
    MASTER | BACKUP) return 0 ;;
    FAULT) drained ;;
    *) return 1 ;;
    esac
}

check_runs() { check_age "$1" >/dev/null; }

# check_reports_runs: whether the script writes the file that check_age reads; a script of the user may not.
check_reports_runs() { grep -qF /tmp/hadeploy-checked "$HD_ROOT/keepalived/check-haproxy.sh"; }

# check_settings FILE: the settings with which keepalived runs the check.
check_settings() {
    sed -n '/^ *\(script_user\|enable_script_security\)/p; /^ *vrrp_script /,/^ *}/p' "$1"
}

# check_has_changed: whether this run changes the script or its settings.
check_has_changed() {
    hd_before=$HD_ROOT/.undo/keepalived
    [ -f "$hd_before/check-haproxy.sh" ] || return 1
    ! cmp -s "$hd_before/check-haproxy.sh" "$HD_ROOT/keepalived/check-haproxy.sh" ||
        [ "$(check_settings "$hd_before/keepalived.conf")" != \
            "$(check_settings "$HD_ROOT/keepalived/keepalived.conf")" ]
}

# in_fault CONTAINER: whether keepalived is in FAULT although the node is not drained.
in_fault() { ! drained && [ "$(vrrp_state "$1")" = FAULT ]; }

# await_checks CONTAINER RUNS PAUSE SECONDS: waits until keepalived has the results of RUNS checks that began
# after this call: a check begins after the end of the previous one. If the script does not report its runs,
# waits PAUSE seconds.
await_checks() {
    if ! check_reports_runs; then
        poll_until $(($(uptime_seconds) + $3)) in_fault "$1" || :
        return 0
    fi
    hd_begun_checks=0
    while [ "$hd_begun_checks" -le "$2" ]; do
        hd_check_pid=$(main_pid "$1") && rm -f "/proc/$hd_check_pid/root/tmp/hadeploy-checked" || return 1
        until_true "$4" "keepalived runs its check of haproxy" check_runs "$1" || return 1
        hd_begun_checks=$((hd_begun_checks + 1))
    done
}

# check_passes CONTAINER: runs the check once. If it fails, prints its exit code and its last lines.
check_passes() {
    capture 16384 timeout 10 docker exec "$1" "$HD_CHECK_SCRIPT" && return 0
    # shellcheck disable=SC2154  # report.sh
    printf -- '--- the check %s fails in %s with exit code %s:\n%s\n' \
        "$HD_CHECK_SCRIPT" "$1" "$hd_code" "$(printf '%s\n' "$hd_output" | tail -n 5)"
    return 1
}

# prove_keepalived CONTAINER CONFIG_ID SECONDS RUNS PAUSE: keepalived has loaded the configuration, takes part,
# and runs its check of haproxy; RUNS times, if the check has changed. A changed check must also pass here,
# since keepalived counts a check that it cannot start as passed.
prove_keepalived() {
    if check_has_changed; then
        await_checks "$1" "$4" "$5" "$3" || {
            print_last_log_lines "$1"
            return 1
        }
        drained || check_passes "$1" || return 1
    fi
    if { ! check_reports_runs || until_true "$3" "keepalived runs its check of haproxy" check_runs "$1"; } &&
        until_true "$3" "keepalived has configuration $2 and is MASTER or BACKUP" \
            vrrp_ok "$1" "$2"; then
        return 0
    fi
    print_last_log_lines "$1"
    ! in_fault "$1" || check_passes "$1"
    return 1
}
