# shellcheck shell=sh
# Find what may add a VIP of this cluster to the node at its next boot. Nothing that is found is executed.
# Requires: preflight.sh
# Inputs: HD_VIPS

# The most files that are read of a folder that a container mounts.
MAX_MOUNTED=200

# vip_pattern: matches a VIP, also with a prefix, but not with a port, in a URL or in a name: there the VIP is
# only a destination.
vip_pattern() {
    hd_any=
    for hd_vip in $HD_VIPS; do
        hd_any="$hd_any${hd_any:+|}$(printf '%s' "$hd_vip" | sed 's/\./[.]/g')"
    done
    printf '(^|[^0-9A-Za-z:./_-])(%s)(/[0-9]+)?([^0-9A-Za-z:./_-]|$)\n' "$hd_any"
}

# uncommented FILE: the beginning of the file, without comment lines. FILE may be a link, and may have become
# a pipe.
uncommented() {
    dd if="$1" iflag=nonblock,fullblock bs=65536 count=1 status=none 2>/dev/null | grep -v '^[[:space:]]*[#;]'
}

# file_matches FILE PATTERN
file_matches() { uncommented "$1" | matches -iE -e "$2"; }

# observe_autostart: the files that start haproxy or keepalived at boot, or add a VIP to the node.
observe_autostart() {
    thorough || return 0
    hd_pattern=$(vip_pattern)
    hd_programs='haproxy|keepalived'
    for hd_file in /etc/kubernetes/manifests/* /var/lib/rancher/*/agent/pod-manifests/*; do
        [ -f "$hd_file" ] || continue
        if file_matches "$hd_file" 'NET_ADMIN|privileged: *true' && file_matches "$hd_file" "$hd_pattern"; then
            emit autostart-file vip "$hd_file"
        elif file_matches "$hd_file" "$hd_programs"; then
            emit autostart-file program "$hd_file"
        fi
    done
    for hd_file in /etc/systemd/system/*.wants/*.service; do
        if [ -f "$hd_file" ] && starts_our_programs "$hd_file"; then
            emit autostart-file program "/etc/systemd/system/${hd_file##*/}"
        fi
    done
    for hd_file in /etc/containers/systemd/*.container; do program_in "$hd_file" "$hd_programs"; done
    for hd_file in /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/*; do
        program_in "$hd_file" "@reboot.*($hd_programs)"
    done
    [ ! -x /etc/rc.local ] || program_in /etc/rc.local "$hd_programs"
    for hd_file in /etc/network/interfaces /etc/network/interfaces.d/* /etc/netplan/*.yaml \
        /etc/systemd/network/* /etc/NetworkManager/system-connections/*; do
        if [ -f "$hd_file" ] && file_matches "$hd_file" "$hd_pattern"; then emit autostart-file address "$hd_file"; fi
    done
}

# program_in FILE PATTERN
program_in() {
    if [ -f "$1" ] && file_matches "$1" "$2"; then emit autostart-file program "$1"; fi
}

# starts_our_programs UNIT: whether it runs haproxy or keepalived in a container, directly or with a compose file.
starts_our_programs() {
    file_matches "$1" 'docker|podman|nerdctl' || return 1
    ! file_matches "$1" "$hd_programs" || return 0
    for hd_word in $(uncommented "$1" | grep -oE '/[^[:space:]"]+[.]ya?ml'); do
        ! file_matches "$hd_word" "$hd_programs" || return 0
    done
    return 1
}

# mounted_vip CONTAINER: the files in its mounts that name a VIP, and its command line or environment if it does.
mounted_vip() {
    hd_pattern=$(vip_pattern)
    docker container inspect --format '{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Entrypoint}}' \
        "$1" 2>/dev/null | matches -E -e "$hd_pattern" && echo 'its command line or environment'
    docker container inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' "$1" 2>/dev/null |
        while IFS= read -r hd_source; do
            case $hd_source in
            '' | / | /proc* | /sys* | /dev* | /run* | /var/run* | /etc | /var | /usr | /lib* | /home) continue ;;
            esac
            timeout 5 find "$hd_source" -xdev -maxdepth 3 -type f -size -64k 2>/dev/null |
                sed -n "1,${MAX_MOUNTED}p" |
                while IFS= read -r hd_file; do
                    if file_matches "$hd_file" "$hd_pattern"; then printf '%s\n' "$hd_file"; fi
                done
        done
}
