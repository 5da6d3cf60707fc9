# shellcheck shell=sh
# The VRRP state of keepalived.
# Requires: engine.sh keepalived.sh

# vrrp_state CONTAINER: nothing if it does not tell.
vrrp_state() { vrrp_dump "$1" | sed -n 's/^   State = //p' | head -n 1; }

takes_part() {
    case $(vrrp_state "$1") in
    MASTER | BACKUP) return 0 ;;
    *) return 1 ;;
    esac
}

is_master() { [ "$(vrrp_state "$1")" = MASTER ]; }

# out_of_it CONTAINER: one that runs has to say so itself.
out_of_it() { [ "$(vrrp_state "$1")" = FAULT ] || ! quietly main_pid "$1"; }
