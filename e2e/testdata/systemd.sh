# Makes systemd the first process of namespaces of its own, where it finds the units of
# docs/systemd installed as docs/operate.md says, and starts their sockets for the user app.
# The root is an overlay, and all else is its own: nothing of the machine's can be written.
#
# UNITS, BINARIES and CONFIG are directories; PROXY and METRICS are what the sockets listen
# on; SCRATCH is an empty directory, and GROUP a name for a control group.
set -eu
if [ -z "${INSIDE-}" ]; then
  mount -t cgroup2 cgroup2 "$SCRATCH"
  mkdir "$SCRATCH/$GROUP"
  echo $$ >"$SCRATCH/$GROUP/cgroup.procs"
  umount "$SCRATCH"
  INSIDE=1 exec unshare --mount --pid --cgroup --uts --ipc --fork --kill-child sh "$0" "$@"
fi

mount -t tmpfs tmpfs "$SCRATCH"
root=$SCRATCH/root
mkdir "$root" "$SCRATCH/upper" "$SCRATCH/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" "$root"
for dir in dev run tmp var/tmp var/lib usr/local/bin; do mount -t tmpfs tmpfs "$root/$dir"; done
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"

# Of systemd's own units, none is started.
units=$root/etc/systemd/system
rm -rf "$units" "$root"/etc/fstab "$root"/usr/lib/systemd/system-generators "$root"/usr/lib/systemd/system/*.wants
instance=app uid=64242 proxy=tokentoss-proxy@app metrics=tokentoss-proxy-metrics@app
mkdir -p "$units/$proxy.service.d" "$units/$proxy.socket.d" "$units/$metrics.socket.d"
cp "$UNITS"/* "$units"
printf '%s\n' '[Service]' Environment=TOKENTOSS_INSECURE_LOOPBACK=1 >"$units/$proxy.service.d/test.conf"
printf '%s\n' '[Socket]' ListenStream= "ListenStream=$PROXY" >"$units/$proxy.socket.d/test.conf"
printf '%s\n' '[Socket]' ListenStream= "ListenStream=$METRICS" >"$units/$metrics.socket.d/test.conf"
printf '%s\n' '[Unit]' >"$units/sysinit.target"
printf '%s\n' '[Unit]' "Wants=$proxy.socket $metrics.socket" >"$units/test.target"

echo "$instance:x:$uid:$uid::/nonexistent:/bin/false" >>"$root/etc/passwd"
echo "$instance:x:$uid:" >>"$root/etc/group"
mkdir -p "$root/etc/tokentoss/$instance"
echo '{}' >"$root/etc/tokentoss/$instance/key.json"
echo the-word-of-the-scraper >"$root/etc/tokentoss/$instance/metrics"
chmod 600 "$root/etc/tokentoss/$instance"/*
cp "$BINARIES"/tokentoss "$BINARIES"/tokentoss-host "$root/usr/local/bin"
cp -r "$CONFIG" "$root/var/lib/tokentoss-$instance"
chmod 700 "$root/var/lib/tokentoss-$instance"
chown -R "$uid:$uid" "$root/var/lib/tokentoss-$instance"

cd "$root"
mkdir .old
pivot_root . .old
cd /
umount -l /.old
mount --make-rshared / # which systemd does where it is not in a container, and LoadCredential= wants
if [ "$(stat -f -c %T /)" != overlayfs ] || [ -n "$(ls -A /.old)$(ls -A /tmp)" ]; then
  echo "the machine's own files are still there" >&2
  exit 1
fi
if [ "$#" -gt 0 ]; then exec "$@"; fi # to look around
container=tokentoss-test exec /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=no </dev/null
