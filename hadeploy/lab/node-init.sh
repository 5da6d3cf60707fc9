#!/bin/sh
# PID 1 of a lab node, started in new mount, PID and UTS namespaces and in the node's network
# namespace. Builds the node's root out of this machine's own files, enters it, starts the
# services and then only collects orphans.
#
# usage: node-init.sh DISK NAME DOCKERD-COMMAND...
#   DISK holds:   layers       one line per file system: MOUNTPOINT FOLDER
#                 FOLDER/upper, FOLDER/work   where the node's changes to it are kept
#                 var-lib/docker, var-lib/containerd   not overlaid: Docker stacks its own overlays
set -eu

# A function is read to its end before it runs, so it does not matter that the script's own file is
# out of sight after pivot_root.
main() {
	disk=$1
	name=$2
	shift 2
	root=$disk/root
	hostname "$name"

	while read -r mountpoint folder; do
		mount -t overlay overlay \
			-o "lowerdir=$mountpoint,upperdir=$disk/$folder/upper,workdir=$disk/$folder/work" \
			"$root${mountpoint%/}"
	done <"$disk/layers"

	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	# A sysfs shows the network of whoever mounted it; the cgroups inside must stay, or there is no
	# Docker.
	mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
	mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/dev/shm"
	mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$root/run"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/tmp"
	for folder in docker containerd; do
		mount --bind "$disk/var-lib/$folder" "$root/var/lib/$folder"
	done

	mkdir "$root/run/sshd" "$root/run/lock" "$root/run/machine"
	cd "$root"
	pivot_root . run/machine
	cd /
	umount -l /run/machine
	rmdir /run/machine

	# Every boot has its own id, as a real machine's has; "has it rebooted?" is asked by it.
	cat /proc/sys/kernel/random/uuid >/run/boot_id
	mount --bind /run/boot_id /proc/sys/kernel/random/boot_id

	/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log
	setsid "$@" </dev/null >>/var/log/dockerd.log 2>&1 &
	echo "up" >/run/lab-booted

	# dash collects whatever orphan ends while it waits for the one child that never does.
	while :; do
		sleep infinity &
		wait "$!" || :
	done
}

main "$@"
