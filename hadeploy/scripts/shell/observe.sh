# shellcheck shell=sh
# One read-only look at a node. Given: HD_ROOT, HD_CLUSTER, HD_CONTAINERS, HD_IMAGES, HD_PORTS,
# HD_VIPS, HD_HEALTH_PORT, HD_KEEPALIVED (container name), HD_VERSIONS, HD_SETTLE (at the end of a
# change: how long to wait first; the lock is given back then), foreign.sh, containers.sh, preflight.sh,
# segment.sh, settle.sh, answer.sh.
# Everything is data for observe/parse.py.
MOST_ASKED_AT_ONCE=16
SILENT_SECONDS=0.3
MOST_LOG_BYTES=104857600
MOST_PROGRAM_BYTES=67108864

observe_node() {
    emit node
    hd_names=$(uname -nm)
    printf 'host=%s\n' "${hd_names% *}"
    printf 'machine=%s\n' "${hd_names##* }"
    printf 'now=%s\n' "$(date +%s)"
    printf 'uid=%s\n' "$(id -u)"
    for hd_tool in docker ip ss bash timeout base64 find stat install sync flock perl; do
        have "$hd_tool" || printf 'missing=%s\n' "$hd_tool"
    done
}

observe_docker() {
    # shellcheck disable=SC2154  # containers.sh
    hd_ours=$(printf '%s\n' "$hd_listed" | cut -d' ' -f1)
    # shellcheck disable=SC2086,SC2154  # lists of words; report.sh, containers.sh
    hd_inspected=$(
        docker container inspect --format "$hd_place"'{{"\t"}}{{json .}}' \
            $hd_ours $HD_CONTAINERS $hd_stopped_foreign $hd_others 2>/dev/null
    )
    # shellcheck disable=SC2034  # report.sh
    hd_running=$(printf '%s\n' "$hd_inspected" | cut -f1)
    # What it says is there when it is read.
    vrrp_ask "$HD_KEEPALIVED"
    emit containers
    printf '%s\n' "$hd_inspected" | sed 's/^[^\t]*\t//; 1s/^/[/; $!s/$/,/; $s/$/]/'
    [ -z "$hd_apart" ] || emit apart "$hd_apart"
    [ -z "$hd_others" ] || emit other-clusters "$hd_others"
    # shellcheck disable=SC2086  # a list of words
    observe_images $HD_IMAGES
}

# observe_images REFERENCE...: the engine itself knows best what a reference means:
# docker.io/library/…, no tag, a digest. All at once; one by one only where some are missing.
observe_images() {
    hd_form='{{.Id}} {{.Architecture}}'
    if hd_ids=$(docker image inspect --format "$hd_form" "$@" 2>/dev/null); then
        for hd_image in "$@"; do
            emit image "$hd_image" "${hd_ids%%"$NEWLINE"*}"
            hd_ids=${hd_ids#*"$NEWLINE"}
        done
        return 0
    fi
    for hd_image in "$@"; do
        hd_ids=$(docker image inspect --format "$hd_form" "$hd_image" 2>/dev/null) &&
            emit image "$hd_image" "$hd_ids"
    done
}

# Names, modes and contents of every file of ours: all contents at once, if nobody changes them meanwhile.
observe_files() {
    [ -d "$HD_ROOT" ] && ! foreign_in_folder >/dev/null || return 0
    # The folder may be a link to another one.
    hd_files=$(find -H "$HD_ROOT" -path "$HD_ROOT/track" -prune -o -type f -exec stat -c '%a %u:%g %s %n' {} + 2>/dev/null)
    emit kept
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
    [ $# -eq 0 ] || together "$@" || one_by_one "$@"
    observe_tracks
}

# observe_tracks: keepalived's container may write them.
observe_tracks() {
    for hd_name in drain handover; do
        hd_about=$(stat -c '%F:%a %u:%g' "$HD_ROOT/track/$hd_name" 2>/dev/null)
        case $hd_about in 'regular file:'* | 'regular empty file:'*) ;; *) continue ;; esac
        emit track "${hd_about#*:}" "track/$hd_name"
        track_says "$hd_name" | base64
    done
}

