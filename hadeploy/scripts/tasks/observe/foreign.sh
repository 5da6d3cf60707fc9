# shellcheck shell=sh
# Foreign containers that serve a port of this cluster or run keepalived: their specifications, and the
# configurations that they run. They are not changed, and nothing in them is executed.
# Requires: surroundings.sh
# Inputs: HD_PORTS

# Set by observe.sh:
hd_ours=        # ids of this cluster's containers
hd_others=      # ids of the containers of other hadeploy clusters
hd_sockets=     # from ss
hd_owners=      # pid and container of each owner of a socket
hd_keepaliveds= # pid and container of each keepalived
hd_haproxies=   # pid and container of each haproxy

# is_foreign CONTAINER
is_foreign() {
    [ -n "$1" ] || return 1
    case $hd_ours$hd_others in *"$1"*) return 1 ;; esac
}

# listens_on_our_port PID
listens_on_our_port() {
    for hd_port in $HD_PORTS; do
        printf '%s\n' "$hd_sockets" | grep "^LISTEN  *[0-9]*  *[0-9]*  *[^ ]*:$hd_port " |
            grep -q "pid=$1," && return 0
    done
    return 1
}

MAX_CONFIG_BYTES=1048576

# The most files of one configuration, and of its folder.
MAX_FILES=100

# path_in_root ROOT PATH: the path on the node of PATH in a container. It resolves links itself: through
# /proc, the kernel would resolve absolute links on the node.
path_in_root() {
    hd_ahead=$2
    hd_at=
    hd_links=0
    while [ -n "$hd_ahead" ]; do
        hd_part=${hd_ahead%%/*}
        case $hd_ahead in
        */*) hd_ahead=${hd_ahead#*/} ;;
        *) hd_ahead= ;;
        esac
        case $hd_part in
        '' | .) continue ;;
        ..)
            hd_at=${hd_at%/*}
            continue
            ;;
        esac
        if [ -L "$1$hd_at/$hd_part" ]; then
            hd_links=$((hd_links + 1))
            [ "$hd_links" -le 40 ] || return 1
            hd_target=$(readlink "$1$hd_at/$hd_part") || return 1
            case $hd_target in /*) hd_at= ;; esac
            hd_ahead=$hd_target/$hd_ahead
        else
            hd_at=$hd_at/$hd_part
        fi
    done
    printf '%s\n' "$1$hd_at"
}

# path_by_mounts CONTAINER PATH: the path on the node of PATH, according to the container's mounts. For a
# program that uses chroot, and whose configuration is outside its root.
path_by_mounts() {
    docker container inspect --format \
        '{{range .Mounts}}{{.Destination}}{{"\t"}}{{.Source}}{{"\n"}}{{end}}' "$1" | sort -r |
        while IFS='	' read -r hd_there hd_here; do
            case $2/ in
            "$hd_there"/*)
                printf '%s\n' "$hd_here${2#"$hd_there"}"
                break
                ;;
            esac
        done
}

# find_path CONTAINER ROOT PATH: the file or folder on the node, by either way.
find_path() {
    hd_place=$(path_in_root "$2" "$3") && [ -e "$hd_place" ] || hd_place=$(path_by_mounts "$1" "$3")
    [ -e "$hd_place" ] && printf '%s\n' "$hd_place"
}

arguments() { tr '\0' '\n' <"/proc/$1/cmdline"; }

# configuration_arguments ROLE: the configuration paths of a command line, which is read one word per line.
configuration_arguments() {
    hd_awaited=no
    while IFS= read -r hd_word; do
        case $1:$hd_awaited:$hd_word in
        *:once:*)
            printf '%s\n' "$hd_word"
            hd_awaited=no
            ;;
        *:always:*) printf '%s\n' "$hd_word" ;;
        haproxy:no:--) hd_awaited=always ;;
        *:no:-f | keepalived:no:--use-file) hd_awaited=once ;;
        keepalived:no:--use-file=*) printf '%s\n' "${hd_word#--use-file=}" ;;
        keepalived:no:-f?*) printf '%s\n' "${hd_word#-f}" ;;
        esac
    done
}

# default_configurations ROLE: the default paths in the images; the first existing one is used.
default_configurations() {
    case $1 in
    haproxy) echo /usr/local/etc/haproxy/haproxy.cfg ;;
    *) printf '%s\n' /usr/local/etc/keepalived/keepalived.conf /etc/keepalived/keepalived.conf ;;
    esac
}

# running_files ROLE CONTAINER ROOT PID FOLDER: the paths in the container of the configuration that it
# runs; relative paths begin at FOLDER.
running_files() {
    hd_named=$(arguments "$4" | configuration_arguments "$1")
    [ -n "$hd_named" ] || hd_named=$(
        default_configurations "$1" | while IFS= read -r hd_path; do
            find_path "$2" "$3" "$hd_path" >/dev/null && printf '%s\n' "$hd_path" && break
        done
    )
    printf '%s\n' "$hd_named" | while IFS= read -r hd_path; do
        case $hd_path in
        '') continue ;;
        /*) ;;
        *) hd_path=${5%/}/$hd_path ;;
        esac
        hd_found=$(find_path "$2" "$3" "$hd_path") || continue
        if [ -d "$hd_found" ]; then
            for hd_each in "$hd_found"/*.cfg; do
                [ -e "$hd_each" ] && printf '%s/%s\n' "$hd_path" "${hd_each##*/}"
            done
        else
            printf '%s\n' "$hd_path"
        fi
    done | sed -n "1,${MAX_FILES}p"
}

