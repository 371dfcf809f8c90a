#!/bin/sh
# Unpacks the git of Debian's stable release, and the libraries that it needs, below
# the directory $1, and installs nothing. $1/bin/git runs it.
set -eu
mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/root" "$1/bin"
cd "$1"
site=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$site" ] || { echo "this is not Debian" >&2; exit 1; }
echo "deb $site stable main" >sources
: >status
apt() {
	apt-get -qq -o Dir::Etc::SourceList="$PWD/sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$PWD/lists" \
		-o Dir::State::Status="$PWD/status" -o Dir::Cache="$PWD/cache" -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Update::Error-Mode=any "$@" >&2
}
apt update
apt --yes --download-only --no-install-recommends install git
for deb in cache/archives/*.deb; do
	dpkg-deb -x "$deb" root
done
# Each program of git's, run by the C library that it was made for.
lib=$(echo "$PWD"/root/usr/lib/*-linux-gnu*)
loader=$(echo "$lib"/ld-linux-*)
for program in "$PWD"/root/usr/bin/git "$PWD"/root/usr/lib/git-core/git-remote-http "$PWD"/root/usr/lib/git-core/git-remote-https; do
	at=bin/${program##*/}
	echo "#!/bin/sh" >"$at"
	echo "exec '$loader' --library-path '$lib' '$program' \"\$@\"" >>"$at"
	chmod 755 "$at"
done
GIT_EXEC_PATH=$PWD/bin bin/git --version
rm -rf "$PWD/cache" "$PWD/lists"
