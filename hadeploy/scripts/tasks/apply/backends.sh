# shellcheck shell=sh
# Check that haproxy reaches the same servers after a change as before.
# Requires: addresses.sh answer.sh handover.sh http.sh track.sh undo.sh waiting.sh
# Inputs: HD_BACKENDS HD_CLIENT_VIPS HD_ELECTION HD_HEALTH_PORT HD_LISTENERS HD_NODE_ADDRESS HD_ROOT
# HD_CLIENT_VIPS: the VIPs that the node must serve. HD_LISTENERS: words NAME=PORT. HD_BACKENDS: words
# AFTER=BEFORE.
#
# AFTER is BACKEND/SERVER, with haproxy's names after the change, BACKEND/ for any of its servers, or :PORT
# for a port that must answer clients as before. It is expected if BEFORE was true before the change.
# An empty BEFORE, or !ANSWERS, is always expected; the node's own address must then give these ANSWERS.

MAX_ASKED=5
MAX_SERVERS=20

# check_results: lines "BACKEND/SERVER RESULT ADDRESS CHECK REASON" from haproxy's statistics (CSV,
# management guide, 9.1). RESULT is up, down, unchecked (no check has finished yet), failing (too few
# failed checks to be down) or other.
check_results() {
    sed -e ':again' -e 's/\("[^",]*\),\([^"]*"\)/\1;\2/' -e 't again' -e 's/"//g' |
        cut -d , -f 1,2,18,37,38,57,66,74 |
        while IFS=, read -r hd_backend hd_server hd_status hd_check hd_http hd_reason hd_words hd_at; do
            case $hd_server in FRONTEND | BACKEND | svname | '') continue ;; esac
            # During a check, an asterisk precedes the result of the previous check.
            hd_check=${hd_check#'* '}
            case $hd_status:$hd_check in
            UP*:*OK | UP*:L7OKC | 'no check':*) hd_result=up ;;
            UP*: | UP*:INI) hd_result=unchecked ;;
            UP*) hd_result=failing ;;
            DOWN*) hd_result=down ;;
            *) hd_result=other ;;
            esac
            printf '%s/%s %s %s %s %s\n' "$hd_backend" "$hd_server" "$hd_result" "${hd_at:--}" \
                "${hd_check:--}${hd_http:+/$hd_http}" "${hd_reason:-$hd_words}"
        done
}

# results_from PORT...: the check results of the first port that answers.
results_from() {
    for hd_port in "$@"; do
        hd_rows=$(http_get "$hd_port" '/stats;csv' | check_results) 2>/dev/null
        [ -z "$hd_rows" ] || break
    done
    printf '%s\n' "$hd_rows"
}

# has_result NAME RESULT: whether a row of $hd_rows has this result; NAME/ means any server of a backend.
has_result() {
    while read -r hd_row_name hd_row_result _; do
        case $hd_row_name in
        "$1" | "${1%/}/"*) [ "$hd_row_result" != "$2" ] || return 0 ;;
        esac
    done <<END
$hd_rows
END
    return 1
}

# times_to_ask: the number of servers in $hd_rows that are not down, to reach each of them; 3 if hadeploy's
# haproxy does not run yet.
times_to_ask() {
    hd_count=$(printf '%s\n' "$hd_rows" | grep -cv '^[^ ]* down ')
    [ -n "$hd_rows" ] || hd_count=3
    [ "$hd_count" -le "$MAX_ASKED" ] || hd_count=$MAX_ASKED
    [ "$hd_count" -ge 1 ] || hd_count=1
    printf '%s\n' "$hd_count"
}

# answers_now PORT: lines "ADDRESS ANSWERS" (words joined by commas) for the addresses that answer clients:
# the node's own address, and the VIPs that are here and stay. A VIP on another node reaches another
# haproxy. Loopback is not asked: firewall and haproxy rules may treat it differently.
answers_now() {
    for hd_address in $HD_NODE_ADDRESS $HD_CLIENT_VIPS; do
        [ "$hd_address" = "$HD_NODE_ADDRESS" ] || all_here "$hd_address" || continue
        hd_answers=$(answers_of "$hd_address" "$1" "$(times_to_ask)" |
            grep -vxE 'closed|refused|unreached' | paste -s -d , -)
        [ -z "$hd_answers" ] || printf '%s %s\n' "$hd_address" "$hd_answers"
    done
}

