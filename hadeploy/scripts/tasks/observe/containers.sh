# shellcheck shell=sh
# List all containers of the node in three groups: those of this cluster, those of other hadeploy clusters,
# and stopped foreign ones that the engine may start. Nothing in them is executed.
# Requires: autostart.sh foreign.sh preflight.sh
# Inputs: HD_CLUSTER HD_CONTAINERS HD_ROOT

hd_all=             # from every_container
hd_listed=          # those of this cluster, as fingerprint.sh lists them
hd_uses=            # ID=REFERENCE of each of these
hd_stopped_foreign= # container ids
hd_unrelated=       # foreign ones and those of other clusters, without those with a name of this cluster

# Longer configurations are truncated; most have a few hundred lines.
MAX_BYTES=262144

# every_container [COMMAND...]: running or not; the fields after the image may contain spaces.
every_container() {
    "$@" docker container ls --all --no-trunc --format \
        '{{.ID}} {{.State}} {{.Names}} {{.Image}} {{json (.Label "hadeploy.cluster")}} {{.Command}}'
}

# sort_containers: starts no process, and uses no here-document, which needs space on a disk.
sort_containers() {
    hd_ifs=$IFS
    set -f
    IFS=$NEWLINE
    for hd_line in $hd_all; do
        IFS=' '
        # shellcheck disable=SC2086  # into words
        set -- $hd_line
        case $5 in
        "\"$HD_CLUSTER\"")
            hd_listed=$hd_listed${hd_listed:+$NEWLINE}"$1 $3"
            hd_uses="$hd_uses $1=$4"
            ;;
        '""')
            is_relevant_foreign "$2" "$hd_line" || continue
            hd_stopped_foreign="$hd_stopped_foreign $1"
            ;;
        *) hd_others="$hd_others $1" ;;
        esac
        case "$5: $HD_CONTAINERS " in
        "\"$HD_CLUSTER\":"* | *" $3 "*) ;;
        *) hd_unrelated="$hd_unrelated $1" ;;
        esac
    done
    IFS=$hd_ifs
    set +f
}

# is_relevant_foreign STATE LINE: whether a foreign container needs a closer look, according to the list. A
# container in a restart loop is listed as running at times. Other stopped containers matter only to `check`,
# since they may publish a port of this cluster.
is_relevant_foreign() {
    case $2 in *[Hh][Aa][Pp]roxy* | *HAPROXY* | *[Kk]eepalived*) return 0 ;; esac
    [ "$1" != running ] && thorough
}

# restart_facts CONTAINER...: a line for each container that the engine, or a manager such as the kubelet, may
# start (for `check` also if it runs): its id, whether it was ever started, whether it was stopped by hand,
# and which of the two programs it seems to run. The engine stores the second and third fact only in its own
# file (moby: container.State).
restart_facts() {
    docker container inspect --format '{{.HostConfig.RestartPolicy.Name}} {{with .Config.Labels}}{{if or
        (index . "io.kubernetes.pod.name") (index . "com.docker.swarm.service.name") (index .
        "com.hashicorp.nomad.alloc_id") (index . "com.amazonaws.ecs.cluster")}}managed{{end}}{{
        end}}- {{.State.Status}}-{{.RestartCount}} {{
        .Id}} {{or .HostnamePath "-"}} {{json .Config.Image}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{
        range .Mounts}}{{json .Destination}} {{end}}' "$@" 2>/dev/null |
        while read -r hd_policy hd_managed hd_state hd_id hd_hostname hd_about; do
            [ "$hd_state" != running-0 ] || thorough || continue
            case $hd_policy:$hd_managed in
            always:* | unless-stopped:* | on-failure:* | *:managed-) ;;
            *) continue ;;
            esac
            hd_begun=$(grep -o '"HasBeen[A-Za-z]*":true' "${hd_hostname%/*}/config.v2.json" 2>/dev/null)
            case $hd_begun in *StartedBefore*) hd_started=yes ;; *) hd_started=no ;; esac
            case $hd_begun in *ManuallyStopped*) hd_stopped=yes ;; *) hd_stopped=no ;; esac
            [ -r "${hd_hostname%/*}/config.v2.json" ] || hd_started=unknown hd_stopped=unknown
            case $hd_about in
            *[Kk]eepalived*) hd_role=keepalived ;;
            *[Hh][Aa][Pp]roxy* | *HAPROXY*) hd_role=haproxy ;;
            *) hd_role=other ;;
            esac
            printf '%s %s %s %s\n' "$hd_id" "$hd_started" "$hd_stopped" "$hd_role"
        done
}

