#!/usr/bin/env bash
# A Debian package of a binary that was built: scripts/deb.sh BINARY [FOLDER]
# Prints the path of the package. Two runs over one binary and one commit give equal octets.
set -euo pipefail
binary=$(realpath "${1:?a binary that was built, such as target/release/comity}")
to=$(realpath "${2:-.}")
cd "$(dirname "$0")/.."
umask 022
root=$(mktemp -d)
chmod 0755 "$root"
trap 'rm -rf "$root"' EXIT
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

version=$("$binary" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
doc=$root/usr/share/doc/comity
install -D -m 0755 "$binary" "$root/usr/bin/comity"
strip --strip-unneeded "$root/usr/bin/comity"
install -D -m 0644 packaging/comity.service "$root/usr/lib/systemd/system/comity.service"
install -D -m 0644 packaging/comity.sysusers "$root/usr/lib/sysusers.d/comity.conf"
install -D -m 0644 packaging/comity.default "$root/etc/default/comity"
install -D -m 0644 packaging/debian/copyright "$doc/copyright"
install -m 0644 docs/guide/run-a-node.md docs/operate/*.md comity.example.toml CHANGELOG.md "$doc"
gzip -9n >"$doc/changelog.gz" <<CHANGES
comity ($version) unstable; urgency=medium

  * What changed is in CHANGELOG.md beside this file.

 -- The authors of Comity <comity@example.org>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGES
python3 scripts/sbom.py >"$doc/comity.spdx.json"

install -d "$root/DEBIAN"
install -m 0755 packaging/debian/{postinst,prerm,postrm} "$root/DEBIAN"
echo /etc/default/comity >"$root/DEBIAN/conffiles"
glibc=$(objdump -T "$root/usr/bin/comity" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
cat >"$root/DEBIAN/control" <<CONTROL
Package: comity
Version: $version
Architecture: $architecture
Maintainer: The authors of Comity <comity@example.org>
Depends: libc6 (>= ${glibc#GLIBC_}), libgcc-s1
Recommends: systemd
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Section: net
Priority: optional
Description: exchange of security intelligence for sovereign parties
 One node of one party: STIX 2.1 in, a signed log of what the party did,
 TAXII 2.1 out. The logs can be verified by everybody who may read them,
 and what is withdrawn is gone.
CONTROL
(cd "$root" && find usr etc -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
package=$to/comity_${version}_$architecture.deb
dpkg-deb --root-owner-group --build -Zxz "$root" "$package" >&2
echo "$package"
