# shellcheck shell=sh
# The configuration of the running haproxy, and its statistics.
# Requires: http.sh
# Inputs: HD_HAPROXY HD_HEALTH_PORT HD_LISTENERS HD_ROOT

MAX_LOG_BYTES=104857600

MAX_USERS=3

# stats_of_recorded_port: the statistics of an haproxy that still has the recorded health port.
stats_of_recorded_port() {
    hd_recorded=$(sed -n 's/^ "health_port": \([0-9]*\).*/\1/p' "$HD_ROOT/applied.json" 2>/dev/null)
    case $hd_recorded in '' | "$HD_HEALTH_PORT") return 0 ;; esac
    http_get "$hd_recorded" '/stats;csv'
}

# Listeners without a backend now that had one before, according to haproxy's log: it reports when a server
# comes up, and how many bytes a client got from a server (configuration manual, 8.2.2).
observe_once_up() {
    case $hd_stats in *,DOWN*) ;; *) return 0 ;; esac
    for hd_listener in $HD_LISTENERS; do
        ! printf '%s\n' "$hd_stats" | grep "^$hd_listener-backend," |
            cut -d , -f 2,18 | grep -qE '^[^,]*,(UP|no check)' || continue
        hd_used=" $hd_listener-backend/[^< ][^ ]*"
        timeout 10 docker logs "$HD_HAPROXY" 2>&1 | head -c "$MAX_LOG_BYTES" |
            grep -qE -m 1 "Server$hd_used is UP|$hd_used [0-9/-]+ [+]?[1-9]" &&
            emit was-up "$hd_listener"
    done
}

# The users with connections to the health port: UID CONNECTIONS NAME.
observe_crowd() {
    crowd "$HD_HEALTH_PORT" | head -n "$MAX_USERS" | while read -r hd_uid hd_count; do
        emit crowd "$hd_uid $hd_count $(timeout 2 getent passwd "$hd_uid" | cut -d : -f 1)"
    done
}

# A foreign haproxy may close the connection after the first answer: then the statistics are requested again.
observe_haproxy() {
    hd_stats=$(http_get "$HD_HEALTH_PORT" /config '/stats;csv')
    [ $? -ne 4 ] || observe_crowd
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
