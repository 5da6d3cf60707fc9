# shellcheck shell=sh
# Facts of a node that only the checks need. It changes nothing except the kernel's neighbour table.
# Requires: engine.sh packet_filter.sh processes.sh waiting.sh
# Inputs: HD_CHECK HD_KEEPALIVED HD_KEEPALIVED_IMAGE HD_ROOT HD_ROUTER_ID HD_VIPS
# HD_CHECK: yes: all facts; fresh: only if nothing was applied yet; changed: for a change, on all nodes;
# listening: as changed, for a change that includes the virtual_router_id.

# The kernel tries twice, a second apart.
PROBE_CENTISECONDS=130

# Three adverts at the default interval, and a second to start.
LISTEN_SECONDS=4

# thorough: whether this observation includes the facts for the checks, which take a second or two.
thorough() {
    case $HD_CHECK in
    yes | changed | listening) return 0 ;;
    fresh) [ ! -f "$HD_ROOT/applied.json" ] ;;
    *) return 1 ;;
    esac
}

# read_routes: the default routes.
read_routes() {
    hd_routes=$(
        ip route show default 2>/dev/null
        ip -6 route show default 2>/dev/null
    )
}

# may_be_asked ADDRESS: whether a packet to it stays on the node's own segment, and is not for a router or a
# broadcast or multicast group. Nothing is sent to other addresses.
may_be_asked() {
    case " $hd_routes " in
    *" via $1 "*) return 1 ;;
    esac
    hd_route=$(ip -o route get "$1" 2>/dev/null)
    case $hd_route in
    local*) return 0 ;;
    '' | *' via '* | broadcast* | multicast* | anycast* | unreachable* | blackhole* | prohibit*) return 1 ;;
    esac
}

# find_askable_vips: sets hd_askable to the VIPs that may be asked, and hd_device to the interface that leads
# to a VIP on another node. The inventory may contain a wrong address, which must get no packets.
find_askable_vips() {
    hd_askable=
    hd_device=
    for hd_vip in $HD_VIPS; do
        may_be_asked "$hd_vip" || continue
        hd_askable="$hd_askable $hd_vip"
        case $hd_route in
        local* | *' dev lo '*) ;;
        *' dev '*) hd_device=${hd_route#* dev } ;;
        esac
    done
    hd_device=${hd_device%% *}
}

is_here() { [ -n "$(ip -o address show to "$1" 2>/dev/null)" ]; }

# conf_lacks PATTERN: whether our keepalived.conf exists and has no such line.
conf_lacks() {
    [ -f "$HD_ROOT/keepalived/keepalived.conf" ] && ! grep -q "$1" "$HD_ROOT/keepalived/keepalived.conf"
}

# probe_begin: makes the kernel resolve the MAC address of each VIP, by a datagram to the discard port.
# If our keepalived runs, its VIPs are on a node of the cluster, and only new VIPs are probed.
probe_begin() {
    hd_probed=
    hd_speaks=no
    main_pid "$HD_KEEPALIVED" >/dev/null && hd_speaks=yes
    for hd_vip in $hd_askable; do
        [ "$hd_speaks" = no ] || conf_lacks "^ *$hd_vip/" || continue
        ! is_here "$hd_vip" || continue
        # An earlier entry proves nothing.
        ip neigh flush to "$hd_vip" 2>/dev/null
        # shellcheck disable=SC2016  # expanded by bash, from its own arguments
        timeout 1 bash --norc -c 'echo >"/dev/udp/$1/9"' bash "$hd_vip" >/dev/null 2>&1
        hd_probed="$hd_probed $hd_vip"
    done
    hd_probing=$(centiseconds)
}

answered() {
    for hd_vip in $hd_probed; do
        case $(ip neigh show to "$hd_vip") in
        *lladdr* | *FAILED*) ;;
        *) return 1 ;;
        esac
    done
}

probe_end() {
    until answered || [ $(($(centiseconds) - hd_probing)) -ge "$PROBE_CENTISECONDS" ]; do
        short_sleep
    done
    for hd_vip in $hd_probed; do
        emit neighbour "$hd_vip"
        ip neigh show to "$hd_vip"
    done
}

# free_of NAME FOLDER: free blocks, block size, free inodes and all inodes (0: no limit) of the file system of
# a folder that may not exist yet, and whether it is read-only (root can write to any other).
free_of() {
    hd_folder=$2
    until [ -d "$hd_folder" ]; do
        hd_folder=${hd_folder%/*}
        [ -n "$hd_folder" ] || hd_folder=/
    done
    emit free "$1" "$(stat -f -c '%a %S %d %c' "$hd_folder")"
    [ -w "$hd_folder" ] || emit read-only "$1"
}

# observe_folder: reasons why our folder cannot be created, or would be shared.
observe_folder() {
    hd_folder=$HD_ROOT
    while [ -n "$hd_folder" ]; do
        if [ ! -d "$hd_folder" ]; then
            if [ -e "$hd_folder" ] || [ -L "$hd_folder" ]; then emit folder blocked "$hd_folder"; fi
        elif [ "$hd_folder" != "$HD_ROOT" ] && [ -f "$hd_folder/applied.json" ]; then
            emit folder inside "$hd_folder"
        fi
        hd_folder=${hd_folder%/*}
    done
    ! hd_foreign=$(foreign_in_folder) || emit folder foreign "$hd_foreign"
}

# foreign_in_folder: a file in our folder that hadeploy does not create; fails if there is none.
foreign_in_folder() {
    [ ! -f "$HD_ROOT/applied.json" ] || return 1
    for hd_there in "$HD_ROOT"/* "$HD_ROOT"/.[!.]*; do
        case ${hd_there##*/} in
        haproxy | keepalived | track | adopted | applied.json* | served* | .staging | .undo* | .previous) ;;
        *)
            [ ! -e "$hd_there" ] || {
                printf '%s\n' "$hd_there"
                return 0
            }
            ;;
        esac
    done
    return 1
}

