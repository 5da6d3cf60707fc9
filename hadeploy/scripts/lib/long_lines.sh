# shellcheck shell=sh
# A container may print an endless line; it is split before a program keeps all of it in memory.
MAX_LINE_BYTES=65536

# fold_lines: prints each line at once; without stdbuf (busybox), it passes the input through unchanged.
fold_lines() {
    if stdbuf -oL true 2>/dev/null; then stdbuf -oL fold -b -w "$MAX_LINE_BYTES"; else cat; fi
}
