# shellcheck shell=sh
# Whether keepalived takes part in VRRP under the check of haproxy that is there now.
# Requires: container_control.sh engine.sh keepalived.sh track.sh vrrp_state.sh waiting.sh
# Inputs: HD_CHECK_SCRIPT HD_ROOT
# HD_CHECK_SCRIPT: its path in the container.

# vrrp_ok CONTAINER CONFIG_ID: it has read this very file, and takes part unless it is drained.
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

# check_reports_runs: whether the script writes the file that check_age reads; a user's own need not.
check_reports_runs() { grep -qF /tmp/hadeploy-checked "$HD_ROOT/keepalived/check-haproxy.sh"; }

# check_settings FILE: how keepalived runs it.
check_settings() {
    sed -n '/^ *\(script_user\|enable_script_security\)/p; /^ *vrrp_script /,/^ *}/p' "$1"
}

# check_has_changed: whether this run changes the script, or how keepalived runs it.
check_has_changed() {
    hd_before=$HD_ROOT/.undo/keepalived
    [ -f "$hd_before/check-haproxy.sh" ] || return 1
    ! cmp -s "$hd_before/check-haproxy.sh" "$HD_ROOT/keepalived/check-haproxy.sh" ||
        [ "$(check_settings "$hd_before/keepalived.conf")" != \
            "$(check_settings "$HD_ROOT/keepalived/keepalived.conf")" ]
}

# in_fault CONTAINER: keepalived stays off the VIP, and nobody has drained the node.
in_fault() { ! drained && [ "$(vrrp_state "$1")" = FAULT ]; }

# await_checks CONTAINER RUNS PAUSE SECONDS: waits until keepalived has counted the results of that many checks
# that began after this call: a check begins when the one before it has ended. A script that does not tell
# when it begins is given PAUSE seconds.
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

# check_passes CONTAINER: runs it once. If it fails, tells its exit code and its last lines.
check_passes() {
    capture 16384 timeout 10 docker exec "$1" "$HD_CHECK_SCRIPT" && return 0
    # shellcheck disable=SC2154  # report.sh
    printf -- '--- the check %s fails in %s with exit code %s:\n%s\n' \
        "$HD_CHECK_SCRIPT" "$1" "$hd_code" "$(printf '%s\n' "$hd_output" | tail -n 5)"
    return 1
}

# prove_keepalived CONTAINER CONFIG_ID SECONDS RUNS PAUSE: it has read the file, takes part, and really runs
# its check of haproxy: RUNS times, if the check is another one now. That one must pass here as well, since
# keepalived takes a check that it cannot start for one that passes.
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
