# shellcheck shell=sh
# Taking ours away. Given: HD_ROOT.

# stop_and_remove CONTAINER SECONDS: never by force, since a killed keepalived leaves its addresses.
stop_and_remove() {
    emit removing "$1"
    docker container inspect "$1" >/dev/null 2>&1 || return 0
    docker stop --time "$2" "$1" >/dev/null || give_up "$1"
    docker rm "$1" >/dev/null || give_up "$1"
}

any_keepalived() {
    for hd_comm in /proc/[0-9]*/comm; do
        read -r hd_name <"$hd_comm" 2>/dev/null || continue
        case $hd_name in keepalived*) return 0 ;; esac
    done
    return 1
}

bound() { ip -o address show dev "$2" to "$1" 2>/dev/null | grep -q .; }

# release ADDRESS INTERFACE: an address that our keepalived left behind. While another keepalived runs
# here it may be that one's.
release() {
    bound "$1" "$2" || return 0
    emit releasing "$1"
    if any_keepalived; then
        printf 'another keepalived runs on this node, so the address is left alone\n'
        give_up "$1"
    fi
    for hd_found in $(ip -o address show dev "$2" to "$1" | sed -n 's/.*inet6\{0,1\} \([^ ]*\).*/\1/p'); do
        ip address del "$hd_found" dev "$2" || give_up "$1"
    done
}

# remove_files PATH...: ours by name; a folder goes only when nothing else is in it.
remove_files() {
    [ -d "$HD_ROOT" ] || return 0
    emit removing files
    rm -rf "$HD_ROOT/.staging" "$HD_ROOT/.last-good"
    for hd_path in "$@"; do
        rm -f "$HD_ROOT/$hd_path" "$HD_ROOT/$hd_path.new"
    done
    rmdir "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/track" "$HD_ROOT" "${HD_ROOT%/*}" \
        2>/dev/null
    return 0
}

give_up() {
    emit failed "$1"
    emit end
    exit 1
}
