# shellcheck shell=sh
# The processes of haproxy, keepalived and the engine, inside and outside containers.
# Requires: engine.sh

# find_processes: xargs, because there may be more processes than fit on a command line.
find_processes() {
    hd_processes=$(
        printf '%s\n' /proc/[0-9]*/comm |
            xargs grep -sE '^(keepalived|haproxy|dockerd)' /dev/null
    )
}

# processes NAME: pid and container of each process whose name begins with NAME.
processes() {
    printf '%s\n' "$hd_processes" | while IFS=: read -r hd_comm hd_name; do
        case $hd_name in "$1"*) ;; *) continue ;; esac
        hd_pid=${hd_comm#/proc/}
        printf '%s %s\n' "${hd_pid%/comm}" "$(container_of "${hd_pid%/comm}")"
    done
}

# processes_of_root NAME: the same, for processes of root.
processes_of_root() {
    processes "$1" | while read -r hd_pid hd_id; do
        ! is_roots "$hd_pid" "$1" || printf '%s %s\n' "$hd_pid" "$hd_id"
    done
}

observe_processes() {
    find_processes
    hd_keepaliveds=$(processes_of_root keepalived)
    emit keepalived-processes
    printf '%s\n' "$hd_keepaliveds"
    hd_haproxies=$(processes haproxy)
    emit haproxy-processes
    printf '%s\n' "$hd_haproxies"
    emit haproxy-users
    # Any user of the node can give a process that name.
    printf '%s\n' "$hd_haproxies" | while read -r hd_pid hd_id; do
        [ -n "$hd_id" ] || [ -z "$hd_pid" ] || stat -c "$hd_pid %u %U" "/proc/$hd_pid" 2>/dev/null
    done
}
