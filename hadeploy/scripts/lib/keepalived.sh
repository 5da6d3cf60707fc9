# shellcheck shell=sh
# Asking keepalived for its state.
# Requires: engine.sh waiting.sh

MOST_DUMP_BYTES=1048576

# tmp_of PID: its folder; an image may have made a link of it, which would lead to a folder of the node.
tmp_of() { [ ! -L "/proc/$1/root/tmp" ] && printf '%s\n' "/proc/$1/root/tmp"; }

# check_age CONTAINER: seconds since its check of haproxy ran last; fails if it never did.
check_age() {
    hd_check_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_check_pid") && hd_checked=$(stat -c %Y "$hd_tmp/hadeploy-checked" 2>/dev/null) || return 1
    printf '%s\n' "$(($(date +%s) - hd_checked))"
}

# vrrp_dump CONTAINER: what it says of its instance (SIGUSR1, keepalived(8)), but for the password.
# Its first process is keepalived itself, so the signal goes straight there.
vrrp_dump() {
    vrrp_ask "$1" && very_short_sleep
    vrrp_read
}

# vrrp_ask CONTAINER: what it says is read later.
vrrp_ask() {
    hd_dump=
    hd_vrrp_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_vrrp_pid") || return 1
    [ ! -e "$hd_tmp/keepalived.data" ] || rm -f "$hd_tmp/keepalived.data"
    kill -USR1 "$hd_vrrp_pid" 2>/dev/null || return 1
    hd_dump=$hd_tmp/keepalived.data
}

# vrrp_read: what the one says that was asked.
vrrp_read() {
    [ -n "$hd_dump" ] || return 1
    read_dump "$hd_dump" USR1 '< Interfaces >' || return 1
    # It holds the password in the clear, so it does not stay.
    printf '%s\n' "$hd_written" |
        sed -n '/Password =/d; /Router ID =/p; /VRRP Topology/,/VRRP Sockpool/p'
}

# read_dump FILE SIGNAL END: what keepalived writes there when it gets that signal, up to END, and takes
# the file away. So does another run that looks at this node: then it is asked again.
read_dump() {
    hd_left=15
    until hd_written=$(read_at_most "$MOST_DUMP_BYTES" "$1") && case $hd_written in *"$3"*) ;; *) false ;; esac; do
        hd_left=$((hd_left - 1))
        [ "$hd_left" -gt 0 ] || return 1
        short_sleep
        [ $((hd_left % 3)) -ne 0 ] || [ -e "$1" ] || ask_again "$2"
    done
    rm -f "$1"
}

# ask_again SIGNAL: if it is still there; by now its PID may be another's. What it says is read at once.
ask_again() {
    grep -qs '^keepalived' "/proc/$hd_vrrp_pid/comm" && kill "-$1" "$hd_vrrp_pid" 2>/dev/null && very_short_sleep
}

# vrrp_stats CONTAINER: what it has sent, heard and refused since it was started (SIGUSR2).
vrrp_stats() {
    hd_vrrp_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_vrrp_pid") || return 1
    hd_stats=$hd_tmp/keepalived.stats
    rm -f "$hd_stats"
    kill -USR2 "$hd_vrrp_pid" 2>/dev/null || return 1
    read_dump "$hd_stats" USR2 'Priority Zero:' || return 1
    printf '%s\n' "$hd_written"
}
