# shellcheck shell=sh
# Remove the containers, addresses and files of the cluster.
# Requires: container_control.sh engine.sh handover.sh lock.sh steps.sh
# Inputs: HD_ROOT HD_SPARED
# HD_SPARED: containers of other hadeploy clusters with other VIPs.

# stop_and_remove CONTAINER SECONDS: never by force, since a killed keepalived leaves its addresses behind.
stop_and_remove() {
    lock_keep
    emit removing "$1"
    docker container inspect "$1" >/dev/null 2>&1 || return 0
    stop_within "$2" "$1" || abort failed "$1"
    docker rm "$1" >/dev/null || abort failed "$1"
}

any_keepalived() {
    for hd_comm in /proc/[0-9]*/comm; do
        read -r hd_name <"$hd_comm" 2>/dev/null || continue
        case $hd_name in keepalived*) ;; *) continue ;; esac
        hd_pid=${hd_comm#/proc/}
        is_roots "${hd_pid%/comm}" keepalived || continue
        hd_in=$(container_of "${hd_pid%/comm}")
        case " $HD_SPARED " in *" ${hd_in:-none} "*) ;; *) return 0 ;; esac
    done
    return 1
}

# interfaces_with ADDRESS: the interfaces that have it, with its prefix: "eth0 198.51.100.100/32".
interfaces_with() { ip -o address show to "$1" 2>/dev/null | sed -n 's/^[0-9]*: *\([^ ]*\) *inet6\{0,1\} \([^ ]*\).*/\1 \2/p'; }

# release ADDRESS: removes an address that our keepalived left behind, from any interface. It fails while
# another keepalived runs here, which may hold the address.
release() {
    [ -n "$(interfaces_with "$1")" ] || return 0
    emit releasing "$1"
    if any_keepalived; then
        printf 'another keepalived runs on this node, so the address stays\n'
        abort failed "$1"
    fi
    interfaces_with "$1" | while read -r hd_interface hd_address; do
        ip address del "$hd_address" dev "$hd_interface"
    done
    [ -z "$(interfaces_with "$1")" ] || abort failed "$1"
}

# remove_files PATH...: removes our files by name, and the folders that are then empty.
remove_files() {
    [ -d "$HD_ROOT" ] || return 0
    emit removing files
    rm -rf "$HD_ROOT/.staging" "$HD_ROOT/.undo" "$HD_ROOT/.undo.new" "$HD_ROOT/.undo.gone" \
        "$HD_ROOT/.previous"
    for hd_path in "$@"; do
        rm -f "$HD_ROOT/$hd_path" "$HD_ROOT/$hd_path.new"
    done
    rmdir "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/track" "$HD_ROOT" 2>/dev/null
    # The parent folder is surely ours only if it is the default one.
    [ "${HD_ROOT%/*}" = /etc/hadeploy ] && rmdir /etc/hadeploy 2>/dev/null
    return 0
}
