# shellcheck shell=sh
# The VRRP state of keepalived.
# Requires: engine.sh keepalived.sh

# vrrp_state CONTAINER: nothing if keepalived does not answer.
vrrp_state() { vrrp_dump "$1" | sed -n 's/^   State = //p' | head -n 1; }

is_master_or_backup() {
    case $(vrrp_state "$1") in
    MASTER | BACKUP) return 0 ;;
    *) return 1 ;;
    esac
}

is_master() { [ "$(vrrp_state "$1")" = MASTER ]; }

# is_fault_or_stopped CONTAINER: a running keepalived must report the state FAULT.
is_fault_or_stopped() { [ "$(vrrp_state "$1")" = FAULT ] || ! quietly main_pid "$1"; }
