# shellcheck shell=sh
# One read-only observation of a node. observe/parse.py parses the output.
# Requires: autostart.sh clients.sh containers.sh engine.sh files.sh fingerprint.sh foreign.sh haproxy.sh
# Requires: http.sh keepalived.sh lock_read.sh lock_release.sh preflight.sh processes.sh segment.sh
# Requires: settle.sh sockets.sh surroundings.sh
# Inputs: HD_CLUSTER HD_CONTAINERS HD_HEALTH_PORT HD_IMAGES HD_KEEPALIVED HD_SETTLE HD_VERSIONS
# HD_SETTLE: at the end of a change, the seconds to wait first; the lock is released before that.
MAX_PROGRAM_BYTES=67108864

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
    # shellcheck disable=SC2086,SC2154  # lists of words; engine.sh, containers.sh
    hd_inspected=$(
        docker container inspect --format "$hd_place"' {{.Image}}{{"\t"}}{{json .}}' \
            $hd_ours $HD_CONTAINERS $hd_stopped_foreign $hd_others 2>/dev/null
    )
    # shellcheck disable=SC2034  # engine.sh
    hd_running=$(printf '%s\n' "$hd_inspected" | cut -f1)
    # keepalived writes its dump until it is read.
    vrrp_ask "$HD_KEEPALIVED"
    emit containers
    printf '%s\n' "$hd_inspected" | sed 's/^[^\t]*\t//; 1s/^/[/; $!s/$/,/; $s/$/]/'
    [ -z "$hd_unrelated" ] || emit unrelated "$hd_unrelated"
    [ -z "$hd_others" ] || emit other-clusters "$hd_others"
    # shellcheck disable=SC2086  # a list of words
    observe_images $HD_IMAGES
}

# observe_images REFERENCE...: the engine resolves each reference (docker.io/library/…, no tag, a digest). The
# list of containers contains some of the ids. The other images are inspected in one call; one by one if
# some are missing.
observe_images() {
    for hd_image in "$@"; do
        shift
        if ! thorough && hd_id=$(image_of_ours "$hd_image"); then
            emit image "$hd_image" "$hd_id"
        else
            set -- "$@" "$hd_image"
        fi
    done
    [ $# -gt 0 ] || return 0
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

# image_of_ours REFERENCE: the image of one of our containers that is listed with that reference. If the
# reference now means another image, or none, the engine lists the image's id instead (moby: daemon/list.go,
# refreshImage).
image_of_ours() {
    # shellcheck disable=SC2154  # containers.sh
    for hd_use in $hd_uses; do
        [ "${hd_use#*=}" = "$1" ] || continue
        while read -r _ _ hd_run_id hd_run_label hd_run_image _; do
            [ "$hd_run_id $hd_run_label" = "${hd_use%%=*} \"$HD_CLUSTER\"" ] || continue
            printf '%s\n' "$hd_run_image"
            return 0
        done <<END
$hd_running
END
    done
    return 1
}

observe_network() {
    emit addresses
    ip -j address show 2>/dev/null || { emit addresses-text && ip -o address show; }
    emit sockets
    hd_sockets=$(ss -Hltnp)
    printf '%s\n' "$hd_sockets"
    hd_owners=$(
        for hd_owner in $(pids_in "$hd_sockets"); do
            printf '%s %s\n' "${hd_owner#pid=}" "$(container_of "${hd_owner#pid=}")"
        done
    )
    emit owners
    printf '%s\n' "$hd_owners"
}

observe_vrrp() {
    emit vrrp
    vrrp_read
    emit check-age
    check_age "$HD_KEEPALIVED"
}

# The versions of the running programs. Nothing in a container is executed: haproxy's statistics page has its
# version, and keepalived's program file contains its version.
observe_versions() {
    [ -n "$HD_VERSIONS" ] || return 0
    emit version haproxy "$(http_get "$HD_HEALTH_PORT" /stats |
        sed -n 's/.*HAProxy version \([0-9][^ ,<]*\).*/\1/p' | head -n 1)"
    hd_exe=/proc/$(main_pid "$HD_KEEPALIVED")/exe || return 0
    emit version keepalived "$(head -c "$MAX_PROGRAM_BYTES" "$hd_exe" 2>/dev/null |
        grep -a -o -m 1 'Keepalived v[0-9][0-9.]*' |
        sed -n '1s/.* v//p')"
}

# observe_engine: its version, if needed; otherwise the list of containers proves that it answers.
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
    read_routes
    find_askable_vips
    segment_begin
    observe_engine
    emit fingerprint "$(fingerprint "$hd_listed")"
    lock_report
    # Through a pipe, so that it needs no file, and does not come between other messages.
    ask_vips | look_around
    segment_end
    emit end
}

# look_around: everything else, while the VIPs are asked.
look_around() {
    exec 4<&0 </dev/null
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
    report_answers
}
