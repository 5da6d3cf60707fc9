# shellcheck shell=sh
# Dependencies of the configuration of an haproxy that was set up by hand: environment variables, host
# names, and ports that the engine publishes. It reads only variables that the configuration names.
# Requires: foreign.sh
# Inputs: HD_OWN_PORTS
# HD_OWN_PORTS: all ports of this cluster.

# The most host names that are resolved, and the time limit for each.
NAMES=16

NAME_SECONDS=3

# The most variables, the most addresses with variables, and their maximum length.
MAX_VARIABLES=200

MAX_EXPANDED=64

MAX_CHARACTERS=128

# variables_of PID: its environment, one variable per line.
variables_of() { tr '\n\0' ' \n' <"/proc/$1/environ" 2>/dev/null; }

# value_of NAME: from hd_environment.
value_of() { printf '%s\n' "$hd_environment" | sed -n "s/^$1=//p" | head -n 1; }

# expanded WORD: WORD with the values of its variables.
expanded() {
    hd_left=$1
    hd_word=
    while :; do
        case $hd_left in *'$'*) ;; *) break ;; esac
        hd_word=$hd_word${hd_left%%\$*}
        hd_left=${hd_left#*\$}
        hd_left=${hd_left#\{}
        hd_name=${hd_left%%[!A-Za-z0-9_]*}
        hd_left=${hd_left#"$hd_name"}
        hd_left=${hd_left#\}}
        hd_word=$hd_word$(value_of "$hd_name")
    done
    printf '%s\n' "$hd_word$hd_left"
}

# places_in TEXT: the addresses in its server and bind lines.
places_in() {
    hd_blank='[[:space:]]\{1,\}'
    printf '%s\n' "$1" | tr -d "\"'" | sed -n "s/^/ /
        s/^${hd_blank}server${hd_blank}[^[:space:]]\{1,\}${hd_blank}\([^[:space:]]*\).*/\1/p
        s/^${hd_blank}bind${hd_blank}\([^[:space:]]*\).*/\1/p" | sort -u
}

# hosts_in TEXT: the host names in its server and bind lines.
hosts_in() {
    hd_places=$(places_in "$1")
    {
        printf '%s\n' "$hd_places" | grep -vF '$'
        printf '%s\n' "$hd_places" | grep -F '$' | grep -xE ".{1,$MAX_CHARACTERS}" |
            sed -n "1,${MAX_EXPANDED}p" | while IFS= read -r hd_at; do expanded "$hd_at"; done
    } | sed 's/^[a-z0-9]*@//; s/:[^:]*$//' | grep -E '^[A-Za-z0-9][A-Za-z0-9.-]*$' |
        grep '[A-Za-z]' | sort -u | sed -n "1,${NAMES}p"
}

# address_of NAME HOSTS: from the container's hosts file, or else as the node resolves it.
address_of() {
    hd_known=$(
        read_at_most 65536 "$2" | sed 's/#.*//' | while read -r hd_at hd_names; do
            case " $hd_names " in *" $1 "*) printf '%s\n' "$hd_at" && break ;; esac
        done
    )
    [ -n "$hd_known" ] || hd_known=$(
        timeout "$NAME_SECONDS" getent ahosts "$1" 2>/dev/null | head -n 1 | cut -d' ' -f1
    )
    printf '%s\n' "$hd_known"
}

# surroundings CONTAINER ROOT PID FILE: the dependencies of one configuration file.
surroundings() {
    hd_environment=$(variables_of "$3")
    hd_text=$(timeout 10 head -c "$MAX_CONFIG_BYTES" "$4")
    emit foreign-environment haproxy "$1"
    # shellcheck disable=SC2016  # dollars of the configuration
    printf '%s\n' "$hd_text" | grep -oE '\$\{?[A-Za-z_][A-Za-z0-9_]*' | tr -d '${' | sort -u |
        sed -n "1,${MAX_VARIABLES}p" | while IFS= read -r hd_name; do
        printf '%s\n' "$hd_environment" | grep "^$hd_name=" | head -n 1
    done | base64
    hosts_in "$hd_text" | while IFS= read -r hd_host; do
        emit foreign-host haproxy "$1" "$hd_host" "$(address_of "$hd_host" "$(path_in_root "$2" /etc/hosts)")"
    done
}

# held_by_engine PORT
held_by_engine() {
    # shellcheck disable=SC2154  # observe.sh
    while read -r _ _ _ hd_at _ hd_users; do
        case "$hd_at $hd_users" in
        *":$1 "*'"docker-proxy"'* | *":$1 "*'"dockerd"'*) return 0 ;;
        esac
    done <<END
$hd_sockets
END
    return 1
}

# observe_publishers: the containers for which the engine publishes a port of this cluster.
observe_publishers() {
    # shellcheck disable=SC2154  # observe.sh
    case $hd_sockets in *'"docker-proxy"'* | *'"dockerd"'*) ;; *) return 0 ;; esac
    for hd_port in $HD_OWN_PORTS; do
        held_by_engine "$hd_port" || continue
        docker container ls --filter "publish=$hd_port" --format '{{.Names}}' 2>/dev/null |
            while IFS= read -r hd_publisher; do
                emit publisher "$hd_port" "$hd_publisher"
            done
    done
}