# together "MODE OWNER FILE"...: false if what was read is not as long as the files were.
together() {
    hd_contents=$(
        for hd_file in "$@"; do
            hd_file=${hd_file#* }
            set -- "$@" "$HD_ROOT/${hd_file#* }"
            shift
        done
        cat "$@" 2>/dev/null | base64
    )
    # Four characters for each three bytes that were begun, 76 in a line.
    # shellcheck disable=SC2017  # it is meant to round
    hd_length=$(((hd_total + 2) / 3 * 4))
    [ "${#hd_contents}" -eq $((hd_length + (hd_length + 75) / 76 - (hd_length > 0))) ] || return 1
    for hd_file in "$@"; do
        emit file "$hd_file"
    done
    emit contents "${hd_sizes# }"
    printf '%s\n' "$hd_contents"
}

# one_by_one "MODE OWNER FILE"...: one that a script of a dead run removes meanwhile is not there; one that
# cannot be read is.
one_by_one() {
    for hd_line in "$@"; do
        hd_file=${hd_line#* }
        hd_file=$HD_ROOT/${hd_file#* }
        hd_content=$({ base64 <"$hd_file"; } 2>&1) || [ -e "$hd_file" ] || continue
        emit file "$hd_line"
        printf '%s\n' "$hd_content"
    done
}

# observe_mounts: a folder that was deleted and created again is not the one that a running container
# still sees, and no reload changes that. Nor would a drain reach the container.
observe_mounts() {
    set --
    hd_pid=$(main_pid "$HD_HAPROXY") && set -- haproxy "/proc/$hd_pid/root$HD_IN_HAPROXY" "$HD_ROOT/haproxy"
    hd_pid=$(main_pid "$HD_KEEPALIVED") &&
        set -- "$@" keepalived "/proc/$hd_pid/root$HD_IN_KEEPALIVED" "$HD_ROOT/keepalived" \
            keepalived "/proc/$hd_pid/root$HD_IN_TRACK" "$HD_ROOT/track"
    # The roles are no paths, so nothing is printed for them.
    hd_inodes=$NEWLINE$(stat -c '%n %d:%i' "$@" 2>/dev/null)$NEWLINE
    while [ $# -ge 3 ]; do
        [ "$(inode_of "$2")" = "$(inode_of "$3")" ] || emit detached "$1"
        shift 3
    done
}

# inode_of PATH: from $hd_inodes; empty if it is not there.
inode_of() {
    hd_inode=${hd_inodes#*"$NEWLINE$1 "}
    [ "$hd_inode" = "$hd_inodes" ] || printf '%s\n' "${hd_inode%%"$NEWLINE"*}"
}

observe_network() {
    emit addresses
    ip -j address show 2>/dev/null || { emit addresses-text && ip -o address show; }
    emit sockets
    hd_sockets=$(ss -Hltnp)
    printf '%s\n' "$hd_sockets"
    hd_owners=$(
        for hd_owner in $(printf '%s\n' "$hd_sockets" | grep -o 'pid=[0-9]*' | sort -u); do
            printf '%s %s\n' "${hd_owner#pid=}" "$(container_of "${hd_owner#pid=}")"
        done
    )
    emit owners
    printf '%s\n' "$hd_owners"
}

# stats_of_recorded_port: of a haproxy that was not given this health port yet.
stats_of_recorded_port() {
    hd_recorded=$(sed -n 's/^ "health_port": \([0-9]*\).*/\1/p' "$HD_ROOT/applied.json" 2>/dev/null)
    case $hd_recorded in '' | "$HD_HEALTH_PORT") return 0 ;; esac
    http_get "$hd_recorded" '/stats;csv'
}

# Listeners that have no backend now and had one once, by haproxy's log: it says when a server comes up,
# and how many bytes a client got from one (configuration manual, 8.2.2).
observe_once_up() {
    case $hd_stats in *,DOWN*) ;; *) return 0 ;; esac
    for hd_listener in $HD_LISTENERS; do
        ! printf '%s\n' "$hd_stats" | grep "^$hd_listener-backend," |
            cut -d , -f 2,18 | grep -qE '^[^,]*,(UP|no check)' || continue
        hd_used=" $hd_listener-backend/[^< ][^ ]*"
        timeout 10 docker logs "$HD_HAPROXY" 2>&1 | head -c "$MOST_LOG_BYTES" |
            grep -qE -m 1 "Server$hd_used is UP|$hd_used [0-9/-]+ [+]?[1-9]" &&
            emit once-up "$hd_listener"
    done
}

# Which haproxy configuration answers, and its statistics. One that is not ours may close the connection after
# the first answer.
observe_haproxy() {
    hd_stats=$(http_get "$HD_HEALTH_PORT" /config '/stats;csv')
    emit haproxy
    printf '%s\n' "$hd_stats"
    case $hd_stats in
    *'# pxname'*) ;;
    *)
        hd_stats=$(http_get "$HD_HEALTH_PORT" '/stats;csv')
        [ -n "$hd_stats" ] || hd_stats=$(stats_of_recorded_port)
        printf '%s\n' "$hd_stats"
        ;;
    esac
    observe_once_up
}

# ask_vips: what a client is answered on each VIP and port; all are asked at the same time, and each line
# is one write.
ask_vips() {
    # Before anything was applied nobody answers there, and each attempt costs a second.
    [ -f "$HD_ROOT/applied.json" ] || return 0
    hd_asking=0
    # shellcheck disable=SC2154  # preflight.sh
    for hd_vip in $hd_askable; do
        # shellcheck disable=SC2086  # a list of words, in the order of the ports
        set -- $HD_LISTENERS
        for hd_port in $HD_PORTS; do
            told_answer "$hd_vip" "$hd_port" "$1" &
            shift
            hd_asking=$((hd_asking + 1))
            [ $((hd_asking % MOST_ASKED_AT_ONCE)) -ne 0 ] || wait
        done
    done
    wait
}

# told_answer VIP PORT LISTENER: one that said nothing when it was recorded is not waited for long. Any other
# one may be busy or have just died, which haproxy does not know yet, or one of several servers may close every
# connection: then others are asked. A closed connection is reported beside their answer.
told_answer() {
    hd_first=
    if grep -qxF "$3 silent" "$HD_ROOT/served" 2>/dev/null; then
        hd_given=$(answer_of "$1" "$2" "$SILENT_SECONDS")
    else
        hd_given=$(answer_of "$1" "$2")
        case $hd_given in
        silent | closed)
            hd_first=$hd_given
            hd_given=$(answers_of "$1" "$2" 3 | grep -vx -m 1 -e silent -e closed) || {
                hd_given=$hd_first
                hd_first=
            }
            [ "$hd_first" = closed ] || hd_first=
            ;;
        esac
    fi
    printf '%s %s %s\n' "$1" "$2" "$hd_given${hd_first:+ $hd_first}"
}

