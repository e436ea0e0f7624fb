# fluent-bit beside the engine, which sends the engine's log to the log database. It reads $ETC/logs, which is for root
# alone: the password stands neither on a command line nor in what `docker inspect` tells.
send_logs() {
    local source
    if [ -n "${LOG_CONFIGURATION:-}" ]; then
        mkdir -p "$ETC/logs"
        printf '%s' "$LOG_CONFIGURATION" | put "$ETC/logs/fluent-bit.conf" 600
        printf '%s' "$LOG_PARSERS" | put "$ETC/logs/parsers.conf" 600
    fi
    if ! [ -s "$ETC/logs/fluent-bit.conf" ]; then return; fi
    source=$(docker inspect --format '{{.LogPath}}' prime-engine) && [ -n "$source" ] || return
    docker rm -f prime-logs >/dev/null 2>&1
    docker run -d --name prime-logs --restart unless-stopped --log-opt max-size=1m --log-opt max-file=2 \
        -e "PGSSLMODE=$LOG_SSL_MODE" -v "$ETC/logs:/prime:ro" -v "${source%/*}:/engine:ro" -v prime-logs:/state \
        "$LOG_IMAGE" -c /prime/fluent-bit.conf >/dev/null
}
