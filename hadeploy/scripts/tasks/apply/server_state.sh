# shellcheck shell=sh
# A new haproxy counts every server as up until its checks fail, and requests to a dead server are lost. A
# state file passes the servers that are down from the running haproxy to the next one (haproxy's
# configuration manual, server-state-file).
# Requires: http.sh undo.sh
# Inputs: HD_HEALTH_PORT HD_ROOT

state_file=$HD_ROOT/haproxy/server-state

# servers FILE: the servers of a haproxy.cfg, as lines "BACKEND SERVER ADDRESS:PORT".
servers() {
    hd_section=
    while read -r hd_keyword hd_label hd_where _; do
        case $hd_keyword in
        backend | listen) hd_section=$hd_label ;;
        server) printf '%s %s %s\n' "$hd_section" "$hd_label" "$hd_where" ;;
        esac
    done <"$1"
}

# down_servers: the servers that are down in the statistics (CSV), in the same form. Quoted fields may
# contain commas.
down_servers() {
    sed 's/"[^"]*"//g' | cut -d , -f 1,2,18,74 |
        sed -n 's/^\([^,]*\),\([^,]*\),DOWN\( [0-9/]*\)\{0,1\},\([^,]*\)$/\1 \2 \4/p'
}

# server_state: a state file in which the servers of its stdin, lines "BACKEND SERVER ADDRESS:PORT", are
# stopped; haproxy checks them, and they come up like any other. The address stays the configured one;
# haproxy takes the port from the file.
server_state() {
    printf '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight'
    printf ' srv_iweight srv_time_since_last_change srv_check_status srv_check_result'
    printf ' srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id'
    printf ' srv_fqdn srv_port srvrecord\n'
    sed 's/^\([^ ]*\) \([^ ]*\) .*:\([0-9]*\)$/0 \1 0 \2 - 0 0 1 1 0 1 0 0 6 0 0 0 - \3 -/'
}

# save_server_state [FILE]: writes the state file for the next haproxy, from the statistics of the running
# one. FILE is the haproxy.cfg of the next one; the default is the staged file, or the live one. The
# running haproxy answers on the new health port or on the recorded one. A server at another address is
# another server. Without an answer, the file stays as it is; it never fails.
save_server_state() {
    hd_config=${1:-$HD_ROOT/.staging/haproxy/haproxy.cfg}
    [ -f "$hd_config" ] || hd_config=$HD_ROOT/haproxy/haproxy.cfg
    # haproxy warns of a server that starts down.
    ! grep -q '^[[:blank:]]*zero-warning' "$hd_config" || return 0
    hd_known=$(
        for hd_port in $(printf '%s\n' "$HD_HEALTH_PORT" "$(recorded health_port)" | sort -u); do
            http_get "$hd_port" '/stats;csv' | down_servers
        done
    ) 2>/dev/null
    servers "$hd_config" 2>/dev/null | grep -xF "$hd_known" | server_state | write_server_state
    return 0
}

# clear_server_state: the file is only valid for the next start; after a reboot it is out of date.
clear_server_state() { server_state </dev/null | write_server_state || rm -f "$state_file"; }

write_server_state() {
    {
        cat >"$state_file.new" && chmod 0644 "$state_file.new" && sync "$state_file.new" &&
            mv -f "$state_file.new" "$state_file"
    } 2>/dev/null
}
