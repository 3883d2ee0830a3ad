# What runs on a host as the account that logged in: says what is there, then does what it is
# told, a word a line, until its standard input ends. Read whole before it begins, so whatever
# follows is there for the programs it starts. $1 is the word that marks what is said.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
unset ENV BASH_ENV CDPATH
umask 077
nonce=$1

say() { printf '\n%s %s\n' "$nonce" "$*"; }
fact() { say fact "$1" "$2"; }

# Whose mounts are nobody else's: what it is sent lies on a file system that ends with it,
# whatever ends it. No longer than this, should the other side vanish without a word.
as_root() {
    # shellcheck disable=SC2016  # the shell that is started expands it
    "$@" /usr/bin/timeout --signal=KILL 900 unshare --mount --propagation private -- \
        /bin/sh -c 'echo; echo "$1 root"; IFS= read -r n && eval "$(head -c "$n")"' sm "$nonce"
}

fact uid "$(id -u)"
fact account "$(id -un)"
fact system "$(uname -s)"
fact machine "$(uname -m)"
# shellcheck disable=SC1091  # each host's own
release() { [ ! -r /etc/os-release ] || (. /etc/os-release && eval "printf %s \"\${$1-}\""); }
fact name "$(release PRETTY_NAME)"
[ ! -d /run/systemd/system ] || fact systemd yes
case $(release ID) in
arch) manager=pacman ;;
*) manager=apt-get ;;
esac
! command -v "$manager" >/dev/null || fact manager "${manager%-get}"
! command -v sudo >/dev/null || fact sudo "$(sudo --version 2>/dev/null | head -n 1)"
# A package's, where it is not hidden by what lies in front of it on everybody's PATH.
folder=/usr/local/bin
if [ ! -e "$folder/sm" ] && [ ! -e "$folder/sm-helper" ] && [ -e /usr/bin/sm ] && [ -e /usr/bin/sm-helper ]; then
    folder=/usr/bin
    version=$("$folder/sm" --version 2>/dev/null </dev/null | head -n 1)
    fact package "${version:-sm, which does not say its version}"
fi
for each in sm sm-helper; do
    file=$folder/$each
    if [ -f "$file" ] && [ ! -L "$file" ] && [ -r "$file" ]; then
        fact "$each" "$(stat -c %u:%g:%a "$file") $(sha256sum <"$file" | cut -c 1-64)"
    fi
done
# How the places are mounted that are written to, or run from, and how much room root has there.
for each in "$folder" /etc/sudoers.d /var/log/sm /var/lib/sm; do
    there=$each
    while [ ! -e "$there/" ]; do there=${there%/*}; done
    fact "mount:$each" "$(stat -f -c '%S %f %c %d' "$there" | tr '\n' ' ')$(findmnt -nr -o OPTIONS,TARGET -T "$there" 2>/dev/null | tail -n 1)"
done
say ready

while IFS= read -r word; do
    case $word in
    may)
        # Whether sudo lets this account run the helper, and anything at all, without a password.
        # An exact drop-in names no command line shorter than this one.
        helper='' all=''
        if sudo -n -l -- "$folder/sm-helper" version >/dev/null 2>&1; then
            sudo -n -- "$folder/sm-helper" version 2>/dev/null </dev/null | grep -q '"success":true' && helper=yes
        fi
        said=$(sudo -n -l -- /usr/bin/timeout 2>&1) && all=yes
        fact helper "$helper"
        fact all "$all"
        fact listed "$(printf %s "$said" | tr '\n' ' ')"
        ;;
    direct) as_root ;;
    sudo) as_root sudo -n -- ;;
    password) as_root sudo -k -S -p "$nonce-password" -- ;;
    *) continue ;;
    esac
    say ended "$word"
done
