# shellcheck shell=sh
# What a container prints may be one line without end, which is broken before a program keeps it in
# memory as a whole.
MOST_LINE_BYTES=65536

# fold_lines: line by line, at once; without stdbuf (busybox) as they come.
fold_lines() {
    if stdbuf -oL true 2>/dev/null; then stdbuf -oL fold -b -w "$MOST_LINE_BYTES"; else cat; fi
}
