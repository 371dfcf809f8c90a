#!/bin/sh
# debian-stable.sh DIRECTORY PACKAGE PROGRAM... unpacks a package of Debian's stable
# release, and what it needs, below the directory, and installs nothing. Each program,
# which is a path such as /usr/bin/git, then has a DIRECTORY/bin/git that runs it.
set -eu
dir=$1 package=$2
shift 2
mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/unpacked" "$dir/bin"
cd "$dir"
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
apt --yes --download-only --no-install-recommends install "$package"
for deb in cache/archives/*.deb; do
	dpkg-deb -x "$deb" unpacked
done
# Each program is run by the C library that it was made for, if it needs one.
lib=$(echo "$PWD"/unpacked/usr/lib/*-linux-gnu*)
loader=$(echo "$lib"/ld-linux-*)
for program; do
	at=bin/${program##*/}
	run="'$loader' --library-path '$lib'"
	"$loader" --verify "unpacked$program" 2>/dev/null || run=
	echo "#!/bin/sh" >"$at"
	echo "exec $run '$PWD/unpacked$program' \"\$@\"" >>"$at"
	chmod 755 "$at"
done
rm -rf "$PWD/cache" "$PWD/lists"
