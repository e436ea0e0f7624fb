put() { # FILE MODE: standard input becomes the file's content, at once or not at all
    cat >"$1.new" && chmod "$2" "$1.new" || return
    if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

note() { # WORDS: what could not be done, and is no reason to stop
    printf '%s\n' "$1" >>"$STATE/notes"
    echo "prime: $1"
}

has() { command -v "$1" >/dev/null 2>&1; }

apt_install() { # PACKAGE
    has apt-get || return
    report preparing "installing $1"
    # After a boot the cloud's own updates may hold apt's lock for minutes.
    local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600)
    (
        umask 022 # packages make files that others read
        "${apt[@]}" update >/dev/null
        "${apt[@]}" install -y --no-install-recommends "$1" >/dev/null
    )
}