# was_up BEFORE: whether BEFORE is true now.
was_up() {
    case $1 in
    '') return 0 ;;
    !*) hd_open="$HD_NODE_ADDRESS ${1#!}" ;;
    :*) hd_open=$(answers_now "${1#:}") && [ -n "$hd_open" ] ;;
    *) has_result "$1" up || has_result "$1" unchecked || has_result "$1" failing ;;
    esac
}

# expect_backends: sets hd_expected to the part of HD_BACKENDS that is expected after the change.
expect_backends() {
    hd_rows=$(results_from "$HD_HEALTH_PORT" "$(recorded health_port)")
    hd_expected=
    for hd_word in $HD_BACKENDS; do
        was_up "${hd_word#*=}" || continue
        case $hd_word in
        :*)
            while read -r hd_address hd_answers; do
                hd_expected="$hd_expected ${hd_word%%=*}@$hd_address=$hd_answers"
            done <<END
$hd_open
END
            ;;
        *) hd_expected="$hd_expected ${hd_word%%=*}" ;;
        esac
    done
}

# all_checked: whether the result of every expected server is known. hd_lost has the servers that are down,
# hd_failing those whose checks fail so far.
all_checked() {
    hd_rows=$(results_from "$HD_HEALTH_PORT")
    [ -n "$hd_rows" ] || return 1
    hd_lost=
    hd_failing=
    hd_waiting=no
    for hd_name in $hd_expected; do
        case $hd_name in :*) continue ;; esac
        if has_result "$hd_name" up || has_result "$hd_name" other; then
            continue
        elif has_result "$hd_name" unchecked; then
            hd_waiting=yes
        elif has_result "$hd_name" failing; then
            hd_waiting=yes
            hd_failing="$hd_failing $hd_name"
        elif has_result "$hd_name" down; then
            hd_lost="$hd_lost $hd_name"
        fi
        # A missing server was removed on purpose, or a template of the user names it differently.
    done
    # New servers are not expected, but count as up until their first check.
    ! printf '%s\n' "$hd_rows" | matches '^[^ ]* unchecked ' || hd_waiting=yes
    [ "$hd_waiting" = no ]
}

