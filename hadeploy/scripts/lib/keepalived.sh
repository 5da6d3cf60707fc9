# shellcheck shell=sh
# Ask keepalived for its state.
# Requires: engine.sh waiting.sh

MAX_DUMP_BYTES=1048576

# tmp_of PID: its /tmp; fails if the image made it a link, which could lead to a folder of the node.
tmp_of() { [ ! -L "/proc/$1/root/tmp" ] && printf '%s\n' "/proc/$1/root/tmp"; }

# check_age CONTAINER: seconds since the last run of its check of haproxy; fails if it never ran.
check_age() {
    hd_check_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_check_pid") && hd_checked=$(stat -c %Y "$hd_tmp/hadeploy-checked" 2>/dev/null) || return 1
    printf '%s\n' "$(($(date +%s) - hd_checked))"
}

# vrrp_dump CONTAINER: the dump of its VRRP instance (SIGUSR1, keepalived(8)), without the password.
# The first process of the container is keepalived itself.
vrrp_dump() {
    vrrp_ask "$1" && very_short_sleep
    vrrp_read
}

# vrrp_ask CONTAINER: requests a dump; vrrp_read reads it later.
vrrp_ask() {
    hd_dump=
    hd_vrrp_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_vrrp_pid") || return 1
    [ ! -e "$hd_tmp/keepalived.data" ] || rm -f "$hd_tmp/keepalived.data"
    kill -USR1 "$hd_vrrp_pid" 2>/dev/null || return 1
    hd_dump=$hd_tmp/keepalived.data
}

# vrrp_read: the dump that vrrp_ask requested.
vrrp_read() {
    [ -n "$hd_dump" ] || return 1
    read_dump "$hd_dump" USR1 '< Interfaces >' || return 1
    # The dump contains the password in plain text.
    printf '%s\n' "$hd_written" |
        sed -n '/Password =/d; /Router ID =/p; /VRRP Topology/,/VRRP Sockpool/p'
}

# read_dump FILE SIGNAL END: sets hd_written to the file that keepalived writes on that signal, up to END, and
# removes the file. Another run that observes this node may remove it first: then keepalived is asked again.
read_dump() {
    hd_left=15
    until hd_written=$(read_at_most "$MAX_DUMP_BYTES" "$1") && case $hd_written in *"$3"*) ;; *) false ;; esac; do
        hd_left=$((hd_left - 1))
        [ "$hd_left" -gt 0 ] || return 1
        short_sleep
        [ $((hd_left % 3)) -ne 0 ] || [ -e "$1" ] || ask_again "$2"
    done
    rm -f "$1"
}

# ask_again SIGNAL: if keepalived still runs; another process may have its pid by now.
ask_again() {
    grep -qs '^keepalived' "/proc/$hd_vrrp_pid/comm" && kill "-$1" "$hd_vrrp_pid" 2>/dev/null && very_short_sleep
}

# vrrp_stats CONTAINER: the adverts sent, received and refused since its start (SIGUSR2).
vrrp_stats() {
    hd_vrrp_pid=$(main_pid "$1") || return 1
    hd_tmp=$(tmp_of "$hd_vrrp_pid") || return 1
    hd_stats=$hd_tmp/keepalived.stats
    rm -f "$hd_stats"
    kill -USR2 "$hd_vrrp_pid" 2>/dev/null || return 1
    read_dump "$hd_stats" USR2 'Priority Zero:' || return 1
    printf '%s\n' "$hd_written"
}