# named_scripts FILE: the paths of its notify and check scripts.
named_scripts() {
    read_at_most "$MAX_CONFIG_BYTES" "$1" | grep -E '^[[:space:]]*(notify|script)' |
        grep -oE "/[^][:space:]\"';&|()[]+" | sed -n "1,${MAX_FILES}p"
}

# is_script FILE: FILE may be a pipe.
is_script() { [ "$(read_at_most 2 "$1")" = '#!' ]; }

# emit_extra_file ROLE CONTAINER ROOT PATH: one more file; only the name of a large file or a private key.
emit_extra_file() {
    hd_extra=$(path_in_root "$3" "$4") && [ -f "$hd_extra" ] || return 0
    # Not more than 64 KiB: the file may have changed since the check.
    hd_content=$(read_at_most 65536 "$hd_extra" | base64)
    if [ "$(stat -c %s "$hd_extra")" -gt 65536 ] || printf '%s\n' "$hd_content" | base64 -d | matches 'PRIVATE KEY'; then
        emit foreign-unread "$1" "$2" "$4"
    else
        emit foreign-file "$1" "$2" "$4"
        printf '%s\n' "$hd_content"
    fi
}

# emit_extra_files ROLE CONTAINER ROOT PATH: the scripts that a configuration names, and the files in its folder.
emit_extra_files() {
    hd_config=$(path_in_root "$3" "$4") && [ -f "$hd_config" ] || return 0
    named_scripts "$hd_config" | sort -u | while IFS= read -r hd_script; do
        is_script "$(path_in_root "$3" "$hd_script")" && emit_extra_file "$1" "$2" "$3" "$hd_script"
    done
    hd_beside=${hd_config%/*}
    case ${hd_beside#"$3"} in
    # Shared folders.
    '' | /etc | /root | /tmp | /usr/local/etc) return 0 ;;
    esac
    hd_files=0
    for hd_other in "$hd_beside"/*; do
        hd_files=$((hd_files + 1))
        [ "$hd_files" -le "$MAX_FILES" ] || break
        [ "$hd_other" = "$hd_config" ] || emit_extra_file "$1" "$2" "$3" "${hd_other#"$3"}"
    done
}

# started_by PID: kubelet, or unknown.
started_by() { if grep -q kubepods "/proc/$1/cgroup" 2>/dev/null; then echo kubelet; else echo unknown; fi; }

# observe_one ROLE CONTAINER PID
observe_one() {
    if hd_about=$(docker container inspect --format '{{.State.Pid}}:{{.Config.WorkingDir}}' \
        "$2" 2>/dev/null); then
        hd_root=/proc/${hd_about%%:*}/root
        emit foreign "$1" "$2"
        docker container inspect "$2"
    else
        # A container of another engine, usually containerd for the kubelet.
        quietly docker version || return 0
        hd_root=/proc/$3/root
        hd_about=:/
        emit foreign "$1" "$2" "$(started_by "$3")"
    fi
    running_files "$1" "$2" "$hd_root" "$3" "${hd_about#*:}" | while IFS= read -r hd_file; do
        hd_config=$(find_path "$2" "$hd_root" "$hd_file")
        # Not a device or a pipe, which may be endless.
        if ! [ -f "$hd_config" ] || [ "$(stat -L -c %s "$hd_config")" -gt "$MAX_CONFIG_BYTES" ]; then
            emit foreign-unread "$1" "$2" "$hd_file"
            continue
        fi
        emit foreign-config "$1" "$2" "$hd_file"
        timeout 10 head -c "$MAX_CONFIG_BYTES" "$hd_config" | base64
        [ "$1" != haproxy ] || surroundings "$2" "$hd_root" "$3" "$hd_config"
        emit_extra_files "$1" "$2" "$hd_root" "$hd_file"
    done
}

# beside_keepalived: if there is a foreign keepalived, all foreign haproxies: they may serve another port, or
# one that the engine publishes.
beside_keepalived() {
    case $hd_foreign in *keepalived*) ;; *) return 0 ;; esac
    while read -r hd_pid hd_id; do
        is_foreign "$hd_id" && echo "haproxy $hd_id $hd_pid"
    done <<END
$hd_haproxies
END
}

observe_foreign() {
    hd_foreign=$(
        while read -r hd_pid hd_id; do
            is_foreign "$hd_id" && listens_on_our_port "$hd_pid" && echo "haproxy $hd_id $hd_pid"
        done <<END
$hd_owners
END
        while read -r hd_pid hd_id; do
            is_foreign "$hd_id" && echo "keepalived $hd_id $hd_pid"
        done <<END
$hd_keepaliveds
END
    )
    [ -n "$hd_foreign" ] || return 0
    # One process of each container is enough.
    { printf '%s\n' "$hd_foreign" && beside_keepalived; } | sort -u -k 1,2 | while read -r hd_role hd_id hd_pid; do
        observe_one "$hd_role" "$hd_id" "$hd_pid"
    done
}
