# Runs at every boot, as root; a second run changes nothing. A step that fails is noted and the next one tried: what is
# needed in the end is `docker run`, and nginx, so that Prime can read how far it came.
main() {
    umask 077
    mkdir -p "$STATE" "$ETC"
    chmod 755 "$STATE"
    rm -f "$STATE/notes"
    report preparing "starting"
    keep_secrets || { report failed "the server's key is not on this machine"; return 1; }
    if [ "$SCHEME" = https ]; then put_front; fi
    put_docker
    has docker || { report failed "Docker is missing and could not be installed"; return 1; }
    put_gpu_toolkit
    block_metadata
    pull_image
    run_engine || return
    report loading "the engine starts"
    if [ "$SCHEME" = https ]; then start_watch; fi
    if has send_logs; then send_logs || echo "prime: the engine's log is not sent"; fi # no reason to call it failed
}

start_watch() {
    printf '%s\n' "$WATCH" | put "$STATE/watch.sh" 600
    if [ -d "$ROOT/run/systemd/system" ]; then
        systemd-run --quiet --collect bash "$STATE/watch.sh" "$ENGINE_PORT"
    else
        setsid --fork nohup bash "$STATE/watch.sh" "$ENGINE_PORT" >/dev/null 2>&1
    fi
}

main </dev/null
exit
