# shellcheck shell=sh
# Cause a failure on this node, and repair it: when the run asks for it, or after a time limit, even if the
# run was killed.
# Requires: drill_mark.sh container_control.sh engine.sh waiting.sh
# Inputs: HD_CLUSTER HD_HAPROXY HD_INTERFACE HD_KEEPALIVED HD_LOCK

# drill KIND SECONDS: breaks, waits until the mark is gone, at most SECONDS, and mends.
drill() {
    hd_kind=$1
    hd_until=$(($(uptime_seconds) + $2))
    # shellcheck disable=SC2154  # drill_mark.sh
    printf '%s\n' "$HD_LOCK" >"$drill_mark" || return 1
    emit breaking "$(now)"
    "break_$hd_kind" || emit failed "$hd_kind"
    emit broken "$(now)"
    poll_until "$hd_until" unmarked
    rm -f "$drill_mark"
    emit mending "$(now)"
    "mend_$hd_kind" || emit failed "mend_$hd_kind"
    emit mended "$(now)"
}

unmarked() { [ "$(cat "$drill_mark" 2>/dev/null)" != "$HD_LOCK" ]; }

break_haproxy_stop() { stop "$HD_HAPROXY"; }

mend_haproxy_stop() { start "$HD_HAPROXY"; }

# A signal from the host counts as a crash; after `docker kill`, the engine would not restart the container.
break_haproxy_kill() { kill -KILL "$(main_pid "$HD_HAPROXY")"; }

mend_haproxy_kill() { await_restart "$HD_HAPROXY"; }

break_haproxy_hang() { signal_all STOP "$HD_HAPROXY"; }

mend_haproxy_hang() { signal_all CONT "$HD_HAPROXY"; }

break_keepalived_stop() { stop "$HD_KEEPALIVED"; }

mend_keepalived_stop() { start "$HD_KEEPALIVED"; }

break_keepalived_kill() { kill -KILL "$(main_pid "$HD_KEEPALIVED")"; }

mend_keepalived_kill() { await_restart "$HD_KEEPALIVED"; }

break_keepalived_hang() { signal_all STOP "$HD_KEEPALIVED"; }

mend_keepalived_hang() { signal_all CONT "$HD_KEEPALIVED"; }

# signal_all SIGNAL CONTAINER: to all its processes. A process may end before the signal is sent, such as a
# check of keepalived.
signal_all() {
    hd_pids=$(timeout 30 docker container top "$2" -o pid | tail -n +2) || return 1
    [ -n "$hd_pids" ] || return 1
    for hd_pid in $hd_pids; do
        kill "-$1" "$hd_pid" 2>/dev/null || ended "$hd_pid" || return 1
    done
}

# await_restart CONTAINER: the engine restarts a container that has crashed.
await_restart() { until_true 10 "$1 is restarted" main_pid "$1" >/dev/null || start "$1"; }

break_docker_restart() {
    if [ -d /run/systemd/system ]; then
        with_heartbeat timeout 120 systemctl restart docker
        return
    fi
    # Without systemd: end it as systemd does, and start it with the same command line.
    hd_daemon=$(cat /run/docker.pid) && hd_command_file=/run/hadeploy/$HD_CLUSTER.dockerd || return 1
    cat "/proc/$hd_daemon/cmdline" >"$hd_command_file"
    kill -TERM "$hd_daemon"
    until_true 60 "the Docker engine has ended" ended "$hd_daemon" || return 1
    # 8>&-: it must not inherit the lock of this script.
    xargs -0 setsid <"$hd_command_file" >/dev/null 2>&1 8>&- &
    until_true 60 "the Docker engine answers" quietly docker version && rm -f "$hd_command_file"
}

ended() { ! kill -0 "$1" 2>/dev/null; }

mend_docker_restart() {
    until_true 60 "the Docker engine answers" quietly docker version || return 1
    await_restart "$HD_HAPROXY"
    await_restart "$HD_KEEPALIVED"
}

# Saves what the kernel removes with the link: the routes, and, by a setting, the IPv6 addresses. It does not
# save local routes, which the kernel derives from the addresses: the local route of a VIP that has moved
# would make this node answer for it.
break_link_down() {
    hd_keep=/proc/sys/net/ipv6/conf/$HD_INTERFACE/keep_addr_on_down
    hd_kept=$(cat "$hd_keep" 2>/dev/null)
    hd_routes=$(mktemp -d /run/hadeploy/routes.XXXXXX) || return 1
    ip -4 route save table all type unicast dev "$HD_INTERFACE" >"$hd_routes/4" 2>/dev/null
    ip -6 route save table all type unicast dev "$HD_INTERFACE" >"$hd_routes/6" 2>/dev/null
    [ -z "$hd_kept" ] || echo 1 >"$hd_keep"
    ip link set dev "$HD_INTERFACE" down
}

mend_link_down() {
    ip link set dev "$HD_INTERFACE" up || return 1
    until_true 10 "$HD_INTERFACE has a carrier" carrier
    # The kernel has restored some of them itself.
    ip -4 route restore <"$hd_routes/4" 2>/dev/null
    ip -6 route restore <"$hd_routes/6" 2>/dev/null
    [ -z "$hd_kept" ] || echo "$hd_kept" >"$hd_keep"
    rm -rf "$hd_routes"
}

carrier() { [ "$(cat "/sys/class/net/$HD_INTERFACE/carrier" 2>/dev/null)" = 1 ]; }
