# Keeps progress.json true for as long as the machine runs, from Docker's and the engine's own words.
ENGINE_PORT=$1

look() {
    local status restarts=0
    pause=1
    if curl -fs -m 5 -o /dev/null "http://127.0.0.1:$ENGINE_PORT/health"; then
        report ready "the engine answers"
        pause=5
        return
    fi
    read -r status restarts < <(docker inspect --format '{{.State.Status}} {{.RestartCount}}' prime-engine 2>/dev/null)
    if [ -z "$status" ]; then
        report failed "the engine's container is gone"
    elif [ "${restarts:-0}" -ge 3 ]; then
        report failed "the engine ended $restarts times: $(reason_of "$(engine_log)")"
    elif [ "$status" = exited ] || [ "$status" = dead ]; then
        report failed "the engine ended: $(reason_of "$(engine_log)")"
    else
        report loading "$(engine_log | step_of)"
    fi
}

# The engine's log is only compared with known words and read for numbers. TGI's first line holds the key.
engine_log() { docker logs --tail 400 prime-engine 2>&1 | tr '\r' '\n'; }

step_of() {
    local line step="the engine starts"
    local tgi='Download: \[([0-9]{1,4})/([0-9]{1,4})\]'
    local vllm='checkpoint shards: .*[| ]([0-9]{1,4})/([0-9]{1,4}) '
    while IFS= read -r line; do
        if [[ $line =~ $tgi ]] || [[ $line =~ $vllm ]]; then
            step="weights ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
            continue
        fi
        case $line in
        *"Starting check and download process"*) step="looking for the weights" ;;
        *"Starting shard"* | *"Waiting for shard"* | *"Starting to load model"*) step="loading the weights" ;;
        *"Warming up model"* | *"Capturing CUDA graph"* | *"torch.compile"*) step="warming up" ;;
        *"Connected"* | *"Application startup complete"*) step="the engine is up" ;;
        esac
    done
    echo "$step"
}

# The newest one stays: a boot or a second run starts another, and a number kept over a reboot may be anybody's.
echo $$ >"$STATE/watch.pid"
while [ "$(cat "$STATE/watch.pid" 2>/dev/null)" = $$ ]; do
    look
    sleep "$pause"
done