observe_engine_settings() {
    emit docker-info
    hd_info=$(docker info --format '{{json .}}' 2>/dev/null)
    printf '%s\n' "$hd_info"
    free_of docker "$(printf '%s\n' "$hd_info" | sed -n 's/.*"DockerRootDir":"\([^"]*\)".*/\1/p')/"
    hd_engine=$(processes_of_root dockerd | head -n 1)
    hd_engine=/proc/${hd_engine%% *}
    emit nofile
    printf 'most=%s\n' "$(cat /proc/sys/fs/nr_open)"
    [ -r "$hd_engine/limits" ] && [ "$hd_engine" != /proc/ ] || return 0
    printf 'hard=%s\n' "$(sed -n 's/^Max open files  *[^ ]*  *\([^ ]*\) .*/\1/p' "$hd_engine/limits")"
    printf 'capabilities=%s\n' "$(sed -n 's/^CapEff:[[:space:]]*//p' "$hd_engine/status")"
}

observe_services() {
    emit units
    # Without a running systemd, systemctl would still print the state from its files.
    [ -d /run/systemd/system ] && have systemctl && for hd_unit in haproxy keepalived docker; do
        printf '%s=%s\n' "$hd_unit" "$(timeout 5 systemctl is-active "$hd_unit" 2>/dev/null)" \
            "$hd_unit.boot" "$(timeout 5 systemctl is-enabled "$hd_unit" 2>/dev/null)"
    done
}

# Docker, sudo and keepalived all resolve the host name.
observe_resolution() {
    have getent || return 0
    hd_begun=$(centiseconds)
    timeout 5 getent hosts "$(hostname)" >/dev/null 2>&1
    hd_code=$?
    emit resolution "$(($(centiseconds) - hd_begun))" "$hd_code"
}

# setting NAME: the value of a kernel setting, named as in sysctl; nothing if the kernel has no such setting.
# cat, because `read` of dash reads single bytes, and these files end after one read.
setting() {
    hd_value=$(cat "/proc/sys/$1" 2>/dev/null) || return 0
    emit fact "$1" "$hd_value"
}

observe_machine() {
    emit links
    ip -o link show
    emit routes
    printf '%s\n' "$hd_routes"
    free_of root "$HD_ROOT"
    setting net/ipv4/ip_nonlocal_bind
    thorough || return 0
    free_of run /run
    emit thorough
    observe_folder
    observe_engine_settings
    observe_firewall
    observe_services
    observe_resolution
    setting net/ipv4/ip_local_port_range
    setting net/ipv4/ip_local_reserved_ports
    setting net/netfilter/nf_conntrack_count
    setting net/netfilter/nf_conntrack_max
    listen
    emit selinux "$(cat /sys/fs/selinux/enforce 2>/dev/null)" "$(stat -c %C "$HD_ROOT" 2>/dev/null)"
}

# listen: other routers that send adverts with our virtual_router_id, as logged by a keepalived in a temporary
# container. It is a backup that would take over only after 765 s without an advert, and VRRP version 2
# does not adopt the interval of others; its address is not the VIP. It ends by itself after
# LISTEN_SECONDS. If our keepalived runs, only its peers would be found, unless the virtual_router_id is new.
listen() {
    case $HD_CHECK in
    yes | listening) ;;
    *) return 0 ;;
    esac
    conf_lacks "^ *virtual_router_id $HD_ROUTER_ID\$" || ! main_pid "$HD_KEEPALIVED" >/dev/null || return 0
    docker image inspect "$HD_KEEPALIVED_IMAGE" >/dev/null 2>&1 || return 0
    # Adverts have the address family of the first VIP.
    hd_vip=${HD_VIPS%% *}
    hd_route=$(ip -o route get "$hd_vip" 2>/dev/null)
    case $hd_vip:$hd_route in
    *:*:* | *: | *' via '* | *' dev lo '*) return 0 ;;
    esac
    hd_interface=${hd_route#* dev }
    emit vrrp-listener
    # shellcheck disable=SC2016
    timeout 30 docker run --rm --init --pull never --network host --read-only \
        --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_BROADCAST --cap-add NET_RAW \
        --tmpfs /run --tmpfs /tmp --entrypoint bash "$HD_KEEPALIVED_IMAGE" -c '
        printf "global_defs {\n router_id listener\n vrrp_version 2\n}\nvrrp_instance listener {
            state BACKUP\n nopreempt\n interface %s\n virtual_router_id %s\n priority 1
            advert_int 255\n virtual_ipaddress {\n 192.0.2.255/32 dev lo\n }\n}\n" "$1" "$2" >/tmp/conf
        keepalived --dont-fork --log-console --log-detail --vrrp --pid=/run/k.pid \
            --vrrp_pid=/run/v.pid --use-file=/tmp/conf &
        sleep "$3"; kill %1; wait' bash "${hd_interface%% *}" "$HD_ROUTER_ID" "$LISTEN_SECONDS" 2>&1 |
        grep -F '(listener)'
}
