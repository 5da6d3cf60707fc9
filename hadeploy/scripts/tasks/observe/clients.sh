# shellcheck shell=sh
# The answers that clients get on the VIPs.
# Requires: answer.sh
# Inputs: HD_LISTENERS HD_PORTS HD_ROOT

MAX_ASKED_AT_ONCE=16
SILENT_SECONDS=0.3

# ask_vips: the answer of each VIP and port; all are asked at the same time, and each line is one write.
ask_vips() {
    # Before the first `up`, no node answers, and each attempt would take a second.
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
            [ $((hd_asking % MAX_ASKED_AT_ONCE)) -ne 0 ] || wait
        done
    done
    wait
}

# print_answer VIP PORT LISTENER: a listener whose recorded answer is silent gets a short time limit. For any
# other one, a silent or closed connection may mean a busy server, a server that has just died, or one of
# several servers that closes every connection: then others are asked, and "closed" follows their answer.
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

# report_answers: reports the output of `ask_vips`, from descriptor 4.
report_answers() {
    while read -r hd_vip hd_port hd_answer hd_first; do
        emit vip-answer "$hd_vip" "$hd_port" "$hd_answer${hd_first:+ $hd_first}"
    done <&4
}