# changed_answer EXPECTED: the first answer on a port that differs from the answers before, if any.
changed_answer() {
    hd_address=${1#*@}
    hd_before=${hd_address#*=}
    hd_address=${hd_address%%=*}
    hd_port=${1%%@*}
    # A VIP may have moved in the meantime.
    [ "$hd_address" = "$HD_NODE_ADDRESS" ] || all_here "$hd_address" || return 0
    for hd_answer in $(answers_of "$hd_address" "${hd_port#:}" "$(times_to_ask)"); do
        as_before "$hd_answer" "$hd_before" && continue
        printf '%s\n' "$hd_answer"
        return 0
    done
}

# has_silent_server PORT: whether a server of that listener passes haproxy's check, but does not answer a direct
# connection: it is frozen or overloaded, and the check only connects.
has_silent_server() {
    # shellcheck disable=SC2086  # a list of words
    hd_section=$(printf '%s\n' $HD_LISTENERS | sed -n "s/=$1\$/-backend/p")
    hd_servers=$(printf '%s\n' "$hd_rows" |
        sed -n "s/^$hd_section\/[^ ]* up \([^ ]*:[0-9][0-9]*\) .*/\1/p" | head -n "$MAX_SERVERS")
    {
        for hd_server in $hd_servers; do
            hd_at=${hd_server%:*}
            hd_at=${hd_at#\[}
            answer_of "${hd_at%\]}" "${hd_server##*:}" &
        done
        wait
    } | matches -x silent
}

# changed_answers SECONDS: adds the ports that do not answer as before to hd_lost, with their answers now.
# There are several tries, because a server may be busy. If there is no answer, a server may have died, which
# haproxy detects within SECONDS; or it is frozen, and the change is not the cause.
changed_answers() {
    hd_until=$(($(uptime_seconds) + $1))
    for hd_name in $hd_expected; do
        case $hd_name in :*) ;; *) continue ;; esac
        hd_tries=0
        while :; do
            hd_unlike=$(changed_answer "$hd_name")
            [ -n "$hd_unlike" ] || break
            hd_tries=$((hd_tries + 1))
            heartbeat
            [ "$hd_tries" -lt "$MOST_TRIES" ] || {
                [ "$hd_unlike" = silent ] && [ "$(uptime_seconds)" -lt "$hd_until" ]
            } || break
        done
        [ -n "$hd_unlike" ] || continue
        hd_port=${hd_name%%@*}
        [ "$hd_unlike" = silent ] && has_silent_server "${hd_port#:}" ||
            hd_lost="$hd_lost $hd_name=$hd_unlike"
    done
}

# prove_backends SECONDS: fails if a server is down that was up before, and reports it with the reason.
prove_backends() {
    [ -n "$hd_expected" ] || return 0
    until_true "$1" 'the first checks of all servers' all_checked || hd_lost="$hd_lost$hd_failing"
    [ -n "$hd_lost" ] || changed_answers "$1"
    [ -n "$hd_lost" ] || return 0
    for hd_name in $hd_lost; do
        emit lost "$hd_name"
        printf '%s\n' "$hd_rows" | grep -F "$hd_name" | grep -v '^[^ ]* up '
    done
    return 1
}

# prove_takeover SECONDS NAME...: fails if one of these servers is down here: this node is about to win the VIP,
# and the holder reaches them.
prove_takeover() {
    hd_within=$1
    shift
    hd_expected=$*
    hd_lost=
    hd_failing=
    prove_backends "$hd_within" || {
        # After the restore, the node stays off the VIP, too.
        # shellcheck disable=SC2034  # for restore.sh
        hd_unfit=yes
        return 1
    }
}

# confirm_takeover SECONDS "VIP..." NAME...: the same, once this node has the VIP; if it fails, the node gives
# the VIP up at once. It is no failure if the VIP does not move here: another node may have failed.
confirm_takeover() {
    hd_within=$1
    hd_won=$2
    shift 2
    # shellcheck disable=SC2086  # a list of words
    until_true "$HD_ELECTION" "$hd_won is here" all_here $hd_won || return 0
    prove_takeover "$hd_within" "$@" && return 0
    set_track handover 1
    return 1
}

# has_rows BACKEND: whether haproxy has a section of that name; a template may name it differently.
has_rows() { printf '%s\n' "$hd_rows" | matches "^$1/"; }

# record_served: adds the listeners that have a backend now to the file of those that ever had one, with
# their answers: lines NAME, or NAME ANSWERS. If no backend is up later, the file distinguishes an outage
# from a cluster without API servers.
record_served() {
    hd_rows=$(results_from "$HD_HEALTH_PORT")
    hd_up=
    # sort keeps the first line of each name.
    {
        for hd_listener in $HD_LISTENERS; do
            hd_name=${hd_listener%%=*}
            has_result "$hd_name-backend/" up || ! has_rows "$hd_name-backend" || continue
            hd_now=$(answers_now "${hd_listener#*=}" | sed -n '1s/.* //p')
            [ -n "$hd_now" ] || has_rows "$hd_name-backend" || continue
            [ -z "$hd_now" ] || printf '%s %s\n' "$hd_name" "$hd_now"
            hd_up="$hd_up $hd_name"
        done
        cat "$HD_ROOT/served" 2>/dev/null
        # shellcheck disable=SC2086  # a list of words
        [ -z "$hd_up" ] || printf '%s\n' $hd_up
    } | sort -s -u -k 1,1 | tail -n 1000 >"$HD_ROOT/served.new" &&
        chmod 0644 "$HD_ROOT/served.new" && sync "$HD_ROOT/served.new" && mv -f "$HD_ROOT/served.new" "$HD_ROOT/served"
}
