# shellcheck shell=sh
# The processes of haproxy, keepalived and the engine, in a container or not.
# Requires: engine.sh

# find_processes: the main programs of both roles and the engine, in a container or not. By xargs: there
# may be more processes than fit on a command line.
find_processes() {
    hd_processes=$(
        printf '%s\n' /proc/[0-9]*/comm |
            xargs grep -sE '^(keepalived|haproxy|dockerd)' /dev/null
    )
}

# processes NAME: pid and container of each one whose name begins so.
processes() {
    printf '%s\n' "$hd_processes" | while IFS=: read -r hd_comm hd_name; do
        case $hd_name in "$1"*) ;; *) continue ;; esac
        hd_pid=${hd_comm#/proc/}
        printf '%s %s\n' "${hd_pid%/comm}" "$(container_of "${hd_pid%/comm}")"
    done
}

# processes_of_root NAME: the same of root's.
processes_of_root() {
    processes "$1" | while read -r hd_pid hd_id; do
        ! is_roots "$hd_pid" "$1" || printf '%s %s\n' "$hd_pid" "$hd_id"
    done
}

# A keepalived may hold addresses.
observe_processes() {
    find_processes
    hd_keepaliveds=$(processes_of_root keepalived)
    emit keepalived-processes
    printf '%s\n' "$hd_keepaliveds"
    hd_haproxies=$(processes haproxy)
    emit haproxy-processes
    printf '%s\n' "$hd_haproxies"
}
