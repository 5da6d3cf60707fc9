# shellcheck shell=sh
# The state of containers, from the engine and the kernel.
# Inputs: HD_CLUSTER

# ask_engine: prints its version.
ask_engine() {
    timeout 20 docker version --format '{{json .Server}}' && return 0
    [ $? -ne 124 ] || give_up_engine
    return 1
}

# give_up_engine: from now on, docker fails at once, so that a hanging engine does not delay the rest of the
# observation.
give_up_engine() {
    echo 'no answer within 20 s'
    # shellcheck disable=SC2317  # called in place of the program
    docker() { return 1; }
}

# cache_pids CONTAINER...: asks the engine once for their pids; it is asked again only for a restarted container.
hd_running=

# A label can contain anything; in JSON it is one word without tabs or line breaks, unless it has spaces.
hd_place='{{.Name}} {{.State.Pid}} {{.Id}} {{json (index .Config.Labels "hadeploy.cluster")}}'

cache_pids() { hd_running=$(docker container inspect --format "$hd_place" "$@" 2>/dev/null); }

# runs_in PID CONTAINER
runs_in() {
    while read -r hd_cgroup; do
        case $hd_cgroup in *"$2"*) return 0 ;; esac
    done <"/proc/$1/cgroup"
    return 1
} 2>/dev/null

# known_pid CONTAINER: the cached pid, if the container is ours and still has that pid.
known_pid() {
    while read -r hd_run_name hd_run_pid hd_run_id hd_run_label _; do
        [ "$hd_run_name $hd_run_label" = "/$1 \"$HD_CLUSTER\"" ] || continue
        runs_in "$hd_run_pid" "$hd_run_id" || return 1
        printf '%s\n' "$hd_run_pid"
        return 0
    done <<END
$hd_running
END
    return 1
}

# main_pid CONTAINER: the pid of its first process; fails if it does not run or is not ours.
main_pid() {
    known_pid "$1" && return 0
    hd_found=$(docker container inspect \
        --format '{{.State.Pid}} {{index .Config.Labels "hadeploy.cluster"}}' "$1" 2>/dev/null) || return 1
    [ "${hd_found#* }" = "$HD_CLUSTER" ] || return 1
    [ "${hd_found%% *}" -gt 0 ] 2>/dev/null || return 1
    printf '%s\n' "${hd_found%% *}"
}

# is_ours CONTAINER: whether it has our label, running or not.
is_ours() {
    [ "$(docker container inspect --format '{{index .Config.Labels "hadeploy.cluster"}}' "$1" \
        2>/dev/null)" = "$HD_CLUSTER" ]
}

# container_of PID: the container of a process, or nothing.
# It starts no other process, because it is called for many pids.
container_of() {
    hd_id=
    hd_ifs=$IFS
    IFS=/-_.:
    {
        while [ -z "$hd_id" ] && read -r hd_cgroup; do
            # shellcheck disable=SC2086  # split into the parts of the cgroup names
            for hd_word in $hd_cgroup; do
                case "${#hd_word} $hd_word" in
                *" "*[!0-9a-f]*) ;;
                "64 "*) hd_id=$hd_word ;;
                esac
            done
        done <"/proc/$1/cgroup"
    } 2>/dev/null
    IFS=$hd_ifs
    printf '%s\n' "$hd_id"
}

# user_of PID: its user id.
user_of() {
    while read -r hd_key hd_value _; do
        [ "$hd_key" != Uid: ] || {
            printf '%s\n' "$hd_value"
            return 0
        }
    done <"/proc/$1/status"
    return 1
} 2>/dev/null

# is_roots PID NAME: whether root runs a program whose file name begins with NAME. Any user can give a process
# any name, and can run a program as root (sudo) under another name; only root can add addresses.
is_roots() {
    [ "$(user_of "$1")" = 0 ] && hd_program=$(readlink "/proc/$1/exe") || return 1
    case ${hd_program##*/} in "$2"*) ;; *) return 1 ;; esac
}
