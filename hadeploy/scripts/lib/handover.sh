# shellcheck shell=sh
# Move addresses without losing requests in progress.
# Requires: addresses.sh answer.sh block_connections.sh track.sh waiting.sh
# Optional inputs: HD_COMPARE
# HD_COMPARE: with "no", hand_over does not compare the answers that clients get.

# How many connections are opened at the same time, to reach more than one server.
HANDOVER_ASKED=3

# How many tries there are if an answer differs from the earlier one: a server may be busy.
MOST_TRIES=3

# leave "COMMAND" ADDRESS...: runs the command, which makes keepalived give up the addresses. For a moment,
# this node still answers the open connections.
leave() {
    hd_command=$1
    shift
    # keepalived removes the addresses, which the kernel needs to answer the requests in progress.
    pin_vip 20 "$@" || return 1
    block_syn "$@"
    short_sleep
    hd_left=no
    # shellcheck disable=SC2086  # words
    if $hd_command && until_true 15 "$* has left" none_here "$@"; then
        hd_left=yes
        short_sleep
        short_sleep
    fi
    unpin "$@"
    firewall -D "$@"
    [ "$hd_left" = yes ]
}

# hand_over PORT ADDRESS...: the VIPs leave this node, and another node gives clients the same answers.
hand_over() { move_away handover "$@"; }

# move_away NAME PORT ADDRESS...
move_away() {
    hd_track_name=$1 hd_service=$2
    shift 2
    answered_here "$hd_service" "$@"
    if leave "set_track $hd_track_name 1" "$@" && answered_elsewhere "$hd_service" "$@"; then
        return 0
    fi
    set_track "$hd_track_name" 0
    return 1
}

answer_all() {
    hd_at=$1
    shift
    for hd_address in "$@"; do
        tcp_opens "$hd_address" "$hd_at" || return 1
    done
}

# answered_here PORT ADDRESS...: sets hd_answered to the answers that clients get, as lines "ADDRESS ANSWERS",
# without addresses that do not serve clients.
answered_here() {
    hd_port=$1
    shift
    hd_answered=
    [ "${HD_COMPARE-}" != no ] || return 0
    hd_answered=$(
        for hd_vip in "$@"; do
            hd_now=$(answers_of "$hd_vip" "$hd_port" "$HANDOVER_ASKED" |
                grep -vxE 'closed|refused|unreached' | paste -s -d , -)
            [ -z "$hd_now" ] || printf '%s %s\n' "$hd_vip" "$hd_now"
        done
    )
}

# answered_elsewhere PORT ADDRESS...: waits until another node answers, and gives the answers in hd_answered.
answered_elsewhere() {
    hd_port=$1
    shift
    for hd_vip in "$@"; do
        until_true 10 "another node answers on $hd_vip" tcp_opens "$hd_vip" "$hd_port" || return 1
        hd_before=$(printf '%s\n' "$hd_answered" | sed -n "s/^$hd_vip //p")
        [ -n "$hd_before" ] || continue
        hd_tries=0
        until answered_so "$hd_vip" "$hd_port" "$hd_before"; do
            hd_tries=$((hd_tries + 1))
            [ "$hd_tries" -lt "$MOST_TRIES" ] || {
                emit lost ":$hd_port@$hd_vip=$hd_before=$hd_answer"
                return 1
            }
            short_sleep
        done
    done
}

# answered_so ADDRESS PORT BEFORE: whether all answers are as before; hd_answer is the first that is not.
answered_so() {
    for hd_answer in $(answers_of "$1" "$2" "$HANDOVER_ASKED"); do
        as_before "$hd_answer" "$3" || return 1
    done
}