# file_of CONTAINER PATH: a file of a stopped container. The engine resolves mounts, layers and links.
file_of() {
    timeout 10 docker container cp -L "$1:$2" - 2>/dev/null | tar -xOf - 2>/dev/null | head -c "$MAX_BYTES"
}

# stopped_configurations ROLE CONTAINER: the paths on its command line, or else the default paths, in the
# order in which the program reads them.
stopped_configurations() {
    hd_named=$(
        docker container inspect --format '{{range .Config.Entrypoint}}{{println .}}{{end}}{{
            range .Config.Cmd}}{{println .}}{{end}}' "$2" | tr -s ' ' '\n' | configuration_arguments "$1"
    )
    [ -z "$hd_named" ] || {
        printf '%s\n' "$hd_named"
        return
    }
    default_configurations "$1"
    # The classic image copies it from there at its first start.
    [ "$1" = haproxy ] || echo /container/service/keepalived/assets/keepalived.conf
}

observe_stopped_foreign() {
    [ -n "$hd_stopped_foreign" ] || return 0
    # shellcheck disable=SC2086  # a list of words
    restart_facts $hd_stopped_foreign | while read -r hd_id hd_started hd_stopped hd_role; do
        emit stopped-foreign "$hd_id" "$hd_started" "$hd_stopped" "$hd_role"
        if [ "$hd_role" != haproxy ]; then
            hd_place=$(mounted_vip "$hd_id" | sed -n 1p)
            [ -z "$hd_place" ] || emit stopped-vip "$hd_id" "$hd_place"
        fi
        [ "$hd_role" != other ] || continue
        stopped_configurations "$hd_role" "$hd_id" | while IFS= read -r hd_path; do
            hd_content=$(file_of "$hd_id" "$hd_path" | base64)
            [ -n "$hd_content" ] || continue
            emit stopped-config "$hd_id" "$hd_path"
            printf '%s\n' "$hd_content"
            # haproxy reads all of its files.
            [ "$hd_role" = haproxy ] || break
        done
    done
}

# records_of CONTAINER...: the paths of the records of their clusters, found by their mounts.
records_of() {
    docker container inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' "$@" 2>/dev/null |
        sed -n 's,^\(/[^[:space:]]*\)/\(haproxy\|keepalived\)$,\1/applied.json,p'
}

equal() { [ "${1-}" = "${2-}" ]; }

# The records of other hadeploy clusters, in any folder.
observe_other_clusters() {
    hd_seen=" $HD_ROOT/applied.json "
    # shellcheck disable=SC2046,SC2086  # lists of words
    for hd_record in /etc/hadeploy/*/applied.json "${HD_ROOT%/*}"/*/applied.json \
        $([ -z "$hd_others" ] || records_of $hd_others); do
        case $hd_seen in *" $hd_record "*) continue ;; esac
        hd_seen="$hd_seen$hd_record "
        [ -f "$hd_record" ] || continue
        # Through a link, it may be the record of this cluster.
        # shellcheck disable=SC2046  # two words, or one if a file is missing
        [ ! -f "$HD_ROOT/applied.json" ] ||
            ! equal $(stat -L -c %d:%i "$hd_record" "$HD_ROOT/applied.json" 2>/dev/null) || continue
        emit cluster-record "$hd_record"
        head -c "$MAX_BYTES" "$hd_record" | base64
    done
}