# tell_answers: what `ask_vips` says on descriptor 4.
tell_answers() {
    while read -r hd_vip hd_port hd_answer hd_first; do
        emit through "$hd_vip" "$hd_port" "$hd_answer${hd_first:+ $hd_first}"
    done <&4
}

observe_vrrp() {
    emit vrrp
    vrrp_read
    emit check-age
    check_age "$HD_KEEPALIVED"
}

# Which versions run. Nothing of an image is started for that: haproxy's page of statistics tells its
# own, and keepalived's is in the program.
observe_versions() {
    [ -n "$HD_VERSIONS" ] || return 0
    emit version haproxy "$(http_get "$HD_HEALTH_PORT" /stats |
        sed -n 's/.*HAProxy version \([0-9][^ ,<]*\).*/\1/p' | head -n 1)"
    hd_exe=/proc/$(main_pid "$HD_KEEPALIVED")/exe || return 0
    emit version keepalived "$(head -c "$MOST_PROGRAM_BYTES" "$hd_exe" 2>/dev/null |
        grep -a -o -m 1 'Keepalived v[0-9][0-9.]*' |
        sed -n '1s/.* v//p')"
}

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

# A keepalived may hold addresses.
observe_processes() {
    find_processes
    hd_keepaliveds=$(processes keepalived)
    emit keepalived-processes
    printf '%s\n' "$hd_keepaliveds"
    hd_haproxies=$(processes haproxy)
    emit haproxy-processes
    printf '%s\n' "$hd_haproxies"
}

# observe_engine: which one it is, where that matters; else the list of the containers says that it answers.
# shellcheck disable=SC2034  # containers.sh
observe_engine() {
    emit docker
    hd_all=$(every_container timeout 20 2>/dev/null)
    case $? in
    0) { [ -z "$HD_VERSIONS" ] && ! thorough && echo '{"Version":""}'; } || ask_engine ;;
    124) give_up_engine ;;
    *) ask_engine && hd_all=$(every_container 2>/dev/null) ;;
    esac
    sort_containers
}

main() {
    [ -z "$HD_SETTLE" ] || {
        lock_release
        settle
    }
    observe_engine
    emit fingerprint "$(fingerprint "$hd_listed")"
    lock_tell
    know_routes
    know_askable
    # Through a pipe: it is in no file, and comes in between no other message.
    ask_vips | look_around
    emit end
}

# look_around: all that is not known yet, while the VIPs are asked.
look_around() {
    exec 4<&0 </dev/null
    segment_begin
    thorough && probe_begin
    observe_docker
    observe_node
    observe_files
    observe_mounts
    observe_network
    observe_vrrp
    observe_versions
    observe_processes
    observe_foreign
    observe_publishers
    observe_stopped_foreign
    observe_autostart
    observe_other_clusters
    observe_haproxy
    observe_machine
    thorough && probe_end
    tell_answers
    segment_end
}
