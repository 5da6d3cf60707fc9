# shellcheck shell=sh
# What clients are answered on the VIPs.
# Requires: answer.sh
# Inputs: HD_LISTENERS HD_PORTS HD_ROOT

MOST_ASKED_AT_ONCE=16
SILENT_SECONDS=0.3

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
            print_answer "$hd_vip" "$hd_port" "$1" &
            shift
            hd_asking=$((hd_asking + 1))
            [ $((hd_asking % MOST_ASKED_AT_ONCE)) -ne 0 ] || wait
        done
    done
    wait
}

# print_answer VIP PORT LISTENER: one that said nothing when it was recorded is not waited for long. Any other
# one may be busy or have just died, which haproxy does not know yet, or one of several servers may close every
# connection: then others are asked. A closed connection is reported beside their answer.
print_answer() {
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

# report_answers: what `ask_vips` says on descriptor 4.
report_answers() {
    while read -r hd_vip hd_port hd_answer hd_first; do
        emit vip-answer "$hd_vip" "$hd_port" "$hd_answer${hd_first:+ $hd_first}"
    done <&4
}
