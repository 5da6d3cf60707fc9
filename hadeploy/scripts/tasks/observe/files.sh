# shellcheck shell=sh
# The files of the cluster on the node, and whether the containers see them.
# Requires: engine.sh preflight.sh track.sh
# Inputs: HD_HAPROXY HD_IN_HAPROXY HD_IN_KEEPALIVED HD_IN_TRACK HD_KEEPALIVED HD_PREVIOUS HD_ROOT

# Names, modes and contents of all files of the cluster, with one read if they do not change meanwhile.
observe_files() {
    [ -d "$HD_ROOT" ] && ! foreign_in_folder >/dev/null || return 0
    # The folder may be a link to another one.
    hd_files=$(find -H "$HD_ROOT" -path "$HD_ROOT/track" -prune -o -type f -exec stat -c '%a %u:%g %s %n' {} + 2>/dev/null)
    emit kept-files
    set --
    hd_sizes=
    hd_total=0
    while IFS= read -r hd_line; do
        hd_file=${hd_line#*" $HD_ROOT/"}
        case $hd_file in
        .staging/* | .undo* | .previous/*) printf '%s\n' "$HD_ROOT/$hd_file" ;;
        esac
        case $hd_file in
        .previous/*) [ -n "$HD_PREVIOUS" ] || continue ;;
        '' | .*) continue ;;
        esac
        hd_about=${hd_line%%" $HD_ROOT/"*}
        hd_sizes="$hd_sizes ${hd_about##* }"
        hd_total=$((hd_total + ${hd_about##* }))
        set -- "$@" "${hd_about% *} $hd_file"
    done <<EOF
$hd_files
EOF
    [ $# -eq 0 ] || emit_together "$@" || emit_one_by_one "$@"
    observe_tracks
}

# observe_tracks: the container of keepalived can write these files.
observe_tracks() {
    for hd_name in drain handover; do
        hd_about=$(stat -c '%F:%a %u:%g' "$HD_ROOT/track/$hd_name" 2>/dev/null)
        case $hd_about in 'regular file:'* | 'regular empty file:'*) ;; *) continue ;; esac
        emit track "${hd_about#*:}" "track/$hd_name"
        track_value "$hd_name" | base64
    done
}

# emit_together "MODE OWNER FILE"...: fails if the contents are not as long as the files were.
emit_together() {
    hd_contents=$(
        for hd_file in "$@"; do
            hd_file=${hd_file#* }
            set -- "$@" "$HD_ROOT/${hd_file#* }"
            shift
        done
        cat "$@" 2>/dev/null | base64
    )
    # base64: four characters for each three bytes or less, 76 per line.
    # shellcheck disable=SC2017  # rounds on purpose
    hd_length=$(((hd_total + 2) / 3 * 4))
    [ "${#hd_contents}" -eq $((hd_length + (hd_length + 75) / 76 - (hd_length > 0))) ] || return 1
    for hd_file in "$@"; do
        emit file "$hd_file"
    done
    emit contents "${hd_sizes# }"
    printf '%s\n' "$hd_contents"
}

# emit_one_by_one "MODE OWNER FILE"...: omits files that the script of a killed run removes meanwhile, but not
# unreadable files.
emit_one_by_one() {
    for hd_line in "$@"; do
        hd_file=${hd_line#* }
        hd_file=$HD_ROOT/${hd_file#* }
        hd_content=$({ base64 <"$hd_file"; } 2>&1) || [ -e "$hd_file" ] || continue
        emit file "$hd_line"
        printf '%s\n' "$hd_content"
    done
}

# observe_mounts: if a folder was deleted and created again, a running container still has the old one
# mounted, and neither a reload nor a drain reaches it.
observe_mounts() {
    set --
    hd_pid=$(main_pid "$HD_HAPROXY") && set -- haproxy "/proc/$hd_pid/root$HD_IN_HAPROXY" "$HD_ROOT/haproxy"
    hd_pid=$(main_pid "$HD_KEEPALIVED") &&
        set -- "$@" keepalived "/proc/$hd_pid/root$HD_IN_KEEPALIVED" "$HD_ROOT/keepalived" \
            keepalived "/proc/$hd_pid/root$HD_IN_TRACK" "$HD_ROOT/track"
    # stat prints nothing for the roles, which are no paths.
    hd_inodes=$NEWLINE$(stat -c '%n %d:%i' "$@" 2>/dev/null)$NEWLINE
    while [ $# -ge 3 ]; do
        [ "$(inode_of "$2")" = "$(inode_of "$3")" ] || emit stale-mount "$1"
        shift 3
    done
}

# inode_of PATH: its inode from $hd_inodes; empty if the path does not exist.
inode_of() {
    hd_inode=${hd_inodes#*"$NEWLINE$1 "}
    [ "$hd_inode" = "$hd_inodes" ] || printf '%s\n' "${hd_inode%%"$NEWLINE"*}"
}
